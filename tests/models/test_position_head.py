"""The head of each protocol beside PyTorchVideo's own modules, with random weights.

Those are the published networks' own builders: 7x7 windows with stride 1, so that a crop of 256
pixels has 2x2 of them. PySlowFast adds a softmax before the mean, `head_activation` there.
"""

import pytest
import torch
from pytorchvideo.models import hub
from torch import nn

from snl_video.errors import NetworkError
from snl_video.models import use_protocol
from snl_video.models.position_head import WindowMean
from snl_video.weights import build_model

HUB = {
    "c2d_r50": (hub.c2d_r50, 8),
    "i3d_r50": (hub.i3d_r50, 8),
    "slow_r50": (hub.slow_r50, 8),
    "slowfast_r50_8x8": (hub.slowfast_r50, 32),
}
CLASSES, WIDTH = 7, 8


def peer_of(backbone, **options):
    """PyTorchVideo's network, narrow, in evaluation mode, with statistics that are not 0 and 1."""
    torch.manual_seed(0)
    build, _ = HUB[backbone]
    narrow = {"model_num_class": CLASSES, "stem_dim_out": WIDTH}
    if backbone.startswith("slowfast"):
        narrow = {"model_num_class": CLASSES, "stem_dim_outs": (WIDTH, WIDTH // 8)}
    network = build(pretrained=False, **narrow, **options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
            module.weight.data.uniform_(0.5, 1.5)
        elif isinstance(module, nn.Linear):
            module.weight.data.mul_(0.05)  # or one class would have it all
    return network.eval()


def ours_of(backbone, peer, protocol):
    network = use_protocol(build_model(backbone, CLASSES, width=WIDTH), protocol).eval()
    network.trunk.load_state_dict(peer.state_dict())
    return network


def clip_of(backbone, size):
    torch.manual_seed(1)
    clip = torch.randn(1, 3, HUB[backbone][1], size, size)
    return clip * torch.linspace(0.2, 2, size)  # left and right differ


def ask(peer, ours, clip):
    """What a PyTorchVideo network says, of the pathways where it has two."""
    return peer(clip if ours.pathways is None else ours.pathways(clip))


@pytest.mark.parametrize("backbone", HUB)
@torch.no_grad()
def test_windows_at_256_pixels_are_those_of_the_published_networks(backbone):
    probabilities = peer_of(backbone, head_activation=nn.Softmax)
    clip = clip_of(backbone, 256)
    ours = ours_of(backbone, probabilities, "pyslowfast")
    found = ours(clip).softmax(dim=1)
    torch.testing.assert_close(found, ask(probabilities, ours, clip), atol=1e-5, rtol=0)
    one_mean = ours_of(backbone, probabilities, "mmaction2")(clip).softmax(dim=1)
    assert (one_mean - found).abs().max() > 1e-4
    for module in ours.modules():  # the hub's own networks take the mean of logits
        if isinstance(module, WindowMean):
            module.activation = None
    logits = peer_of(backbone)
    torch.testing.assert_close(ours(clip), ask(logits, ours, clip), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("protocol", ["snl_video", "mmaction2", "pyslowfast"])
@torch.no_grad()
def test_one_window_at_224_pixels_is_alike_for_all(protocol):
    logits = peer_of("slow_r50")
    clip = clip_of("slow_r50", 224)
    ours = ours_of("slow_r50", logits, protocol)
    torch.testing.assert_close(ours(clip), logits(clip), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_without_windows_the_mean_is_of_all_positions():
    """As MMAction2's heads: the global mean, then the linear layer."""
    ours = ours_of("slow_r50", peer_of("slow_r50"), "mmaction2")
    clip = clip_of("slow_r50", 128)
    maps = []
    ours.trunk.blocks[4].register_forward_hook(lambda _m, _i, out: maps.append(out))
    logits = ours(clip)
    linear = ours.trunk.get_submodule(ours.head)
    torch.testing.assert_close(logits, linear(maps[0].mean(dim=(2, 3, 4))), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_windows_by_hand():
    """The mean probability over 2x2 windows, in float64; 4 positions a side, windows of 3."""
    torch.manual_seed(0)
    logits = torch.randn(2, 5, 1, 2, 2, dtype=torch.float64)
    expected = logits.softmax(dim=1).mean(dim=(2, 3, 4))
    found = WindowMean("softmax").eval()(logits.float()).softmax(dim=1)
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=0)
    each = WindowMean("sigmoid").eval()(logits.float()).sigmoid()
    expected = logits.sigmoid().mean(dim=(2, 3, 4))
    torch.testing.assert_close(each.double(), expected, atol=1e-6, rtol=0)
    assert WindowMean("softmax").eval()(logits.half()).dtype == torch.float32
    trained = WindowMean("softmax").train()(logits)
    torch.testing.assert_close(trained, logits.mean(dim=(2, 3, 4)))


@torch.no_grad()
def test_a_protocol_can_be_taken_back():
    network = build_model("slowfast_r50_8x8", CLASSES, width=WIDTH).eval()
    clip = clip_of("slowfast_r50_8x8", 64)
    names, before = list(network.state_dict()), network(clip)
    assert use_protocol(network, "pyslowfast").protocol == "pyslowfast"
    assert list(network.state_dict()) == names
    assert torch.equal(use_protocol(network, "snl_video")(clip), before)


def test_a_head_that_averages_in_its_own_way_is_refused():
    network = build_model("i3d_inception", CLASSES, width=WIDTH)
    assert use_protocol(network, "mmaction2").protocol == "mmaction2"
    with pytest.raises(NetworkError, match=r"windows of 7x7 .* averages in its own way"):
        use_protocol(network, "pyslowfast")
    with pytest.raises(NetworkError, match="unknown protocol 'x'; choose from snl_video, pyslow"):
        use_protocol(network, "x")
