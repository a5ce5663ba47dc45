"""`snl-video share`: a trained network as a folder, or on the Hugging Face hub."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from snl_video.commands.command_parser import CommandParser


def share(run: Path, to: str | None = None, license: str = "", private: bool = False) -> None:
    """Share a trained network: safetensors, one JSON, and a card made of the run.

      snl-video share runs/mine
      snl-video share runs/mine --to shared/mine --license apache-2.0
      snl-video share runs/mine --to hf:USER/NAME

    The card tells network, results with intervals, hashes of the lists, recipe, limits and
    licences. Test the run first: without its report the card has no results. Nothing is pickled.

    Args:
        run: folder of a run, or a checkpoint.
        to: a folder, or hf:USER/NAME on the Hugging Face hub; by default `share` in the run.
        license: of the weights, by its SPDX name; without one the card says that none was chosen.
        private: make a new place on the hub private.
    """
    from snl_video.inference import sharing
    from snl_video.inference.huggingface import PREFIX

    if to and to.startswith(PREFIX):
        where, notes = sharing.push_to_hub(run, to, licence=license, private=private)
        name = to
    else:
        name = to or str((run if run.is_dir() else run.parent) / "share")
        where, notes = name, sharing.share(run, name, licence=license)
    for note in notes:
        print(f"note: {note}")
    print(f"shared: {where}\npredict a new video: snl-video predict {shlex.quote(name)} new.mp4")


def main(words: Sequence[str]) -> None:
    """Run the command."""
    usage = "RUN [--to FOLDER|hf:USER/NAME] [--license SPDX] [--private true]"
    CommandParser("snl-video share", share, usage, words={"run": None}).call(words)
