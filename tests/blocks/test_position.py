"""A block with a position: still a spectral block, and no longer blind to order."""

import pytest
import torch

from snl_video.blocks import BLOCKS, build_block
from tests.blocks.cases import make

KINDS = ("sine", "learned")


def shuffled(x: torch.Tensor) -> torch.Tensor:
    return x[:, :, [2, 0, 3, 1]]


@pytest.mark.parametrize("kind", [k for k in BLOCKS if k != "next_frame"])
def test_a_permutation_of_frames_is_seen_with_a_position_only(kind: str) -> None:
    x = torch.randn(2, 8, 4, 3, 2, dtype=torch.float64)
    for position in ("none", *KINDS):
        block = make((kind, {"position": position})).double().eval()
        block.requires_grad_(False)
        error = (block(shuffled(x)) - shuffled(block(x))).abs().max() / (block(x) - x).abs().max()
        assert (error < 1e-10) == (position == "none"), (position, error)


@pytest.mark.parametrize("position", KINDS)
def test_the_graph_stays_symmetric_normalised_and_of_low_rank(position: str) -> None:
    block = make(("snl", {"position": position}), 8, 2).double()
    graph = block.graph(torch.randn(2, 8, 3, 4, 2, dtype=torch.float64))
    dense = graph.dense().detach()
    torch.testing.assert_close(dense, dense.mT, rtol=0, atol=1e-14)
    values = torch.linalg.eigvalsh(dense)
    assert (values.abs() < 1 + 1e-12).all()
    torch.testing.assert_close(values[:, -1], torch.ones(2, dtype=torch.float64))
    assert (torch.linalg.matrix_rank(dense) <= 2 * 2).all()


@pytest.mark.parametrize("position", KINDS)
def test_identity_at_the_start_and_alive(position: str) -> None:
    torch.manual_seed(0)
    block = build_block("snl", 8, position=position)
    x = torch.randn(2, 8, 3, 4, 2)
    torch.testing.assert_close(block(x), x, rtol=0, atol=0)
    before = {name: p.clone() for name, p in block.named_parameters()}
    optimiser = torch.optim.SGD(block.parameters(), 0.1)
    for _ in range(2):
        optimiser.zero_grad()
        block(x).square().sum().backward()
        optimiser.step()
    assert not [n for n, p in block.named_parameters() if torch.equal(p, before[n])]


def test_a_learned_position_starts_as_none() -> None:
    learned, none = (make(("snl", {"position": p})) for p in ("learned", "none"))
    missing, unexpected = learned.load_state_dict(none.state_dict(), strict=False)
    assert missing == ["position.t", "position.h", "position.w"]
    assert not unexpected
    with torch.no_grad():
        for table in learned.position.parameters():
            table.zero_()
    x = torch.randn(1, 8, 4, 4, 4)
    torch.testing.assert_close(learned.eval()(x), none.eval()(x))


def test_a_sine_position_adds_nothing_to_the_weights() -> None:
    names = [list(build_block("snl", 8, position=p).state_dict()) for p in ("none", "sine")]
    assert names[0] == names[1]


def test_the_tables_are_taken_as_they_are_at_their_own_size() -> None:
    block = make(("snl", {"position": "learned", "position_grid": (2, 3, 4)}))
    tables = dict(block.position.named_parameters())
    expected = (
        tables["t"][:, :, None, None]
        + tables["h"][:, None, :, None]
        + tables["w"][:, None, None, :]
    )
    torch.testing.assert_close(block.position((2, 3, 4)), expected, rtol=0, atol=0)
