import pytest
import torch

from snl_video.errors import InputError
from snl_video.models.presets import BACKBONES, options_of
from snl_video.models.summary import summarise
from snl_video.weights import build_model
from tests.models.small_backbones import EVERY, small, small_clip

PUBLISHED = [  # PyTorchVideo model zoo: parameters in millions, GMACs of one clip at 256 x 256
    ("i3d_r50", 8, 28.04, 37.53),
    ("c2d_r50", 8, 24.33, 25.89),
    ("slow_r50", 8, 32.45, 54.52),
    ("slowfast_r50_8x8", 32, 34.57, 65.71),
    ("slowfast_r50_4x16", 32, 34.48, 36.69),
]
ANY_CLIP = [
    name
    for name in BACKBONES
    if not name.startswith(("mvit", "torchvision:mvit", "torchvision:s3d", "torchvision:swin3d_"))
]
ONE_A_BUILDER = ("i3d_r50", "c2d_r50", "slow_r50", "slowfast_r50_8x8", "i3d_inception")


def narrow(backbone, **arguments):
    torch.manual_seed(0)
    return build_model(backbone, 5, width=16, **arguments)


def clip(batch=2, frames=8, size=64):
    return torch.randn(batch, 3, frames, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("backbone", ANY_CLIP)
@pytest.mark.parametrize(("frames", "size"), [(4, 32), (16, 48)])
def test_takes_any_length_and_size(backbone, frames, size):
    frames = max(frames, options_of(backbone).get("alpha", 1))
    assert small(backbone).eval()(clip(1, frames, size)).shape == (1, 5)


@pytest.mark.parametrize(("backbone", "frames", "millions", "gmacs"), PUBLISHED)
def test_size_and_cost_agree_with_the_published_networks(backbone, frames, millions, gmacs):
    summary = summarise(build_model(backbone, 400), frames, 256, 256)
    assert round(summary.parameters / 1e6, 2) == millions
    assert summary.gmacs == pytest.approx(gmacs, rel=0.02)


@pytest.mark.parametrize("backbone", ONE_A_BUILDER)
def test_compiles_to_one_graph(backbone):
    network = narrow(backbone).eval()
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    x = clip(1, 8, 32)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), network(x))


@pytest.mark.parametrize("backbone", EVERY)
def test_channels_last_gives_the_same_logits(backbone):
    network = small(backbone, non_local={"kind": "snl"}).eval()
    x = small_clip(backbone, batch=1)
    with torch.no_grad():
        before = network(x)
        network.to(memory_format=torch.channels_last_3d)
        after = network(x.to(memory_format=torch.channels_last_3d))
    torch.testing.assert_close(after, before)


def test_slow_pathway_takes_pyslowfasts_frames():
    network = narrow("slowfast_r50_8x8", backbone_options={"alpha": 4})
    x = torch.arange(32.0).view(1, 1, 32, 1, 1).expand(1, 3, 32, 1, 1)
    slow, fast = network.pathways(x)
    assert slow[0, 0, :, 0, 0].tolist() == [0, 4, 8, 13, 17, 22, 26, 31]
    assert fast is x


def test_slowfast_leaves_its_input_alone():
    network = narrow("slowfast_r50_8x8").eval()
    x = clip(1, 8, 32)
    before = x.clone()
    network(x)
    assert torch.equal(x, before)


def test_slowfast_needs_a_multiple_of_alpha_frames():
    with pytest.raises(ValueError, match="multiple of 4 frames, got a clip of 6"):
        narrow("slowfast_r50_8x8")(clip(1, 6, 32))


def test_normalise_uses_the_networks_statistics():
    network = narrow("i3d_r50")
    clips = torch.full((1, 3, 1, 1, 1), 255, dtype=torch.uint8)
    torch.testing.assert_close(
        network.normalise(clips), torch.full((1, 3, 1, 1, 1), (1 - 0.45) / 0.225)
    )
    with pytest.raises(TypeError, match="uint8"):
        network.normalise(clips.float())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backbone": "resnet"}, "unknown backbone 'resnet'; backbones: i3d_r50"),
        ({"backbone": "i3d_r50", "num_classes": 0}, "must be at least 1, .* got num_classes 0"),
        ({"backbone": "i3d_r50", "width": 0}, "must be at least 1, .*width 0"),
        ({"backbone": "i3d_r50", "dropout": 1.0}, r"dropout must lie in \[0, 1\); got .*dropout 1"),
        ({"backbone": "i3d_r50", "dropout": -0.1}, "dropout must lie in"),
        (
            {"backbone": "i3d_r50", "backbone_options": {"alpha": 4}},
            "i3d_r50 has no option 'alpha'",
        ),
        ({"backbone": "slowfast_r50_8x8", "width": 12}, "width divisible by 8"),
        ({"backbone": "torchvision:r3d_18", "width": 8}, "r3d_18 has one width: .* at 64, got 8"),
        ({"backbone": "slowfast_r50_8x8", "backbone_options": {"alpha": 0}}, "alpha .* got 0"),
        ({"backbone": "i3d_r50", "non_local": {"sort": "snl"}}, "non_local has no key 'sort'"),
        ({"backbone": "i3d_r50", "non_local": {"kind": "snail"}}, "at res4.4: .*'snail'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    arguments = {"num_classes": 5, "width": 8, **arguments}
    with pytest.raises(InputError, match=message):
        build_model(arguments.pop("backbone"), arguments.pop("num_classes"), **arguments)


def test_a_clip_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(B, 3, T, H, W\), got \(2, 1, 8, 8, 8\)"):
        narrow("i3d_r50")(torch.zeros(2, 1, 8, 8, 8))
