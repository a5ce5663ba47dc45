import pytest
import torch

from snl_video.errors import NetworkError
from snl_video.models import FeatureLayout

B, C, T, H, W = 2, 5, 3, 4, 2
SIZES = {"T": T, "H": H, "W": W}


def maps():
    """Every value tells its own place: b, c, t, h and w are its digits."""
    axes = [torch.arange(float(size)) for size in (B, C, T, H, W)]
    b, c, t, h, w = torch.meshgrid(*axes, indexing="ij")
    return 10000 * b + 1000 * c + 100 * t + 10 * h + w


def tokens(order, extra):
    """(B, N, C) by loops over the axes, the first of ``order`` the slowest."""
    source, rows = maps(), []
    first, second, third = (SIZES[axis] for axis in order)
    for i in range(first):
        for j in range(second):
            for k in range(third):
                at = dict(zip(order, (i, j, k), strict=True))
                rows.append(source[:, :, at["T"], at["H"], at["W"]])
    grid = torch.stack(rows, 1)
    return torch.cat([torch.full((B, extra, C), -1.0), grid], 1)


@pytest.mark.parametrize("order", ["THW", "HWT", "WTH"])
@pytest.mark.parametrize("extra", [0, 2])
def test_tokens_find_their_place_and_extra_ones_stay(order, extra):
    layout = FeatureLayout(f"B({order})C", SIZES, extra)
    features, seen = tokens(order, extra), []
    result = layout.apply(lambda x: seen.append(x) or x + 0.5, features)
    assert torch.equal(seen[0], maps())
    expected = features.clone()
    expected[:, extra:] += 0.5
    assert torch.equal(result, expected)
    assert result.is_contiguous()
    assert (layout.channels(features.shape), layout.positions(features.shape)) == (C, T * H * W)


@pytest.mark.parametrize(
    ("axes", "features", "sizes", "seen_shape"),
    [
        ("BTHWC", maps().permute(0, 2, 3, 4, 1), {}, (B, C, T, H, W)),
        ("BTCHW", maps().permute(0, 2, 1, 3, 4), {}, (B, C, T, H, W)),
        ("BCHW", maps()[:, :, 0], {}, (B, C, 1, H, W)),
        ("BHWC", maps()[:, :, 0].permute(0, 2, 3, 1), {}, (B, C, 1, H, W)),
        ("(BT)CHW", maps().transpose(1, 2).flatten(0, 1), {"T": T}, (B, C, T, H, W)),
        (
            "(BT)(HW)C",
            maps().permute(0, 2, 3, 4, 1).flatten(2, 3).flatten(0, 1),
            SIZES,
            (B, C, T, H, W),
        ),
        ("BCT", maps()[:, :, :, 0, 0], {}, (B, C, T, 1, 1)),
    ],
)
def test_every_axis_is_where_the_letters_say(axes, features, sizes, seen_shape):
    layout, seen = FeatureLayout(axes, sizes), []
    result = layout.apply(lambda x: seen.append(x) or 2 * x, features)
    assert seen[0].shape == seen_shape
    assert torch.equal(seen[0], maps()[:, :, : seen_shape[2], : seen_shape[3], : seen_shape[4]])
    assert torch.equal(result, 2 * features)
    assert layout.channels(features.shape) == C


def test_class_tokens_of_every_frame_stay():
    grid = maps().permute(0, 2, 3, 4, 1).flatten(2, 3).flatten(0, 1)  # (B T, H W, C)
    features, seen = torch.cat([torch.full((B * T, 1, C), -1.0), grid], 1), []
    layout = FeatureLayout("(BT)(HW)C", SIZES, 1)
    result = layout.apply(lambda x: seen.append(x) or 2 * x, features)
    assert torch.equal(seen[0], maps())
    assert torch.equal(result[:, 0], features[:, 0])
    assert torch.equal(result[:, 1:], 2 * grid)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("BCTHX",), "layout 'BCTHX': a layout is like BCTHW"),
        (("BTHW",), "a layout is like"),
        (("BCTTW",), "a layout is like"),
        (("B(TH)W",), "a layout is like"),
        (("B(THW)C",), "sizes must give T, H, W and no other axis, got {}"),
        (("(BT)CHW", {"T": 2, "H": 4}), "sizes must give T and no other axis"),
        (("BCTHW", {"T": 2}), "sizes must give"),
    ],
)
def test_a_layout_that_is_none_is_refused(arguments, message):
    with pytest.raises(NetworkError, match=message):
        FeatureLayout(*arguments)


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        (FeatureLayout("BTHWC"), (2, 9, 4)),
        (FeatureLayout("B(THW)C", SIZES, 1), (2, T * H * W, 4)),
        (FeatureLayout("(BT)CHW", {"T": 3}), (4, 8, 2, 2)),
    ],
)
def test_features_of_another_layout_are_refused_with_both_shapes(layout, shape):
    with pytest.raises(NetworkError, match="are not laid out as"):
        layout.apply(lambda x: x, torch.zeros(shape))
