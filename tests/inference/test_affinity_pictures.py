"""Pictures of the affinity: what is drawn is the row of the matrix, and all are written."""

import pytest
import torch

from snl_video.blocks import BLOCKS, build_block
from snl_video.errors import InputError
from snl_video.inference.affinity_pictures import (
    affinity_row,
    grid_position,
    overlay,
    shares_over_time,
)
from snl_video.inference.clip_graphs import Seen

GRID = (2, 4, 4)


@pytest.mark.parametrize(
    ("kind", "options"),
    [*((kind, {}) for kind in BLOCKS), ("nl", {"pool": (1, 2, 2)})],
)
def test_row_is_that_of_the_matrix(kind: str, options: dict) -> None:
    torch.manual_seed(0)
    block = build_block(kind, 8, **options)
    graph = block.graph(torch.randn(1, 8, *GRID))
    row = affinity_row(Seen(block, graph, GRID), (1, 2, 3))
    dense = graph.dense()[0].detach()
    if kind == "cgnl":
        expected = dense.view(4, 32, 4, 32)[:, 27].sum((0, 1))
    else:
        expected = dense[(1 * 4 + 2) * 4 + 3]
    torch.testing.assert_close(row.flatten(), expected)


def test_a_pixel_is_found_on_the_grid() -> None:
    clip = torch.zeros(1, 3, 8, 64, 64)
    assert grid_position((0, 0, 0), clip, (4, 8, 8)) == (0, 0, 0)
    assert grid_position((7, 63, 8), clip, (4, 8, 8)) == (3, 7, 1)
    with pytest.raises(InputError, match=r"position \(8, 0, 0\) lies outside"):
        grid_position((8, 0, 0), clip, (4, 8, 8))


def test_the_row_lies_on_the_frames_where_it_is_large() -> None:
    row = torch.zeros(GRID)
    row[1, 3, 3] = 1
    frames = overlay(torch.full((3, 4, 32, 32), 100, dtype=torch.uint8), row, (64, 64))
    assert frames.shape == (4, 64, 64, 3)
    assert (frames[0] == 100).all()
    assert (frames[3, :40, :40] == 100).all()
    assert (frames[3, -8:, -8:] != 100).any(dim=-1).all()


def test_the_weight_of_each_moment_is_its_share_of_the_row() -> None:
    row = torch.zeros(GRID)
    row[0, 0, 0], row[1, 2, 2], row[1, 3, 1] = 1, -1, 2
    torch.testing.assert_close(shares_over_time(row), torch.tensor([0.25, 0.75]))
