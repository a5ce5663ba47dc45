"""Eigenvalues, Laplacian, filter response and checks, against dense linear algebra."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snl_video.blocks import build_block, check_graph, filter_response, laplacian, spectrum
from snl_video.blocks.graphs.random_walk import RandomWalkGraph
from snl_video.blocks.graphs.symmetric import SymmetricGraph
from tests.blocks.cases import make

X = torch.randn(2, 8, 2, 4, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def by_modulus(values: torch.Tensor) -> torch.Tensor:
    return values.gather(1, values.abs().argsort(dim=1, descending=True))


@settings(max_examples=15, deadline=None)
@given(inner=st.integers(1, 20), seed=st.integers(0, 1000))
def test_spectrum_of_snl_is_that_of_the_matrix(inner: int, seed: int) -> None:
    torch.manual_seed(seed)
    graph = build_block("snl", 8, inner).double().graph(X)
    expected = torch.linalg.eigvalsh(graph.dense().detach())
    torch.testing.assert_close(spectrum(graph).sort(1).values, expected, rtol=1e-9, atol=1e-10)
    few = spectrum(graph, 3)
    torch.testing.assert_close(few.abs(), by_modulus(expected)[:, :3].abs(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    "options",
    [{}, {"affinity": "embedded_gaussian"}, {"normalisation": "random_walk", "focus": 3}],
    ids=str,
)
def test_vectors_are_eigenvectors(options: dict) -> None:
    graph = make(("snl", options)).double().graph(X)
    values, vectors = spectrum(graph, 4, vectors=True)
    torch.testing.assert_close(graph.dense() @ vectors, values[:, None] * vectors)
    torch.testing.assert_close(values[:, 0], torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("normalisation", ["symmetric", "random_walk"])
def test_low_rank_spectrum_makes_no_matrix(
    normalisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = make(("snl", {"normalisation": normalisation})).double().graph(X)
    for kind in (SymmetricGraph, RandomWalkGraph):
        monkeypatch.setattr(kind, "dense", lambda self: pytest.fail("made the N x N matrix"))
    assert spectrum(graph).shape == (2, 32)
    assert spectrum(graph, 5, vectors=True)[1].shape == (2, 32, 5)


@pytest.mark.parametrize("case", [("a2", {}), ("nl", {}), ("nl", {"affinity": "dot_product"})])
def test_spectrum_of_other_graphs(case: tuple[str, dict]) -> None:
    graph = make(case).double().graph(X)
    expected = torch.linalg.eigvals(graph.dense().detach()).abs().sort(1).values
    torch.testing.assert_close(spectrum(graph).abs().sort(1).values, expected)


def test_laplacian() -> None:
    graph = make(("snl", {})).double().graph(X)
    values = torch.linalg.eigvalsh(laplacian(graph).detach())
    assert values.min() > -1e-12
    assert values.max() < 2


@pytest.mark.parametrize(
    "case",
    [
        ("snl", {}),
        ("gsnl", {"order": 4}),
        ("gsnl", {"order": 4, "basis": "chebyshev"}),
        ("ns", {}),
        ("nl", {}),
    ],
)
def test_filter_response_is_the_gain_on_an_eigenvector(case: tuple[str, dict]) -> None:
    block = make(case).double()
    graph = make(("snl", {})).double().graph(X[:1])
    values, vectors = spectrum(graph, 3, vectors=True)
    inner = block.inner_channels
    filter = block.units[0].filter
    for k in range(3):
        vector = vectors[:, :, k : k + 1]
        passed = [
            filter(graph, vector * torch.eye(inner, dtype=torch.float64)[c], vector)
            for c in range(inner)
        ]
        gain = torch.stack([y.square().sum() for y in passed]).sum().sqrt()
        torch.testing.assert_close(gain, filter_response(block, values[0, k]))


def test_no_response_for_what_is_no_polynomial() -> None:
    with pytest.raises(ValueError, match="kind 'dnl', UnaryFilter, is no polynomial"):
        filter_response(build_block("dnl", 8), torch.ones(1))


def test_check_of_a_symmetric_graph() -> None:
    report = check_graph(make(("snl", {})).double().graph(X))
    assert report.symmetric
    assert report.real_spectrum
    assert report.eigenvalues[1] == pytest.approx(1)
    assert report.eigenvalues[0] >= -1


def test_check_of_a_row_normalised_graph() -> None:
    report = check_graph(make(("nl", {})).double().graph(X))
    assert not report.symmetric
    assert report.asymmetry > 1e-3
    assert report.row_sums == pytest.approx((1, 1))
    assert report.connected


def test_check_finds_components() -> None:
    block = build_block("snl", 2, 2).double()
    with torch.no_grad():
        for conv in (block.theta, block.phi):
            conv.weight.copy_(torch.eye(2).view(2, 2, 1, 1, 1))
    x = torch.zeros(1, 2, 1, 1, 5, dtype=torch.float64)
    x[0, 0, 0, 0, :2] = 1
    x[0, 1, 0, 0, 2:4] = 1
    report = check_graph(block.graph(x))
    assert report.components == 3
    assert not report.connected


def test_a_pooled_graph_has_no_spectrum() -> None:
    graph = make(("nl", {"pool": (1, 2, 2)})).double().graph(X)
    with pytest.raises(ValueError, match="A is 32 x 8"):
        spectrum(graph)
    with pytest.raises(ValueError, match="k must be 1 or more, got 0"):
        spectrum(make(("nl", {})).double().graph(X), 0)
