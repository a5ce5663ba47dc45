"""A data set of real encoded videos whose classes need far places to be compared.

    snl-video generate relations --task same_different

Each task is a set of its own, in UCF101's layout:

    same_different   a square, later another one: Same or Different colours
    binding          an upright and a lying bar, later both again: Kept or Swapped colours
    odd_one_out      square, disc, cross one after another: SquareIsOdd, DiscIsOdd or CrossIsOdd
    recall           shapes in all colours, later one of them in white: Yellow, Blue, ...
    sequence         two squares one after another, then both again: Repeated or Swapped
    order            three squares one after another, colours in turn: Forwards or Backwards
    counting         three shapes, later all again: how many have the colour that they had

No frame tells the class, and no sum over frames does: see `snl_video.data.synthetic.leaks`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from snl_video.data.synthetic.relation_scenes import (
    Placed,
    draw_frames,
    draw_ground,
    part_frames,
    place,
)
from snl_video.data.synthetic.relation_tasks import DISTRACTOR, TASKS, Thing
from snl_video.data.synthetic.ucf101_layout import write_lists, write_once
from snl_video.data.synthetic.video_writer import write_frames
from snl_video.errors import InputError

NAME = "relations"
TaskName = Literal[
    "same_different", "binding", "odd_one_out", "recall", "sequence", "order", "counting"
]
Ground = Literal["plain", "mild", "varied"]
VARIETY = {"plain": 0.0, "mild": 0.25, "varied": 1.0}
"""Of a ground, as a share of the motion set's."""


@dataclass(frozen=True)
class RelationsSettings:
    """What is written; equal settings write equal files.

    Attributes:
        task: the question.
        colours: how many colours things have, 2 to 8; 2 to 4 for recall, 3 to 8 for order.
        num_frames: frames of a clip.
        gap: empty frames between two parts of a clip, at least; by default half of the clip is
            empty.
        size: height and width in pixels, even.
        side: of a thing in pixels.
        distance: from a thing to those of other parts, in pixels, at least.
        ground: how much grounds differ: "plain", "mild" or "varied".
        distractors: rings of random colours, each shown during one part.
        clips_per_class: a multiple of 3, for the three splits.
        intra: no frame is predicted from another one.
        seed: of everything random.
    """

    task: TaskName = "same_different"
    colours: int = 4
    num_frames: int = 16
    gap: int | None = None
    size: int = 32
    side: int = 10
    distance: int = 12
    ground: Ground = "mild"
    distractors: int = 0
    clips_per_class: int = 450
    intra: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        least, most = TASKS[self.task].colours
        if not least <= self.colours <= most:
            raise InputError(f"{self.task} takes {least} to {most} colours, got {self.colours}")
        if self.clips_per_class < 3 or self.clips_per_class % 3:
            raise InputError(f"clips_per_class must be a multiple of 3, got {self.clips_per_class}")
        if self.size % 2:
            raise InputError(f"size must be even, got {self.size}")
        if not self.shown[0] or self.gap == 0:
            raise InputError(
                f"num_frames {self.num_frames} with gap {self.gap} leaves no room for the "
                f"{len(self.shown)} parts of {self.task}: a part and a gap need one frame each"
            )
        scene(self, 0)

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the labels."""
        return TASKS[self.task].classes(self.colours)

    @property
    def shown(self) -> list[range]:
        """Frames of each part of a clip."""
        parts = TASKS[self.task].parts
        gap = self.num_frames // (2 * parts - 2) if self.gap is None else self.gap
        return part_frames(self.num_frames, gap, parts)


def scene(settings: RelationsSettings, index: int) -> list[Placed]:
    """What clip number `index` shows and where; its label is `index` modulo the classes.

    Raises:
        InputError: things do not fit into a frame.
    """
    rng = np.random.default_rng([settings.seed, index, 0])
    things = TASKS[settings.task].things(rng, index % len(settings.classes), settings.colours)
    for _ in range(settings.distractors):
        colour, part = rng.integers(settings.colours), rng.integers(len(settings.shown))
        things.append(Thing(DISTRACTOR, int(colour), int(part)))
    return place(rng, things, size=settings.size, side=settings.side, distance=settings.distance)


def clip_frames(settings: RelationsSettings, index: int) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) of clip number `index`, before they are encoded."""
    placed = scene(settings, index)
    rng = np.random.default_rng([settings.seed, index, 1])
    ground = draw_ground(rng, settings.size, VARIETY[settings.ground])
    return draw_frames(ground, placed, settings.shown, settings.side)


def write_relations(root: str | Path, settings: RelationsSettings | None = None) -> Path:
    """Write the data set, unless it is already there with the same settings; see `write_once`.

    Returns:
        `root`.
    """
    settings = settings or RelationsSettings()
    return write_once(root, NAME, asdict(settings), lambda folder: _fill(folder, settings))


def _fill(root: Path, settings: RelationsSettings) -> None:
    classes = settings.classes
    groups: dict[int, list[str]] = {}
    for index in range(len(classes) * settings.clips_per_class):
        group, name = index // len(classes) + 1, classes[index % len(classes)]
        file = f"{name}/v_{name}_g{group:03d}_c01.mp4"
        write_frames(root / "videos" / file, clip_frames(settings, index), intra=settings.intra)
        groups.setdefault(group, []).append(file)
    write_lists(root / "ucfTrainTestlist", classes, groups)


def describe(root: str | Path, settings: RelationsSettings) -> str:
    """What is there, in two lines."""
    clips = len(settings.classes) * settings.clips_per_class
    shown = ", ".join(f"{part.start}-{part.stop - 1}" for part in settings.shown)
    return (
        f"{root}: {settings.task}, {clips} clips of {settings.num_frames} frames, "
        f"{settings.size}x{settings.size}, things in frames {shown}; 3 splits\n"
        f"classes: {', '.join(settings.classes)}"
    )
