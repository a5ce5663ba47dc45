"""`snl-video generate`: write a data set that the package makes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from snl_video.commands.command_parser import CommandParser
from snl_video.data.synthetic import motion, relations
from snl_video.data.synthetic.leaks import leaks_in_words
from snl_video.data.synthetic.motion import MotionSettings
from snl_video.data.synthetic.relations import RelationsSettings


def generate(name: Literal["relations", "motion"]) -> None:
    """Write a data set of real encoded videos, in seconds, in the layout of UCF101.

      snl-video generate relations --task recall --colours 4
      snl-video generate relations --root data/relations_4 --colours 4 --leaks true
      snl-video generate motion

    `relations` are questions whose answers need places far apart in space and time to be compared,
    `motion` are ten classes that one frame can't tell apart. `snl-video generate NAME --help` has
    the options. Train with --data.format NAME --data.root FOLDER.

    Args:
        name: of the data set.
    """


def generate_relations(
    settings: RelationsSettings, root: Path = Path("data/relations"), leaks: bool = False
) -> None:
    """Write a task of `relations`, unless it is there, and say what it holds.

      snl-video generate relations --root data/relations_4 --colours 4

    Args:
        settings: what is written.
        root: its folder.
        leaks: measure what can be told without comparing places.
    """
    relations.write_relations(root, settings)
    print(relations.describe(root, settings))
    if leaks:
        print(leaks_in_words(root))


def generate_motion(settings: MotionSettings, root: Path = Path("data/motion")) -> None:
    """Write `motion`, unless it is there, and say what it holds.

      snl-video generate motion --groups 30

    Args:
        settings: what is written.
        root: its folder.
    """
    motion.write_motion(root, settings)
    print(motion.describe(root, settings))


def main(words: Sequence[str]) -> None:
    """Run the command; the first word says which data set."""
    usage = "[--root FOLDER] [--OPTION VALUE ...]"
    match words[1:2]:
        case ["relations"]:
            own = CommandParser(
                "snl-video generate relations",
                generate_relations,
                f"[--task TASK] [--colours N] {usage}",
                group=("settings", RelationsSettings),
            )
        case ["motion"]:
            own = CommandParser(
                "snl-video generate motion",
                generate_motion,
                usage,
                group=("settings", MotionSettings),
            )
        case _:
            parser = CommandParser(
                "snl-video generate", generate, f"NAME {usage}", words={"name": None}
            )
            parser.parse_args(list(words[1:]))
            return
    own.call(words[1:])
