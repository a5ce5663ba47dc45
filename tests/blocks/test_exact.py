"""Every block against brute force over all pairs of positions, in float64."""

import pytest
import torch

from snl_video.blocks.graphs.criss_cross import CrissCrossGraph
from tests.blocks import brute
from tests.blocks.cases import CASES, IDS, Case, make

GRID = (2, 3, 2)


def weights(block: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {k: v for k, v in block.state_dict().items() if "num_batches" not in k}


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_output_is_that_of_brute_force(case: Case) -> None:
    block = make(case).double().eval()
    grid = (2, 5, 4) if "pool" in str(case) else GRID
    x = torch.randn(2, 8, *grid, dtype=torch.float64)
    options = block.options | {"groups": block.options.get("groups", 1)}
    expected = [brute.block_output(case[0], options, weights(block), sample) for sample in x]
    torch.testing.assert_close(block(x).detach(), torch.stack(expected), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("case", [c for c in CASES if c[0] != "cgnl"], ids=str)
def test_propagate_dense_and_degree_agree_with_brute_force(case: Case) -> None:
    block = make(case).double()
    grid = (2, 5, 4) if "pool" in str(case) else GRID
    x = torch.randn(2, 8, *grid, dtype=torch.float64)
    graph = block.graph(x)
    coarse = case[1].get("pool_input")
    for b, sample in enumerate(x):
        v = brute.windows(sample, coarse, True, lambda p: p.mean(1)) if coarse else sample
        a = brute.affinity(case[0], block.options, weights(block), v)
        torch.testing.assert_close(graph.dense()[b].detach(), a, rtol=1e-9, atol=1e-11)
        z = torch.randn(2, a.shape[1], 5, dtype=torch.float64)
        torch.testing.assert_close(graph.propagate(z)[b].detach(), a @ z[b], rtol=1e-9, atol=1e-10)
        if not graph.degree_of_kernel:
            torch.testing.assert_close(graph.degree()[b].detach(), a.sum(1), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    ("kernel", "options"),
    [("relu", {}), ("relu", {"normalisation": "random_walk"}), ("embedded_gaussian", {})],
)
def test_degree_of_a_normalised_graph_is_the_row_sum_of_its_kernel(
    kernel: str, options: dict[str, str]
) -> None:
    block = make(("snl", {"affinity": kernel, **options})).double()
    x = torch.randn(1, 8, *GRID, dtype=torch.float64)
    w = weights(block)
    theta, phi = (brute.conv(w, name, brute.flat(x[0])) for name in ("theta", "phi"))
    m = theta.relu() @ phi.relu().T if kernel == "relu" else (theta @ phi.T).exp()
    expected = ((m + m.T) / 2).sum(1)
    torch.testing.assert_close(block.graph(x).degree()[0].detach(), expected)


@pytest.mark.parametrize("groups", [1, 2])
def test_compact_graph_connects_channels_of_one_group(groups: int) -> None:
    case = ("cgnl", {"groups": groups, "gamma": 0.1})
    block = make(case).double()
    x = torch.randn(1, 8, *GRID, dtype=torch.float64)
    w = weights(block)
    theta, phi = (brute.conv(w, name, brute.flat(x[0])) for name in ("theta", "phi"))
    dense = block.graph(x).dense()[0].detach()
    for column in (0, 17, 47):
        z = torch.zeros(48, dtype=torch.float64)
        z[column] = 1
        expected = brute.compact_signal(theta, phi, z.view(4, 12).T, block.options)
        torch.testing.assert_close(dense[:, column], expected.T.flatten(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_gradients(case: Case, mode: str) -> None:
    block = make(case, 4, 2 if "groups=4" not in IDS[CASES.index(case)] else 4).double()
    block.train(mode == "train")
    names = list(dict(block.named_parameters()))
    grid = (2, 2, 4) if "pool" in str(case) else (2, 2, 2)
    x = torch.randn(2, 4, *grid, dtype=torch.float64, requires_grad=True)

    def output(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        given = dict(zip(names, values, strict=True))
        return torch.func.functional_call(block, given, (x,))

    assert torch.autograd.gradcheck(output, (x, *block.parameters()), fast_mode=True, atol=1e-6)


def test_criss_cross_of_one_frame_is_the_two_dimensional_block() -> None:
    block = make(("cc", {})).double()
    x = torch.randn(1, 8, 1, 4, 3, dtype=torch.float64)
    dense = block.graph(x).dense()[0]
    seen = (dense > 0).sum(1)
    assert (seen == 4 + 3 - 1).all()
    torch.testing.assert_close(dense.sum(1), torch.ones(12, dtype=torch.float64))


def test_criss_cross_scores_do_not_overflow_float16() -> None:
    theta = torch.full((1, 12, 4), 200.0, dtype=torch.float16)
    z = torch.randn(1, 12, 2, dtype=torch.float16)
    with torch.autocast("cpu", dtype=torch.float16):
        out = CrissCrossGraph(theta, theta, GRID).propagate(z)
    exact = CrissCrossGraph(theta.double(), theta.double(), GRID).propagate(z.double())
    torch.testing.assert_close(out.double(), exact, rtol=1e-2, atol=1e-2)
