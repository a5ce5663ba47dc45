"""torch.compile in one graph and torch.export with any batch and T, equal to eager."""

import pytest
import torch

from tests.blocks.cases import CASES, IDS, Case, make

QUICK: list[Case] = [(kind, {}) for kind in ("nl", "snl")]
SLOW = [
    pytest.param(case, marks=pytest.mark.slow)
    for case in [*CASES, ("gsnl", {}), ("snl", {"checkpoint": True, "num_units": 2})]
    if case not in QUICK
]


def clips() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(b, 8, t, 4, 4, generator=generator) for b, t in ((2, 2), (3, 4))]


@pytest.mark.parametrize("case", [*QUICK, *SLOW], ids=str)
def test_one_full_graph_gives_the_same_output_and_gradient(case: Case) -> None:
    torch._dynamo.reset()
    block = make(case)
    compiled = torch.compile(block, fullgraph=True, backend="aot_eager")
    for x in clips():
        results = []
        for call in (block, compiled):
            u = x.clone().requires_grad_()
            for axis in (0, 2):
                torch._dynamo.mark_dynamic(u, axis)
            y = call(u)
            y.square().sum().backward()
            results.append((y.detach(), u.grad))
        torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_export_with_any_batch_and_length(case: Case) -> None:
    block = make(case).eval()
    first, second = clips()
    dynamic = {
        "x": {
            0: torch.export.Dim("batch", min=1, max=64),
            2: torch.export.Dim("time", min=2, max=256),
        }
    }
    program = torch.export.export(block, (first,), dynamic_shapes=dynamic).module()
    for x in (first, second, torch.cat([second, second], 2)[:1]):
        torch.testing.assert_close(program(x), block(x), rtol=1e-4, atol=1e-5)
