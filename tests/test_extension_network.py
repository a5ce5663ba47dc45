"""A block and a backbone that are added from outside: one row each, as the docs show it."""

from functools import partial

import pytest
import torch
from torch import nn

from snl_video.blocks import BLOCKS, NonLocalBlock, block_options, build_block
from snl_video.blocks.filters import PolynomialFilter
from snl_video.blocks.graphs.low_rank import LowRankGraph
from snl_video.models import BACKBONES, insert_blocks, inserted_blocks
from snl_video.weights import build_model, load_pretrained
from tests.docs.pages import ROOT, blocks_of


class CosineAffinity(nn.Module):
    def forward(self, theta, phi, grid):
        theta, phi = (nn.functional.normalize(t, dim=-1) for t in (theta, phi))
        return LowRankGraph(theta, phi / phi.shape[1])


def cosine(in_channels, inner_channels, *, powers: int = 2, **shared):
    make_filter = partial(PolynomialFilter, powers=range(powers))
    return NonLocalBlock(in_channels, inner_channels, CosineAffinity(), make_filter, **shared)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(BLOCKS, "cosine", cosine)
    monkeypatch.setitem(BLOCKS, "next_frame", None)
    monkeypatch.setitem(BACKBONES, "tiny", None)
    for page in ("tutorials/add_block.md", "reference/backbones.md"):
        for text in blocks_of(ROOT / "docs" / page, "python"):
            exec(text, {})


def clips():
    return torch.randn(4, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))


def two_steps(network):
    """Names of the parameters that two steps of training leave as they were."""
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(clips()), torch.tensor([0, 1, 2, 3])).backward()
        optimizer.step()
    return [n for n, value in network.named_parameters() if torch.equal(value, before[n])]


def test_a_block_is_built_by_name_with_its_options_and_the_shared_ones(registered):
    assert {"powers", "num_units", "bias", "relu", "checkpoint"} <= set(block_options("cosine"))
    block = build_block("cosine", 8, powers=3, num_units=2, relu=True)
    again = build_block(block.kind, block.in_channels, block.inner_channels, **block.options)
    again.load_state_dict(block.state_dict())
    assert len(block.units) == 2
    with pytest.raises(ValueError, match=r"powers .*must be 1 or more, got 0"):
        build_block("cosine", 8, powers=0)


def test_a_preset_of_a_kind_is_a_row_too(monkeypatch):
    monkeypatch.setitem(BLOCKS, "dot_product", partial(BLOCKS["nl"], affinity="dot_product"))
    assert build_block("dot_product", 8).options["affinity"] == "dot_product"
    with pytest.raises(ValueError, match="affinity of block kind 'dot_product' must be one of"):
        build_block("dot_product", 8, affinity="cosine")


@pytest.mark.parametrize("kind", ["cosine", "next_frame"])
@pytest.mark.parametrize("backbone", ["slow_r50", "tiny"])
def test_a_block_goes_into_any_backbone_as_the_identity_and_learns(registered, backbone, kind):
    torch.manual_seed(0)
    network = build_model(backbone, 4, width=8, dropout=0.0).eval()
    before = network(clips())
    insert_blocks(network, {"kind": kind, "options": {"relu": True}})
    assert torch.equal(network(clips()), before)
    assert [block.kind for block in inserted_blocks(network).values()] == [kind]
    assert not [name for name in two_steps(network.train()) if ".non_local." in name]


def test_a_backbone_is_built_by_name_with_its_options_and_takes_a_block(registered, tmp_path):
    spec = {"kind": "snl", "places": "body", "inner_channels": 4}
    network = build_model("tiny", 4, width=8, non_local=spec, backbone_options={"frames": 1})
    assert network.trunk[0].kernel_size == (1, 3, 3)
    assert not two_steps(network)
    torch.save(network.state_dict(), tmp_path / "tiny.pt")
    again = build_model("tiny", 7, width=8, non_local=spec, backbone_options={"frames": 1})
    report = load_pretrained(again, tmp_path / "tiny.pt")
    assert (report.backbone_share, report.new_head, report.new_blocks) == (1.0, True, ())
    with pytest.raises(ValueError, match=r"tiny has no option 'depth'; its options: \['frames'\]"):
        build_model("tiny", 4, backbone_options={"depth": 50})
