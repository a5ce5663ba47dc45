"""Features at a place are what the whole network computes there."""

import pytest
import torch
from torch import nn

from snl_video.errors import NetworkError
from snl_video.models import build_network, inserted_blocks
from snl_video.models.feature_tap import FeatureTap

CLIP = (2, 3, 8, 32, 32)
PLACES = {"i3d_r50": "res4.2", "slowfast_r50_8x8": "slow.res3.1", "i3d_inception": "Mixed_4e"}


def network(backbone, **options):
    torch.manual_seed(0)
    return build_network(backbone, 5, width=8, **options).eval()


def seen_by_a_hook(net, module):
    """A clip, and what a module gives in a whole forward pass."""
    clip = torch.randn(CLIP, generator=torch.Generator().manual_seed(0))
    found = []
    handle = module.register_forward_hook(lambda m, i, o: found.append(o))
    with torch.no_grad():
        net(clip)
    handle.remove()
    return clip, found[0]


@pytest.mark.parametrize(("backbone", "place"), PLACES.items())
def test_features_of_a_place(backbone, place):
    net = network(backbone)
    path = net.places[place].path
    clip, wanted = seen_by_a_hook(net, net.trunk.get_submodule(path))
    tap = FeatureTap(net, place)
    with torch.no_grad():
        found = tap(clip)
    assert torch.equal(found, wanted)
    assert found.shape[:2] == (2, tap.channels)


@pytest.mark.parametrize("backbone", PLACES)
def test_features_before_the_head_give_its_logits(backbone):
    net = network(backbone)
    clip = torch.randn(CLIP, generator=torch.Generator().manual_seed(0))
    tap = FeatureTap(net, "head")
    with torch.no_grad():
        features, logits = tap(clip), net(clip)
        head = net.trunk.get_submodule(net.head)
        again = features @ head.weight.flatten(1).T + head.bias
    assert features.shape == (2, tap.channels)
    torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-5)


def test_a_block_at_the_place_is_seen_and_layers_after_it_do_not_run():
    net = network("i3d_r50", non_local={"kind": "snl", "places": ["res4.2"]})
    block = inserted_blocks(net)["res4.2"]
    block.units[0].norm.weight.data.fill_(1.0)
    clip, wanted = seen_by_a_hook(net, block)
    net.trunk.get_submodule(net.head).weight = nn.Parameter(torch.empty(0))  # would fail
    with torch.no_grad():
        assert torch.equal(FeatureTap(net, "res4.2")(clip), wanted)


def test_an_average_is_the_mean_of_each_window_and_of_what_is_left_at_the_border():
    net = network("c2d_r50")
    clip = torch.randn(1, 3, 6, 48, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = FeatureTap(net, "res3.0")(clip)
        found = FeatureTap(net, "res3.0", (2, 4, 4))(clip)
    assert whole.shape[2:] == (3, 6, 6)
    assert found.shape[2:] == (2, 2, 2)
    torch.testing.assert_close(found[..., 0, 0, 0], whole[..., :2, :4, :4].mean((2, 3, 4)))
    torch.testing.assert_close(found[..., 1, 1, 1], whole[..., 2:, 4:, 4:].mean((2, 3, 4)))


def test_a_stage_is_its_last_place_and_a_name_that_is_none_is_refused():
    net = network("c2d_r50")
    assert FeatureTap(net, "res4").place == "res4.5"
    with pytest.raises(NetworkError, match=r"no place 'res9'.*head, res2\.0"):
        FeatureTap(net, "res9")
    with pytest.raises(NetworkError, match="no positions"):
        FeatureTap(net, "head", (1, 2, 2))
