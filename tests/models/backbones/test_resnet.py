"""Options of the residual builders that other projects' networks need."""

import pytest
import torch

from snl_video.errors import NetworkError
from snl_video.models.network import SlowFastPathways
from snl_video.models.presets import options_of
from snl_video.models.summary import summarise
from snl_video.weights import build_model


def built(backbone, **options):
    return build_model(backbone, 4, width=8, backbone_options=options)


@pytest.mark.parametrize(
    ("backbone", "options", "message"),
    [
        ("i3d_r50", {"depth": 34}, "depth must be 50, 101, 152, got 34"),
        ("slow_r50", {"temporal_blocks": [3, 4, 6]}, "four numbers up to .3, 4, 6, 3., got"),
        ("i3d_r50", {"temporal_blocks": [3, 5, 6, 3]}, "four numbers up to"),
        ("i3d_r50", {"temporal_blocks": [3, 4, 6, -1]}, "four numbers up to"),
        ("slowfast_r50_8x8", {"temporal_blocks": [3, 4, 6, 3]}, r"pairs \(slow, fast\), got"),
        (
            "slowfast_r50_8x8",
            {"temporal_blocks": [[3], [4], [6], [3]]},
            r"pairs \(slow, fast\), got",
        ),
        ("slowfast_r50_8x8", {"beta_inverse": 3}, "width divisible by 3 .*got width=8"),
        ("slowfast_r50_8x8", {"beta_inverse": 0}, "width divisible by 0"),
        ("c2d_r50", {"temporal_blocks": [3, 4, 6, 3]}, "c2d_r50 has no option 'temporal_blocks'"),
    ],
)
def test_bad_options_are_named(backbone, options, message):
    with pytest.raises(NetworkError, match=message):
        built(backbone, **options)


def test_a_preset_is_its_component_with_the_options_of_its_name():
    for name, preset in (("8x8", (4, 7)), ("4x16", (8, 5))):
        options = options_of(f"slowfast_r50_{name}")
        assert (options["alpha"], options["fusion_kernel"], options["depth"]) == (*preset, 50)
        network = built(f"slowfast_r50_{name}")
        fusion = network.trunk.blocks[0].multipathway_fusion.conv_fast_to_slow
        assert (network.pathways.alpha, fusion.stride[0], fusion.kernel_size[0]) == (
            preset[0],
            *preset,
        )


def test_an_option_of_a_preset_may_still_be_another():
    assert built("slowfast_r50_8x8", alpha=8).pathways.alpha == 8


def test_strided_frames():
    clip = torch.arange(32.0).view(1, 1, 32, 1, 1)
    slow, fast = SlowFastPathways(8, strided=True)(clip)
    assert slow.flatten().tolist() == [0, 8, 16, 24]
    assert fast is clip
    with pytest.raises(ValueError, match="multiple of 8 frames, got a clip of 12"):
        SlowFastPathways(8, strided=True)(clip[:, :, :12])


def test_size_of_the_deeper_slowfast():
    """62.83 M parameters in PyTorchVideo's model zoo, for 8x8 with fusion kernels of 5."""
    network = build_model("slowfast_r101_8x8", 400)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 2) == 62.83


def test_a_deeper_network_has_more_places():
    names = built("i3d_r101").places
    assert [name for name in names if name.startswith("res4.")][-1] == "res4.22"
    assert built("slowfast_r101_8x8").place_sets["paper"] == ["slow.res4.21"]


def test_early_strides_cost_a_quarter():
    """Both halve the frames, so the stages have a quarter of the work; the stem has half."""
    full = summarise(built("i3d_r50"), 32, 64, 64).gmacs
    early = summarise(built("i3d_r50", conv1_stride=2, pool1_stride=2), 32, 64, 64).gmacs
    stem = 8 * 3 * 5 * 7 * 7 * 32 * 32 * 32 / 1e9
    head = 256 * 4 / 1e9
    assert early - stem / 2 - head == pytest.approx((full - stem - head) / 4, rel=1e-6)
