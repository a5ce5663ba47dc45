"""`snl-video explain`: what a position of a clip attends to."""

from collections.abc import Sequence
from pathlib import Path

from snl_video.commands.command_parser import CommandParser
from snl_video.inference.affinity_pictures import affinity_row, grid_position
from snl_video.inference.clip_graphs import ClipAndNetwork, graphs_of
from snl_video.inference.explanation_pictures import Explanation, write_pictures


def explain(
    shown: ClipAndNetwork,
    position: tuple[int, int, int] | None = None,
    output: Path = Path("runs/explain"),
    milliseconds: int = 300,
) -> None:
    """Draw what a position of a clip attends to: its row of the affinity, laid over the frames.

      snl-video explain --checkpoint runs/demo --video clip.mp4 --position [4,112,112]

    For each non-local block it writes to OUTPUT/PLACE all frames as overview.png, each large as
    frame_TT.png, and in time as affinity.mp4 and affinity.gif. The ring marks the position.

    Args:
        shown: the video and the network.
        position: frame, row and column of a pixel of the cropped clip, counted from 0; by default
            the middle.
        output: folder to write to.
        milliseconds: of a frame of the animation.
    """
    found = shown.load()
    network, clip = found.network, found.clip
    t, y, x = position or tuple(n // 2 for n in clip.shape[2:])
    prediction = found.prediction()
    print(prediction)
    for place, seen in graphs_of(network, clip).items():
        row = affinity_row(seen, grid_position((t, y, x), clip, seen.grid))
        title = f"{shown.video.name}: {seen.block.kind} block at {place}"
        drawn = Explanation(clip[0], row, (t, y, x), title, prediction)
        write_pictures(drawn, output / place, milliseconds)
        print(f"{output / place / 'overview.png'}: {drawn.reading}")


def main(words: Sequence[str]) -> None:
    """Run the command."""
    usage = "--video FILE (--checkpoint FILE | --backbone NAME) [--position [T,Y,X]]"
    parser = CommandParser("snl-video explain", explain, usage, group=("shown", ClipAndNetwork))
    parser.call(words)
