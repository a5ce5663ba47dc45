"""The fused block against the same block in ordinary operations, and what it keeps in memory."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from snl_video.blocks import NonLocalBlock, block, build_block

CASES = [
    ("snl", {}),
    ("snl", {"bias": True, "relu": True}),
    ("snl", {"focus": 3}),
    ("snl", {"normalisation": "random_walk"}),
    ("snl", {"normalisation": "random_walk", "focus": 4}),
    ("gsnl", {"order": 3, "normalisation": "random_walk", "focus": 2}),
    ("gsnl", {"order": 3}),
    ("gsnl", {"order": 3, "focus": 2, "bias": True}),
    ("gsnl", {"order": 2, "basis": "chebyshev"}),
    ("gsnl", {"order": 4, "basis": "chebyshev", "bias": True}),
]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], object]:
    """Calls a function while nothing is fused."""

    def call(function: Callable[[], object]) -> object:
        with monkeypatch.context() as patch:
            patch.setattr(block, "can_fuse", lambda *arguments: False)
            return function()

    return call


@pytest.fixture(autouse=True)
def fused(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for every call of the fused form."""
    calls: list[object] = []
    real = block.fused_filter
    monkeypatch.setattr(block, "fused_filter", lambda *a: calls.append(a) or real(*a))
    return calls


def make(kind: str, options: dict, channels: int = 8, inner: int = 3) -> NonLocalBlock:
    torch.manual_seed(0)
    made = build_block(kind, channels, inner, form="low_rank", **options)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "norm" in name or "gain" in name:
                parameter.normal_(0.5, 0.3)
    return made


def results(made: NonLocalBlock, x: Tensor, times: int = 1) -> list[Tensor]:
    """Output and all gradients, of `times` backward passes."""
    leaf = x.clone().requires_grad_()
    made.zero_grad()
    y = made(leaf)
    for number in range(times):
        y.square().sum().backward(retain_graph=number + 1 < times)
    return [y.detach(), leaf.grad, *(p.grad.clone() for p in made.parameters())]


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
@pytest.mark.parametrize("grid", [(2, 3, 4), (1, 1, 1), (1, 1, 2)], ids=str)
def test_output_and_gradients_are_those_of_ordinary_operations(
    kind: str, options: dict, grid: tuple[int, int, int], plain, fused
) -> None:
    made = make(kind, options).double().eval()
    x = torch.randn(3, 8, *grid, dtype=torch.float64)
    torch.testing.assert_close(results(made, x, 2), plain(lambda: results(made, x, 2)))
    assert len(fused) == 1


NORMALISATIONS = ["symmetric", "random_walk"]


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("focus", [1, 3])
def test_positions_without_degree(focus: int, normalisation: str, plain, fused) -> None:
    made = make("snl", {"focus": focus, "normalisation": normalisation}).double()
    x = torch.randn(2, 8, 2, 3, 4, dtype=torch.float64)
    with torch.no_grad():
        for conv in (made.theta, made.phi):
            conv.weight.copy_(conv.weight.abs())
    x[0, :, 0], x[1] = -x[0, :, 0].abs(), -x[1].abs()
    degree = made.graph(x).degree()
    assert (degree[0, :12] == 0).all()
    assert (degree[1] == 0).all()
    assert (degree[0, 12:] > 0).any()
    torch.testing.assert_close(results(made, x), plain(lambda: results(made, x)))
    assert fused


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e3, 1e30])
def test_no_scale_of_an_embedding_is_too_large_or_too_small(
    scale: float, normalisation: str, plain, fused
) -> None:
    made = make("snl", {"norm": "none", "normalisation": normalisation})
    x = torch.randn(2, 8, 2, 3, 4)
    with torch.no_grad():
        made.theta.weight.mul_(scale)
    torch.testing.assert_close(
        results(made, x), plain(lambda: results(made, x)), rtol=1e-4, atol=1e-5
    )
    assert fused


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("scale", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_position_of_small_features_has_a_finite_gradient(
    scale: float, normalisation: str, plain, fused
) -> None:
    made = make("snl", {"focus": 3, "norm": "none", "normalisation": normalisation})
    x = torch.randn(2, 8, 2, 3, 4)
    x[:, :, 0, 1, 2] *= scale
    own = results(made, x)
    exact = plain(lambda: results(made.double(), x.double()))
    assert all(part.isfinite().all() for part in own)
    errors = [float((o - e).norm() / e.norm()) for o, e in zip(own, exact, strict=True)]
    assert max(errors) < 1e-5, errors
    assert fused


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
def test_the_gradient_of_the_gradient(kind: str, options: dict, fused) -> None:
    made = make(kind, options, 4, 2).double().eval()
    names = list(dict(made.named_parameters()))
    x = torch.randn(2, 4, 1, 2, 3, dtype=torch.float64, requires_grad=True)

    def output(x: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(made, dict(zip(names, values, strict=True)), (x,))

    inputs = (x, *made.parameters())
    assert torch.autograd.gradcheck(output, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(output, inputs, fast_mode=True)
    assert fused


def test_a_frozen_part_gets_no_gradient(plain, fused) -> None:
    made = make("snl", {})
    made.theta.requires_grad_(False)
    made.units[0].filter.w_2.requires_grad_(False)
    x = torch.randn(2, 8, 2, 3, 4)

    def gradients() -> list[Tensor | None]:
        made.zero_grad()
        made(x).square().sum().backward()
        return [p.grad for p in made.parameters()]

    found = gradients()
    assert [grad is None for grad in found] == [not p.requires_grad for p in made.parameters()]
    expected = plain(gradients)
    kept = [(f, e) for f, e in zip(found, expected, strict=True) if f is not None]
    for own, other in kept:
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)


def kept_bytes(made: NonLocalBlock, x: Tensor) -> int:
    """Bytes of the memory that a forward pass keeps for its gradient, each counted once."""
    storages: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        made(x).sum()
    return sum(tensor.untyped_storage().nbytes() for tensor in storages.values())


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_half_of_the_memory_is_kept(normalisation: str, plain, fused) -> None:
    made = make("snl", {"normalisation": normalisation}, 64, 32)
    x = torch.randn(2, 64, 4, 14, 14, requires_grad=True)
    positions = 2 * 4 * 14 * 14 * 4
    own = kept_bytes(made, x)
    least = positions * (64 + 3 * 32 + 64)
    assert least <= own < 1.1 * least
    assert own < 0.56 * plain(lambda: kept_bytes(made, x))


def test_function_transforms_take_ordinary_operations(fused) -> None:
    made = make("snl", {}).double().eval()
    x = torch.randn(2, 8, 1, 2, 3, dtype=torch.float64)
    transformed = torch.func.grad(lambda x: made(x).square().sum())(x)
    _, along = torch.func.jvp(lambda x: made(x).square().sum(), (x,), (torch.ones_like(x),))
    assert not fused
    gradient = results(made, x)[1]
    torch.testing.assert_close(transformed, gradient)
    torch.testing.assert_close(along, gradient.sum())
    assert len(fused) == 1


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
def test_bfloat16_errs_no_more_than_ordinary_operations(
    kind: str, options: dict, plain, fused
) -> None:
    made = make(kind, options, 32, 16).eval()
    x = torch.randn(2, 32, 4, 9, 9)
    exact = results(made, x)

    def under_autocast() -> list[float]:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = results(made, x)
        return [float((f - e).norm() / e.norm()) for f, e in zip(found, exact, strict=True)]

    own, other = under_autocast(), plain(under_autocast)
    assert len(fused) == 2
    assert all(a < 2 * b + 0.005 for a, b in zip(own, other, strict=True)), (own, other)


def test_float16_keeps_its_safe_sums(fused) -> None:
    made = make("snl", {"norm": "none"}, 8, 4)
    x = torch.full((1, 8, 4, 30, 30), 200.0)
    with torch.autocast("cpu", dtype=torch.float16), torch.no_grad():
        assert made(x).isfinite().all()
    assert not fused
