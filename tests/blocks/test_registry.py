"""Every block: identity at the start, alive after two steps, rebuilt from its attributes."""

import json

import pytest
import torch

from snl_video.blocks import BLOCKS, build_block
from snl_video.models.block_gains import block_gain
from tests.blocks.cases import CASES, IDS, Case, make

FORMS: list[Case] = [
    *CASES,
    *((kind, {"relu": True}) for kind in BLOCKS),
    *((kind, {"norm": "none"}) for kind in BLOCKS),
    *((kind, {"norm": "batch"}) for kind in ("cc", "cgnl")),
    *((kind, {"num_units": 3}) for kind in BLOCKS),
    *((kind, {"checkpoint": True, "num_units": 2}) for kind in BLOCKS),
]


def loss(y: torch.Tensor) -> torch.Tensor:
    return (y * torch.arange(y.numel()).view_as(y).cos()).sum()


@pytest.mark.parametrize("case", FORMS, ids=str)
def test_block_is_the_identity_at_the_start_and_alive(case: Case) -> None:
    torch.manual_seed(0)
    block = build_block(case[0], 16, **case[1])
    x = torch.randn(2, 16, 3, 5, 4)
    assert torch.equal(block(x), x)
    optimiser = torch.optim.SGD(block.parameters(), lr=0.1)
    before = {name: p.detach().clone() for name, p in block.named_parameters()}
    for _ in range(2):
        optimiser.zero_grad()
        loss(block(x)).backward()
        optimiser.step()
    still = [name for name, p in block.named_parameters() if torch.equal(p, before[name])]
    assert not still


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("relu", [False, True])
def test_a_gain_starts_where_it_is_told(kind: str, relu: bool) -> None:
    block = build_block(kind, 16, gain=0.1, num_units=2, relu=relu)
    assert block_gain(block) == pytest.approx(0.1)
    x = torch.randn(2, 16, 3, 5, 4)
    branch = block(x) - x
    assert 0.01 < branch.std() < 1
    assert block_gain(build_block(kind, 16, relu=relu)) == 0


@pytest.mark.parametrize("case", FORMS, ids=str)
def test_block_is_rebuilt_from_its_attributes(case: Case) -> None:
    block = build_block(case[0], 16, 8, **case[1])
    plain = json.loads(json.dumps(block.options))
    again = build_block(block.kind, block.in_channels, block.inner_channels, **plain)
    again.load_state_dict(block.state_dict())
    assert again.options == block.options


@pytest.mark.parametrize("case", [c for c in CASES if c[0] != "next_frame"], ids=str)
def test_checkpointing_changes_nothing(case: Case) -> None:
    x = torch.randn(2, 8, 2, 4, 4)
    results = []
    for checkpoint in (False, True):
        block = make((case[0], case[1] | {"checkpoint": checkpoint}))
        block.load_state_dict(make(case).state_dict())
        u = x.clone().requires_grad_()
        out = block(u)
        loss(out).backward()
        gradients = [p.grad for p in block.parameters()]
        results.append((out, u.grad, gradients, dict(block.state_dict())))
    torch.testing.assert_close(results[0], results[1])


def test_the_default_width_is_half() -> None:
    assert build_block("snl", 6).inner_channels == 3
    assert build_block("snl", 1).inner_channels == 1


def test_state_dict_names_are_stable() -> None:
    assert sorted(build_block("snl", 8).state_dict()) == [
        "phi.weight",
        "theta.weight",
        "units.0.filter.w_1.weight",
        "units.0.filter.w_2.weight",
        "units.0.g.weight",
        "units.0.norm.bias",
        "units.0.norm.num_batches_tracked",
        "units.0.norm.running_mean",
        "units.0.norm.running_var",
        "units.0.norm.weight",
    ]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_bfloat16_weights_and_input(case: Case) -> None:
    block = make(case, 16, 8).eval()
    x = torch.randn(2, 16, 2, 4, 4)
    exact = block(x) - x
    low = block.bfloat16()(x.bfloat16())
    assert low.dtype == torch.bfloat16
    assert (low - x - exact).norm() / (exact + x).norm() < 0.03
