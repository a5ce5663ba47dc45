"""A small data set of real encoded videos whose classes need time to tell apart.

    python -m snl_video.data.synthetic.motion --root data/motion

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

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import numpy as np

from snl_video.data.synthetic.motion_scenes import CLASSES, Look, draw_look, draw_video

STAMP = "motion.json"
H264 = {"preset": "veryfast", "crf": "20", "x264-params": "mbtree=0"}
"""Without macroblock trees: with them libx264 writes other bytes from one call to the next."""


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
        if self.groups < 3 or self.groups % 3:
            raise ValueError(f"groups must be a multiple of 3, got {self.groups}")
        if self.height % 2 or self.width % 2:
            raise ValueError(f"height and width must be even, got {self.height}x{self.width}")


def write_motion(root: str | Path, settings: MotionSettings | None = None) -> Path:
    """Write the data set, unless it is already there with the same settings.

    It is written beside `root` and renamed when complete, so a half-written set is never seen.

    Args:
        root: the folder to make.
        settings: what to write.

    Returns:
        `root`.

    Raises:
        FileExistsError: `root` holds something else, or this set with other settings.
    """
    root, settings = Path(root), settings or MotionSettings()
    if is_written(root, settings):
        return root
    if root.exists() and any(root.iterdir()):
        raise FileExistsError(
            f"{root} is not empty and is not this motion data set with the settings {settings}; "
            "delete it or choose another root"
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        _write_all(temporary, settings)
        temporary.chmod(0o755)
        if root.exists() and not any(root.iterdir()):
            root.rmdir()
        try:
            temporary.rename(root)
        except OSError:
            if not is_written(root, settings):
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return root


def is_written(root: str | Path, settings: MotionSettings) -> bool:
    """Whether the complete data set with these settings is at `root`."""
    try:
        stamp = json.loads((Path(root) / STAMP).read_text())
    except (OSError, json.JSONDecodeError):
        return False
    return stamp == asdict(settings)


def _write_all(root: Path, settings: MotionSettings) -> None:
    names: dict[int, list[str]] = {group: [] for group in range(1, settings.groups + 1)}
    for group in names:
        look = draw_look(np.random.default_rng([settings.seed, group]), settings)
        for label, name in enumerate(CLASSES):
            for clip in range(1, settings.clips_per_group + 1):
                file = f"{name}/v_{name}_g{group:02d}_c{clip:02d}.mp4"
                rng = np.random.default_rng([settings.seed, group, label, clip])
                write_frames(root / "videos" / file, _frames(rng, name, look, settings))
                names[group].append(file)
    _write_lists(root / "ucfTrainTestlist", names)
    (root / STAMP).write_text(json.dumps(asdict(settings), indent=2) + "\n")


def _frames(
    rng: np.random.Generator, name: str, look: Look, settings: MotionSettings
) -> np.ndarray:
    return draw_video(rng, name, look, settings.num_frames)


def _write_lists(folder: Path, names: dict[int, list[str]]) -> None:
    folder.mkdir()
    numbered = [f"{number} {name}" for number, name in enumerate(CLASSES, start=1)]
    (folder / "classInd.txt").write_text("\n".join(numbered) + "\n")
    third = len(names) // 3
    for split in (1, 2, 3):
        held_out = range((split - 1) * third + 1, split * third + 1)
        train, test = [], []
        for group, files in names.items():
            for file in files:
                if group in held_out:
                    test.append(file)
                else:
                    train.append(f"{file} {CLASSES.index(file.split('/')[0]) + 1}")
        (folder / f"trainlist{split:02d}.txt").write_text("\n".join(sorted(train)) + "\n")
        (folder / f"testlist{split:02d}.txt").write_text("\n".join(sorted(test)) + "\n")


def write_frames(path: Path, frames: np.ndarray, fps: int = 25) -> None:
    """Encode uint8 (T, H, W, 3) as H.264, or as MPEG-4 where PyAV has no encoder for that.

    The same frames give the same file, byte for byte.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    h264 = "libx264" in av.codecs_available
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264" if h264 else "mpeg4", rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = H264 if h264 else {"qscale": "3"}
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def main(arguments: list[str] | None = None) -> None:
    """Write the data set and print what it holds."""
    parser = argparse.ArgumentParser(description="Write the motion data set.")
    parser.add_argument("--root", default="data/motion")
    for name, value in asdict(MotionSettings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    options = vars(parser.parse_args(arguments))
    root = Path(options.pop("root"))
    settings = MotionSettings(**options)
    there = is_written(root, settings)
    write_motion(root, settings)
    clips = len(CLASSES) * settings.groups * settings.clips_per_group
    size = sum(path.stat().st_size for path in (root / "videos").rglob("*.mp4"))
    print(
        f"{root}: {clips} clips of {settings.num_frames} frames, "
        f"{settings.width}x{settings.height}, {size / 1e6:.1f} MB, {len(CLASSES)} classes, "
        f"{settings.groups} groups, 3 splits{' (was there)' if there else ''}"
    )
    print(f"classes: {', '.join(CLASSES)}")
    print(f"test groups of a split: {settings.groups // 3}; clips: {clips // 3}")


if __name__ == "__main__":
    main()
