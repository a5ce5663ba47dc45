"""Pictures of the affinity: what is drawn is the row of the matrix, and all are written."""

from pathlib import Path

import pytest
import torch

from snl_video.blocks import BLOCKS, build_block
from snl_video.errors import InputError
from snl_video.inference.affinity_pictures import (
    affinity_row,
    grid_position,
    overlay,
    write_pictures,
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


def test_pictures(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    row = torch.zeros(GRID)
    row[1, 3, 3] = 1
    frames = overlay(torch.full((3, 4, 32, 32), 100, dtype=torch.uint8), row, (0, 4, 4))
    assert frames.shape == (4, 32, 32, 3)
    assert (frames[0, 4, 4] == 255).all()
    assert (frames[0, 20:, 20:] == 100).all()
    assert (frames[3, -1, -1] != 100).any()
    write_pictures(frames, tmp_path / "out", 100)
    assert len(list((tmp_path / "out").glob("frame_*.png"))) == 4
    assert image.open(tmp_path / "out" / "strip.png").size == (4 * 32, 32)
    assert image.open(tmp_path / "out" / "affinity.gif").n_frames == 4
