"""`snl-video explain`: what a position of a clip attends to."""

from collections.abc import Sequence
from pathlib import Path

from snl_video.commands.command_parser import CommandParser
from snl_video.inference.affinity_pictures import (
    affinity_row,
    grid_position,
    overlay,
    write_pictures,
)
from snl_video.inference.clip_graphs import ClipAndNetwork, graphs_of


def explain(
    shown: ClipAndNetwork,
    position: tuple[int, int, int] | None = None,
    output: Path = Path("runs/explain"),
    milliseconds: int = 300,
) -> None:
    """Draw what a position of a clip attends to: its row of the affinity, laid over the frames.

      snl-video explain --checkpoint runs/demo --video clip.mp4 --position [4,112,112]

    For each non-local block it writes to OUTPUT/PLACE one frame_TT.png a frame, all of them side by
    side as strip.png and in time as affinity.gif. The chosen position is the white square.

    Args:
        shown: the video and the network.
        position: frame, row and column of a pixel of the cropped clip, counted from 0; by default
            the middle.
        output: folder to write to.
        milliseconds: of a frame of the animation.
    """
    network, clip = shown.load()
    pixel = position or [n // 2 for n in clip.shape[2:]]
    for place, seen in graphs_of(network, clip).items():
        row = affinity_row(seen, grid_position(pixel, clip, seen.grid))
        write_pictures(overlay(clip[0], row, pixel), output / place, milliseconds)
        print(output / place)


def main(words: Sequence[str]) -> None:
    """Run the command."""
    usage = "--video FILE (--checkpoint FILE | --backbone NAME) [--position [T,Y,X]]"
    parser = CommandParser("snl-video explain", explain, usage, group=("shown", ClipAndNetwork))
    parser.call(words)
