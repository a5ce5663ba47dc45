"""The numbers of a block's spectrum are those of the graph that it makes of a clip."""

import json

import numpy as np
import pytest
import torch

from snl_video.blocks import build_block
from snl_video.inference.block_spectrum import measure
from snl_video.inference.clip_graphs import Seen, graphs_of
from snl_video.models.insertion import inserted_blocks
from snl_video.weights.build import build_model


def test_the_graph_is_that_of_the_features_before_the_block() -> None:
    torch.manual_seed(0)
    spec = {"kind": "snl", "places": ["res3.1"]}
    network = build_model("c2d_r50", 5, width=8, non_local=spec).eval()
    clip = torch.randint(0, 255, (1, 3, 4, 32, 32), dtype=torch.uint8)
    given = []
    block = inserted_blocks(network)["res3.1"]
    block.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    seen = graphs_of(network, clip)["res3.1"]
    assert seen.grid == tuple(given[0].shape[2:])
    torch.testing.assert_close(seen.graph.dense(), block.graph(given[0]).dense())


@pytest.mark.parametrize("kind", ["nl", "a2", "cgnl", "cc", "dnl", "snl", "gsnl"])
def test_every_kind_is_measured(kind: str) -> None:
    block = build_block(kind, 8)
    x = torch.randn(1, 8, 2, 3, 4)
    found = json.loads(json.dumps(measure(Seen(block, block.graph(x), (2, 3, 4)))))
    assert np.array(found["degree"]).shape == (2, 3, 4)
    assert (found["response"] is None) == (kind in ("cgnl", "cc", "dnl"))
    assert found["eigenvalues"]


def test_a_pooled_graph_has_no_eigenvalues() -> None:
    block = build_block("nl", 8, pool=(1, 2, 2))
    x = torch.randn(1, 8, 2, 4, 4)
    found = measure(Seen(block, block.graph(x), (2, 4, 4)))
    assert found["eigenvalues"] is None
    np.testing.assert_allclose(found["degree"], 1, rtol=1e-5)
