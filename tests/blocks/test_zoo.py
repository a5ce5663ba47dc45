"""Every kind: shape, identity at the start, alive after two steps, rebuilt from its attributes."""

import json

import pytest
import torch

from snl_video.blocks import KINDS, build_block

CASES = (
    [(kind, {}) for kind in KINDS]
    + [(kind, {"relu": True}) for kind in ("nl", "snl", "gsnl")]
    + [("snl", {"norm": "none"}), ("nl", {"affinity": "dot_product"}), ("snl", {"num_units": 3})]
)


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_block_is_the_identity_at_the_start_and_alive(kind: str, options: dict) -> None:
    torch.manual_seed(0)
    block = build_block(kind, 16, **options)
    x = torch.randn(2, 16, 3, 5, 4)
    torch.testing.assert_close(block(x), x)
    optimiser = torch.optim.SGD(block.parameters(), lr=0.1)
    before = {name: p.detach().clone() for name, p in block.named_parameters()}
    for _ in range(2):
        optimiser.zero_grad()
        (block(x) * torch.arange(x.numel()).view_as(x).cos()).sum().backward()
        optimiser.step()
    still = [name for name, p in block.named_parameters() if torch.equal(p, before[name])]
    assert not still


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_block_is_rebuilt_from_its_attributes(kind: str, options: dict) -> None:
    block = build_block(kind, 16, **options)
    plain = json.loads(json.dumps(block.options))
    again = build_block(block.kind, block.in_channels, block.inner_channels, **plain)
    again.load_state_dict(block.state_dict())
    assert again.options == block.options
