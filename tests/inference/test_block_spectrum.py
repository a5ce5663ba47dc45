"""The numbers of a block's spectrum are those of the graph that it makes of a clip."""

import json

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from snl_video.blocks import build_block
from snl_video.inference.block_spectrum import measure, reading
from snl_video.inference.clip_graphs import Seen, graphs_of
from snl_video.inference.spectrum_figure import draw_spectrum
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


def test_a_random_walk_has_real_eigenvalues_and_the_degree_of_its_kernel() -> None:
    block = build_block("snl", 8, normalisation="random_walk", focus=4)
    graph = block.graph(torch.randn(1, 8, 2, 3, 4))
    found = json.loads(json.dumps(measure(Seen(block, graph, (2, 3, 4)))))
    assert all(isinstance(value, float) for value in found["eigenvalues"])
    assert max(found["eigenvalues"]) == pytest.approx(1, abs=1e-5)
    assert found["degree_of_kernel"]
    assert np.ptp(found["degree"]) > 0.1 * np.mean(found["degree"])


def test_a_pooled_graph_has_no_eigenvalues() -> None:
    block = build_block("nl", 8, pool=(1, 2, 2))
    x = torch.randn(1, 8, 2, 4, 4)
    found = measure(Seen(block, block.graph(x), (2, 4, 4)))
    assert found["eigenvalues"] is None
    np.testing.assert_allclose(found["degree"], 1, rtol=1e-5)


def found_with(**changes):
    values = {
        "kind": "snl",
        "grid": [2, 1, 2],
        "symmetric": True,
        "degree_of_kernel": True,
        "eigenvalues": [1.0, -0.75, 0.5, 0.0],
        "response": {"eigenvalue": [-1, 0, 1], "gain": [[0.0, 2.0, 5.0]]},
        "degree": [[[1.0, 1.0]], [[2.0, 4.0]]],
    }
    return {**values, **changes}


def test_the_reading_tells_the_numbers() -> None:
    words = reading(found_with())
    assert words.startswith("Of 4 eigenvalues 1 above 0.5 (")
    assert "1 below -0.5 (" in words
    assert "(eigenvalue 1) 2.5 times as strongly as" in words
    assert words.endswith("moment 1 of 2 is tied most, with a mean degree of 3 against 2 over all.")
    assert "2 above 0.5" in reading(found_with(eigenvalues=[[1.0, 0.0], [0.6, 0.7], [0.1, 0.9]]))


def test_the_reading_leaves_out_what_there_is_not() -> None:
    found = found_with(eigenvalues=None, response=None, degree=[[[1.0, 1.0]], [[1.0, 1.0]]])
    assert reading(found) == "All moments have the same mean degree."
    gains = {"eigenvalue": [-1, 0, 1], "gain": [[1.0, 0.0, 1.0]]}
    assert "passes only what tied positions share" in reading(found_with(response=gains))
    nothing = {"eigenvalue": [-1, 0, 1], "gain": [[0.0, 0.0, 0.0]]}
    assert "the filter passes nothing yet" in reading(found_with(response=nothing))


def test_the_figure_has_axes_with_units_frames_and_the_reading(monkeypatch, tmp_path) -> None:
    drawn = []
    plain = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda f, *a, **k: (drawn.append(f), plain(f, *a, **k)))
    clip = torch.full((3, 4, 32, 32), 90, dtype=torch.uint8)
    draw_spectrum("res4.4", found_with(), clip, tmp_path / "a.png")
    (figure,) = drawn
    labels = {axis.get_xlabel() for axis in figure.axes} | {a.get_ylabel() for a in figure.axes}
    assert {
        "eigenvalue of A (real part, no unit)",
        "number of eigenvalues",
        "eigenvalue of A (no unit)",
        "gain (output per input)",
        "degree (sum of weights to all positions)",
    } <= labels
    frames = [axis for axis in figure.axes if axis.get_title("left").startswith("frame")]
    assert [axis.get_title("left") for axis in frames] == [f"frame {i}" for i in range(4)]
    first, last = (np.asarray(axis.images[0].get_array()) for axis in (frames[0], frames[3]))
    assert (first == 90).all()
    assert (last[:, -40:] != 90).any(axis=2).all()
    assert figure.axes[-1].get_ylim() == (1.0, 4.0)
    assert figure.get_supxlabel().replace("\n", " ") == reading(found_with())
