"""What the graph of SNL promises, over shapes and scales."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snl_video.blocks import build_block
from snl_video.blocks.graphs import gaussian
from snl_video.blocks.graphs.gaussian import SymmetricGaussianGraph
from snl_video.blocks.graphs.graph import low_rank_is_cheaper
from snl_video.blocks.graphs.random_walk import RandomWalkGraph
from snl_video.blocks.graphs.symmetric import SymmetricGraph, factored_is_cheaper

sizes = st.tuples(st.integers(1, 40), st.integers(1, 8), st.integers(0, 10_000))
scales = st.sampled_from([1e-30, 1e-12, 1e-3, 1.0, 1e3, 1e12, 1e30, 2e37])


def factors(n: int, c: int, seed: int, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, n, c, generator=generator, dtype=dtype) for _ in range(2)]


def graph_of(kernel: str, theta: torch.Tensor, phi: torch.Tensor, form: str = "low_rank"):
    if kernel == "embedded_gaussian":
        return SymmetricGaussianGraph(theta, phi)
    focus = 3 if kernel in ("focused", "walk") else 1
    graph = RandomWalkGraph if kernel == "walk" else SymmetricGraph
    return graph(theta.relu(), phi.relu(), form, focus=focus)  # type: ignore[arg-type]


@pytest.mark.parametrize("kernel", ["relu", "focused", "embedded_gaussian"])
@settings(max_examples=40, deadline=None)
@given(size=sizes)
def test_symmetric_with_spectrum_in_range(kernel: str, size: tuple[int, int, int]) -> None:
    graph = graph_of(kernel, *factors(*size))
    dense = graph.dense()
    torch.testing.assert_close(dense, dense.transpose(1, 2), rtol=0, atol=1e-14)
    values = torch.linalg.eigvalsh(dense)
    assert values.min() > -1 - 1e-12
    assert values.max() < 1 + 1e-12
    alive = (graph.degree() > 0).any(1)
    torch.testing.assert_close(values[alive].amax(1), torch.ones_like(values[alive, 0]))
    laplacian = torch.linalg.eigvalsh(torch.eye(size[0], dtype=dense.dtype) - dense)
    assert laplacian.min() > -1e-12
    assert laplacian.max() < 2 + 1e-12


@settings(max_examples=40, deadline=None)
@given(size=sizes)
def test_a_walk_has_rows_of_one_and_the_spectrum_of_the_symmetric_graph(
    size: tuple[int, int, int],
) -> None:
    theta, phi = factors(*size)
    walk, symmetric = graph_of("walk", theta, phi), graph_of("focused", theta, phi)
    torch.testing.assert_close(walk.degree(), symmetric.degree())
    sums = (walk.degree() > 0).double()
    torch.testing.assert_close(walk.dense().sum(2), sums)
    assert (walk.dense() >= 0).all()
    of_walk = torch.linalg.eigvals(walk.dense())
    assert of_walk.imag.abs().max() < 1e-5
    expected = torch.linalg.eigvalsh(symmetric.dense())
    torch.testing.assert_close(of_walk.real.sort(1).values, expected, rtol=0, atol=1e-5)


def test_a_walk_hears_a_strong_position_as_strongly_as_it_is() -> None:
    u = torch.tensor([[1.0, 1.0, 9.0]], dtype=torch.float64)
    walk = RandomWalkGraph(u[..., None], u[..., None])
    torch.testing.assert_close(walk.dense(), (u / u.sum()).expand(1, 3, 3))
    symmetric = SymmetricGraph(u[..., None], u[..., None]).dense()
    torch.testing.assert_close(symmetric, (u[:, :, None] * u[:, None]).sqrt() / u.sum())


@pytest.mark.parametrize("kernel", ["relu", "focused", "walk"])
@settings(max_examples=40, deadline=None)
@given(size=sizes, of_theta=scales, of_phi=scales)
def test_no_scale_is_too_large_or_too_small(
    kernel: str, size: tuple[int, int, int], of_theta: float, of_phi: float
) -> None:
    theta, phi = factors(*size, dtype=torch.float32)
    z = torch.randn(2, size[0], 3)
    plain = graph_of(kernel, theta, phi).propagate(z)
    scaled = graph_of(kernel, theta * of_theta, phi * of_phi).propagate(z)
    torch.testing.assert_close(scaled, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-20, 1.0, 10.0, 1e3])
def test_gaussian_scores_do_not_overflow(scale: float) -> None:
    theta, phi = (t.requires_grad_() for t in factors(30, 4, 0, torch.float32))
    out = graph_of("embedded_gaussian", theta * scale, phi * scale).propagate(torch.ones(2, 30, 1))
    out.sum().backward()
    assert out.isfinite().all()
    assert theta.grad.isfinite().all()
    assert phi.grad.isfinite().all()


@pytest.mark.parametrize("kind", ["snl", "gsnl"])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), t=st.integers(1, 3), h=st.integers(1, 6), w=st.integers(1, 6))
def test_block_commutes_with_a_permutation(kind: str, seed: int, t: int, h: int, w: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    block = build_block(kind, 6, 3, form="low_rank").double().eval()
    torch.nn.init.ones_(block.units[0].norm.weight)
    x = torch.randn(1, 6, t, h, w, generator=generator, dtype=torch.float64)
    order = torch.randperm(t * h * w, generator=generator)
    shuffled = block(x.flatten(2)[..., order].view_as(x)).flatten(2)
    torch.testing.assert_close(shuffled[..., order.argsort()].view_as(x), block(x))


@pytest.mark.parametrize("kernel", ["relu", "walk"])
@settings(max_examples=40, deadline=None)
@given(size=sizes, columns=st.integers(1, 6))
def test_low_rank_form_equals_the_matrix(
    kernel: str, size: tuple[int, int, int], columns: int
) -> None:
    theta, phi = factors(*size, dtype=torch.float32)
    z = torch.randn(2, size[0], columns)
    low = graph_of(kernel, theta, phi, "low_rank").propagate(z)
    matrix = graph_of(kernel, theta, phi, "matrix").propagate(z)
    torch.testing.assert_close(low, matrix, rtol=1e-5, atol=1e-5 * float(z.abs().max()))


@pytest.mark.parametrize("form", ["low_rank", "matrix"])
@pytest.mark.parametrize("kernel", ["relu", "walk"])
def test_vertices_without_degree_get_nothing_and_finite_gradients(kernel: str, form: str) -> None:
    theta, phi = factors(12, 3, 1)
    theta[:, ::3], phi[:, ::3] = -theta[:, ::3].abs(), -phi[:, ::3].abs()
    theta[1], phi[1] = -1.0, -1.0
    theta.requires_grad_(), phi.requires_grad_()
    z = torch.randn(2, 12, 4, dtype=torch.float64, requires_grad=True)
    graph = graph_of(kernel, theta, phi, form)
    out = graph.propagate(z)
    assert (graph.degree()[:, ::3] == 0).all()
    assert (out[:, ::3] == 0).all()
    assert (out[1] == 0).all()
    assert (out[0, 1::3] != 0).any()
    out.square().sum().backward()
    for t in (theta, phi, z):
        assert t.grad.isfinite().all()


def test_an_isolated_pair_of_tiny_degree_keeps_its_weight() -> None:
    theta = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1e-12]]])
    dense = graph_of("relu", theta, theta).dense()[0]
    expected = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(dense, expected)


@pytest.mark.parametrize("kernel", ["relu", "embedded_gaussian"])
@pytest.mark.parametrize(("dtype", "error"), [(torch.bfloat16, 0.03), (torch.float16, 0.005)])
@pytest.mark.parametrize("kind", ["snl", "gsnl"])
def test_autocast_stays_near_float32(
    kind: str, kernel: str, dtype: torch.dtype, error: float
) -> None:
    torch.manual_seed(0)
    block = build_block(kind, 32, affinity=kernel, scale=True).eval()
    torch.nn.init.ones_(block.units[0].norm.weight)
    x = torch.randn(2, 32, 4, 9, 9)
    with torch.no_grad():
        exact = block(x) - x
        with torch.autocast("cpu", dtype=dtype):
            low = block(x) - x
    assert (low - exact).norm() / exact.norm() < error


@pytest.mark.parametrize("kind", ["nl", "a2", "snl", "gsnl"])
@pytest.mark.parametrize("form", ["low_rank", "matrix"])
def test_products_in_bfloat16_stay_near_float32(kind: str, form: str) -> None:
    torch.manual_seed(0)
    options = {"affinity": "dot_product"} if kind == "nl" else {"form": form}
    block = build_block(kind, 32, num_units=2, norm="none", **options)
    for unit in block.units:
        torch.nn.init.ones_(unit.gain)
    x = torch.randn(2, 32, 4, 9, 9)
    graph, z = block.graph(x), torch.randn(2, x[0, 0].numel(), 7)
    low = graph.propagate(z.bfloat16())
    assert low.dtype == torch.bfloat16
    exact = graph.propagate(z)
    assert (low - exact).norm() / exact.norm() < 0.01


def test_sums_over_positions_do_not_overflow_float16() -> None:
    theta = torch.full((1, 4000, 4), 200.0, dtype=torch.float16)
    z = torch.full((1, 4000, 2), 100.0, dtype=torch.float16)
    with torch.autocast("cpu", dtype=torch.float16):
        out = SymmetricGraph(theta, theta, "low_rank").propagate(z)
    torch.testing.assert_close(out.float(), torch.full((1, 4000, 2), 100.0), rtol=1e-3, atol=0)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 3000),
    inner=st.integers(1, 300),
    channels=st.integers(1, 300),
    uses=st.integers(1, 5),
)
def test_the_form_is_the_one_with_fewer_multiplications(
    n: int, inner: int, channels: int, uses: int
) -> None:
    low = 0
    for _ in range(uses):
        low += channels * n * 2 * inner + 2 * inner * n * channels
    stored = n * inner * n + uses * n * n * channels
    chosen = low_rank_is_cheaper(
        n, n, rank=2 * inner, channels=channels, uses=uses, build_rank=inner
    )
    assert chosen == (low <= stored)


def test_square_case_turns_at_twice_the_inner_channels() -> None:
    for n, expected in ((63, False), (64, True), (65, True)):
        assert low_rank_is_cheaper(n, n, rank=64, channels=32, uses=1, build_rank=32) is expected


@pytest.mark.parametrize(
    ("n", "inner", "order", "units"),
    [(10, 8, 3, 1), (100, 8, 3, 1), (700, 256, 5, 2), (600, 256, 3, 1), (6272, 256, 3, 1)],
)
def test_the_form_of_a_polynomial_is_the_one_with_fewer_multiplications(
    n: int, inner: int, order: int, units: int
) -> None:
    out, rank = 2 * inner, 2 * inner
    factored, stored = rank * n * rank, n * inner * n
    for _ in range(units):
        factored += rank * n * inner + out * rank * n
        factored += sum(rank * rank * inner for _ in range(order - 2))
        factored += sum(out * inner * rank for _ in range(order - 1))
        stored += sum(n * n * inner + out * inner * n for _ in range(order - 1))
    chosen = factored_is_cheaper(n, inner, inner, out, order, units=units)
    assert chosen == (factored <= stored)


@pytest.mark.parametrize("basis", ["monomial", "chebyshev"])
@pytest.mark.parametrize("order", [3, 5, 8])
def test_a_factored_polynomial_is_exact_in_float32(order: int, basis: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 32, 4, 9, 9)
    outputs = []
    for dtype, form in ((torch.float64, "matrix"), (torch.float32, "low_rank")):
        torch.manual_seed(1)
        block = build_block("gsnl", 32, order=order, basis=basis, form=form, norm="none").to(dtype)
        torch.nn.init.ones_(block.units[0].gain)
        outputs.append((block(x.to(dtype)) - x).detach())
    assert (outputs[1] - outputs[0]).norm() / outputs[0].norm() < 1e-5


def test_row_chunks_equal_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for chunk in (2**22, 100):
        monkeypatch.setattr(gaussian, "CHUNK", chunk)
        theta, phi = (t.requires_grad_() for t in factors(33, 4, 5))
        out = SymmetricGaussianGraph(theta, phi).propagate(torch.ones(2, 33, 2).double())
        out.square().sum().backward()
        results.append((out, theta.grad, phi.grad))
    torch.testing.assert_close(results[0], results[1])


@pytest.mark.parametrize(("focus", "listened", "second"), [(1, 958, 0.070), (3, 659, 0.238)])
def test_a_focus_makes_the_graph_of_the_docs_less_flat(
    focus: int, listened: int, second: float
) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 1000, 64)
    theta, phi = ((x @ torch.randn(64, 32) / 64**0.5).relu() for _ in range(2))
    a = SymmetricGraph(theta, phi, focus=focus).dense()[0].double()
    row = a / a.sum(1, keepdim=True)
    positions = (-(row * row.clamp(min=1e-30).log()).sum(1)).exp().mean()
    assert positions.item() == pytest.approx(listened, abs=1)
    assert torch.linalg.eigvalsh(a)[-2].item() == pytest.approx(second, abs=1e-3)
