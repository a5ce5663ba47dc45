"""Every backbone, without a block and with five of two kinds, through all that is done with one."""

import copy

import pytest
import torch
from torch import nn

from snl_video.models import BACKBONES, inserted_blocks, remove_blocks
from snl_video.models.summary import summarise
from snl_video.weights import load_pretrained
from tests.models.small_backbones import EVERY, SMALL, Small, small, small_clip
from tests.weights.cases import randomise

KINDS = [None, "snl", "nl"]
QUICK = [("i3d_inception", "nl"), ("mvit_b_16x4", "snl"), ("torchvision:r3d_18", "snl")]
EXPORTS = [
    (name, kind) if (name, kind) in QUICK else pytest.param(name, kind, marks=pytest.mark.slow)
    for name in BACKBONES
    for kind in KINDS
]


def spec(kind):
    return kind and {"kind": kind, "places": "five"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backbone", EVERY)
def test_it_starts_as_the_plain_network_learns_and_is_counted(backbone, kind):
    clip = small_clip(backbone)
    network, plain = small(backbone, non_local=spec(kind)).eval(), small(backbone).eval()
    blocks = inserted_blocks(network)
    assert len(blocks) == (5 if kind else 0)
    with torch.no_grad():
        before = plain(clip)
        assert torch.equal(network(clip), before)
    assert before.shape == (2, 5)

    of = SMALL.get(backbone, Small())
    cost, own = (summarise(net, of.frames, of.size, of.size) for net in (network, plain))
    assert cost.parameters == sum(p.numel() for p in network.parameters())
    assert [row.place for row in cost.blocks] == list(blocks)
    assert all(row.positions > 1 and row.kind == kind for row in cost.blocks)
    added = sum(row.gmacs for row in cost.blocks)
    assert cost.gmacs == pytest.approx(own.gmacs + added)
    assert own.gmacs > 0

    weights = copy.deepcopy(network.state_dict())
    optimizer = torch.optim.SGD(network.train().parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(clip), torch.tensor([0, 1])).backward()
        optimizer.step()
    still = {n for n, p in network.named_parameters() if torch.equal(p, weights[n])}
    assert not [name for name in still if ".non_local." in name]
    assert len(still) < len(weights) / 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backbone", EVERY)
def test_its_weights_come_back_from_a_file(backbone, kind, tmp_path):
    network = randomise(small(backbone, non_local=spec(kind)), seed=3)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    again = small(backbone, seed=1, non_local=spec(kind)).eval()
    report = load_pretrained(again, tmp_path / "weights.pt")
    assert (report.format, report.backbone_share, report.new_head) == ("snl_video", 1.0, False)
    assert (report.new_blocks, report.missing, report.unexpected) == ((), (), ())
    clip = small_clip(backbone, batch=1)
    with torch.no_grad():
        assert torch.equal(again(clip), network(clip))
        remove_blocks(again)
        report = load_pretrained(again, tmp_path / "weights.pt")
        assert (report.backbone_share, report.missing) == (1.0, ())
        assert not kind or not torch.equal(again(clip), network(clip))


@pytest.mark.parametrize(("backbone", "kind"), EXPORTS)
def test_it_is_exported(backbone, kind):
    network = randomise(small(backbone, non_local=spec(kind)))
    clip = small_clip(backbone, batch=1)
    with torch.no_grad():
        program = torch.export.export(network, (clip,)).module()
        torch.testing.assert_close(program(clip), network(clip), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backbone", EVERY)
def test_every_place_tells_the_channels_that_are_there(backbone):
    network = small(backbone).eval()
    seen = {}
    for name, place in network.places.items():

        def hook(module, inputs, output, name=name, place=place):
            seen[name] = output if place.item is None else output[place.item]

        network.trunk.get_submodule(place.path).register_forward_hook(hook)
    with torch.no_grad():
        network(small_clip(backbone, batch=1))
    assert list(seen) == list(network.places)
    for name, place in network.places.items():
        assert place.layout.channels(seen[name].shape) == place.channels
    sets = network.place_sets
    assert (len(sets["paper"]), len(set(sets["five"]))) == (1, 5)
    assert all(network.places[name].read for names in sets.values() for name in names)


def test_options_of_a_kind_reach_its_blocks():
    network = small("torchvision:r3d_18", non_local={"kind": "gsnl", "options": {"order": 3}})
    (block,) = inserted_blocks(network).values()
    assert (block.kind, block.options["order"]) == ("gsnl", 3)
