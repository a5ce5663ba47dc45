import pytest
import torch
from torch.nn import functional as F

from snl_video.models.backbones.inception_i3d import (
    InceptionI3D,
    MaxPoolSame,
    ShiftBatchNorm3d,
    same_padding,
)
from snl_video.weights import build_model


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("kernel", [1, 2, 3, 7])
@pytest.mark.parametrize("stride", [1, 2])
def test_same_padding_gives_tensorflows_sizes(size, kernel, stride):
    ((before, after),) = same_padding((size,), (kernel,), (stride,))
    outputs = (size + before + after - kernel) // stride + 1
    assert outputs == -(-size // stride)
    assert after - before in (0, 1)
    smaller = size + max(before + after - 1, 0)
    if before + after:
        assert (smaller - kernel) // stride + 1 < outputs  # no pixel more than is needed


@pytest.mark.parametrize("shape", [(1, 5, 6), (4, 7, 9), (8, 8, 8)])
@pytest.mark.parametrize("kernel", [(3, 3, 3), (2, 2, 2), (1, 3, 3)])
@pytest.mark.parametrize("stride", [(1, 1, 1), (2, 2, 2)])
def test_max_pool_takes_the_largest_inside(shape, kernel, stride):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 2, *shape, generator=generator, dtype=torch.float64) - 5  # all below zero
    pooled = MaxPoolSame(kernel, stride)(x)
    for out in torch.cartesian_prod(*(torch.arange(n) for n in pooled.shape[2:])).tolist():
        window = []
        for axis in range(3):
            needed = (pooled.shape[2 + axis] - 1) * stride[axis] + kernel[axis]
            total = max(needed - shape[axis], 0)
            start = out[axis] * stride[axis] - total // 2
            window.append(slice(max(start, 0), start + kernel[axis]))
        expected = x[(slice(None), slice(None), *window)].amax(dim=(2, 3, 4))
        assert torch.equal(pooled[:, :, out[0], out[1], out[2]], expected)


def test_norm_has_a_shift_and_no_trainable_scale():
    norm = ShiftBatchNorm3d(4).double()
    assert [name for name, _ in norm.named_parameters()] == ["bias"]
    x = torch.randn(3, 4, 2, 5, 5, dtype=torch.float64)
    norm.bias.data = torch.arange(4.0, dtype=torch.float64)
    mean = x.mean(dim=(0, 2, 3, 4), keepdim=True)
    var = x.var(dim=(0, 2, 3, 4), correction=0, keepdim=True)
    expected = (x - mean) / (var + 1e-3).sqrt() + norm.bias.view(1, -1, 1, 1, 1)
    torch.testing.assert_close(norm(x), expected)


def test_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in InceptionI3D(400).parameters()) == 12_689_984


def test_head_weights_times_as_pairs_do():
    torch.manual_seed(0)
    trunk = InceptionI3D(5, width=8).double().eval()
    clip = torch.randn(1, 3, 40, 32, 32, dtype=torch.float64)
    frames = trunk.features(clip).mean(dim=(3, 4))[0]  # (C, 5)
    pairs = torch.stack([(frames[:, i] + frames[:, i + 1]) / 2 for i in range(4)])
    weight, bias = trunk.logits.weight.flatten(1), trunk.logits.bias
    torch.testing.assert_close(trunk(clip)[0], (pairs @ weight.T + bias).mean(dim=0))


def test_stem_is_a_convolution_over_asymmetric_zeros():
    torch.manual_seed(0)
    unit = InceptionI3D(5, width=8).eval().Conv3d_1a_7x7
    clip = torch.randn(1, 3, 8, 16, 16)
    padded = F.pad(clip, (2, 3, 2, 3, 2, 3))  # 7 wide, step 2, even size: 5 in all, 3 after
    expected = F.relu(unit.norm(F.conv3d(padded, unit.conv.weight, stride=2)))
    torch.testing.assert_close(unit(clip), expected)


@pytest.mark.parametrize(("frames", "size"), [(1, 17), (9, 33), (3, 50)])
def test_takes_odd_sizes(frames, size):
    network = build_model("i3d_inception", 5, width=8).eval()
    assert network(torch.randn(1, 3, frames, size, size + 2)).shape == (1, 5)


def test_paper_place_is_before_the_last_unit_of_the_fourth_stage():
    network = build_model("i3d_inception", 5, width=8, non_local={"kind": "snl"})
    assert [entry["place"] for entry in network.non_local] == ["Mixed_4e"]
    assert network.non_local[0]["in_channels"] == network.trunk.Mixed_4f.branch_0.conv.in_channels


def test_pixels_are_scaled_to_plus_minus_one():
    network = build_model("i3d_inception", 5, width=8)
    clip = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 2, 1, 1).expand(1, 3, 2, 1, 1)
    assert network.normalise(clip)[0, :, :, 0, 0].tolist() == [[-1.0, 1.0]] * 3
