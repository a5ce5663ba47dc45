"""`snl-video spectrum`: what every non-local block does to the spectrum of its graph."""

import json
from collections.abc import Sequence
from pathlib import Path

from snl_video.commands.command_parser import CommandParser
from snl_video.inference.block_spectrum import measure, reading
from snl_video.inference.clip_graphs import ClipAndNetwork, graphs_of
from snl_video.inference.spectrum_figure import draw_spectrum
from snl_video.whole_files import write_whole


def spectrum(shown: ClipAndNetwork, output: Path = Path("runs/spectrum")) -> None:
    """Draw eigenvalues, filter response and degree map of every non-local block, for one clip.

      snl-video spectrum --checkpoint runs/demo --video clip.mp4
      snl-video spectrum --backbone i3d_r50 --kind gsnl --places five --video clip.mp4

    It writes PLACE.png and PLACE.json for each block to the output folder, and prints how to read
    them.

    Args:
        shown: the video and the network.
        output: folder to write to.
    """
    network, clip, *_ = shown.load()
    output.mkdir(parents=True, exist_ok=True)
    for place, seen in graphs_of(network, clip).items():
        found = measure(seen)
        path = output / f"{place}.json"
        write_whole(path, json.dumps({"place": place, **found}, indent=1) + "\n")
        draw_spectrum(place, found, clip[0], path.with_suffix(".png"))
        print(f"{path.with_suffix('.png')}, {path}: {reading(found)}")


def main(words: Sequence[str]) -> None:
    """Run the command."""
    usage = "--video FILE (--checkpoint FILE | --backbone NAME) [--OPTION VALUE ...]"
    parser = CommandParser("snl-video spectrum", spectrum, usage, group=("shown", ClipAndNetwork))
    parser.call(words)
