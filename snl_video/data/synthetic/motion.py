"""A small data set of real encoded videos whose classes need time to tell apart.

    snl-video generate motion

Ten classes in UCF101's layout. An object lies on a textured ground; something about it changes, or
nothing does and two signals have to be compared:

    MoveLeft  MoveRight  MoveUp  MoveDown      it moves, and comes back in on the other side
    Grow  Shrink                               its size changes, and starts again
    TurnClockwise  TurnCounterclockwise        it turns
    SignalsEqual  SignalsDiffer                it lies still; a mark lights up in one corner at the
                                               start and in the opposite corner at the end

Position, size, angle, colours and the corner are random in every clip, and marks of random colours
light up in every class, so one frame, whichever it is, has the same distribution in all ten
classes. The two of a pair also have the same distribution of frame sets: only the order tells
(left/right and the like), or only the comparison of the first frames with the last ones (signals).
Ground and shape belong to the group, and all classes share the groups, so they tell nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from snl_video.data.synthetic.motion_scenes import CLASSES, draw_look, draw_video
from snl_video.data.synthetic.ucf101_layout import write_lists, write_once
from snl_video.data.synthetic.video_writer import write_frames
from snl_video.errors import InputError

NAME = "motion"


@dataclass(frozen=True)
class MotionSettings:
    """What is written; equal settings write equal frames.

    Attributes:
        groups: groups of clips with one look each; a multiple of 3, for the three splits.
        clips_per_group: clips of each class in each group.
        num_frames: frames of a clip.
        height: pixels, even.
        width: pixels, even.
        seed: of everything random.
    """

    groups: int = 90
    clips_per_group: int = 1
    num_frames: int = 32
    height: int = 64
    width: int = 80
    seed: int = 0

    def __post_init__(self) -> None:
        if self.groups < 3 or self.groups % 3 or self.height % 2 or self.width % 2:
            raise InputError(
                f"groups must be a multiple of 3, got {self.groups}, and height and width even, "
                f"got {self.height}x{self.width}"
            )


def write_motion(root: str | Path, settings: MotionSettings | None = None) -> Path:
    """Write the data set, unless it is already there with the same settings; see `write_once`.

    Returns:
        `root`.
    """
    settings = settings or MotionSettings()
    return write_once(root, NAME, asdict(settings), lambda folder: _fill(folder, settings))


def _fill(root: Path, settings: MotionSettings) -> None:
    groups: dict[int, list[str]] = {group: [] for group in range(1, settings.groups + 1)}
    for group, files in groups.items():
        look = draw_look(np.random.default_rng([settings.seed, group]), settings)
        for label, name in enumerate(CLASSES):
            for clip in range(1, settings.clips_per_group + 1):
                file = f"{name}/v_{name}_g{group:02d}_c{clip:02d}.mp4"
                rng = np.random.default_rng([settings.seed, group, label, clip])
                frames = draw_video(rng, name, look, settings.num_frames)
                write_frames(root / "videos" / file, frames)
                files.append(file)
    write_lists(root / "ucfTrainTestlist", CLASSES, groups)


def describe(root: str | Path, settings: MotionSettings) -> str:
    """What is there, in two lines."""
    clips = len(CLASSES) * settings.groups * settings.clips_per_group
    size = sum(path.stat().st_size for path in (Path(root) / "videos").rglob("*.mp4"))
    return (
        f"{root}: {clips} clips of {settings.num_frames} frames, "
        f"{settings.width}x{settings.height}, {size / 1e6:.1f} MB, {settings.groups} groups, "
        f"{clips // 3} test clips; 3 splits\nclasses: {', '.join(CLASSES)}"
    )
