"""GRID, speaker 1: what lip movements say, by probes of frozen features with and without blocks.

    python -m benchmarks.grid --data FOLDER [--run_dir runs/grid] [--tasks colour pair same]

FOLDER holds videos/CLIP.mp4, labels.tsv and words.tsv. Tasks: the colour that is said (4 classes);
colour and adverb together (16), two words that lie 16 to 32 frames apart; whether two spliced clips
say the same colour (2). `--shuffled` does the first two with the frames of every clip in random
order. Lists and videos are written to the run's folder, then `snl-video features` and
`snl-video probe` are called; what is finished is not repeated. The 160 `val` clips are the test
list; nothing is chosen on them.
"""

import argparse
import csv
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from snl_video.cli import main as snl_video
from snl_video.data.decoding import open_video
from snl_video.data.synthetic.video_writer import write_frames

KINDS = ("none", "order_1", "nl", "snl", "gsnl", "snl_walk")
TASKS = ("colour", "pair", "same")
FRAMES_OF_A_WORD = 32
FEATURES = (
    *("--place=Mixed_4e", "--average=2x2x2", "--num_frames=64", "--interval=1"),
    *("--short_side=112", "--size=112", "--precision=bf16"),
)
Row = Mapping[str, str]


def main() -> None:
    """Write lists and videos, then compute features and train probes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/grid_s1"))
    parser.add_argument("--run_dir", type=Path, default=Path("runs/grid"))
    parser.add_argument("--model", default="kinetics400", help="whose features are probed")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--seeds", nargs="+", default=("0", "1", "2"))
    parser.add_argument("--shuffled", action="store_true", help="the control")
    options, of_probe = parser.parse_known_args()
    clips = read_table(options.data / "labels.tsv")
    for task in options.tasks:
        spliced = task == "same"
        if options.shuffled and spliced:
            continue  # its two words would be torn apart
        name = "same" if spliced else "shuffled" if options.shuffled else "videos"
        root = options.run_dir / "data" / name
        if spliced:
            lists = write_spliced(options.data, root, clips)
        else:
            lists = {
                subset: [
                    (f"{c['clip']}.mp4", label_of(c, task)) for c in clips if c["subset"] == subset
                ]
                for subset in ("train", "val")
            }
            if options.shuffled:
                write_shuffled(options.data, root, clips)
            else:
                root = options.data / "videos"
        run = options.run_dir / f"{task}{'_shuffled' if name == 'shuffled' else ''}"
        csv_format = ["--format=csv", *write_lists(run, lists)]
        features = options.run_dir / "features" / name
        words = [options.model, str(root), *csv_format, *FEATURES, f"--output={features}"]
        if snl_video(["features", *words]):
            raise SystemExit(f"{features} is not complete")
        words = [str(root), *csv_format, f"--features={features}", f"--run_dir={run}", *of_probe]
        words += ["--kinds", *options.kinds, "--seeds", *options.seeds]
        if snl_video(["probe", *words]):
            raise SystemExit(f"the probes of {task} failed")


def read_table(file: Path) -> list[Row]:
    """Return the rows of a table with tabs and a header line."""
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def label_of(clip: Row, task: str) -> str:
    """Return the class of a clip."""
    return clip["colour"] if task == "colour" else f"{clip['colour']}_{clip['adverb']}"


def write_lists(folder: Path, lists: Mapping[str, Iterable[tuple[str, str]]]) -> list[str]:
    """Write train.csv and test.csv; return the options that name them."""
    folder.mkdir(parents=True, exist_ok=True)
    options = []
    for subset, name in (("train", "train"), ("val", "test")):
        text = "".join(f"{video},{label}\n" for video, label in lists[subset])
        (folder / f"{name}.csv").write_text(f"path,label\n{text}", encoding="utf-8")
        options.append(f"--lists.{name}={folder / f'{name}.csv'}")
    return options


def write_shuffled(data: Path, root: Path, clips: Sequence[Row]) -> None:
    """Write every clip with its frames in random order, the same order every time."""
    for clip in clips:
        file = root / f"{clip['clip']}.mp4"
        if not file.exists():
            frames = read_frames(data, clip["clip"])
            order = list(range(len(frames)))
            random.Random(clip["clip"]).shuffle(order)
            write_whole_video(file, frames[order])


def pairs_of(clips: Sequence[Row], subset: str) -> list[tuple[str, str, str]]:
    """Return (first, second, label): each clip of a subset once as the first, half of them Same.

    The second one is drawn from the clips of the same subset that say the colour, or another one.
    """
    own = [clip for clip in clips if clip["subset"] == subset]
    rng = random.Random(subset)
    pairs = []
    for number, clip in enumerate(own):
        same = number % 2 == 0
        others = [
            other["clip"]
            for other in own
            if (other["colour"] == clip["colour"]) == same and other is not clip
        ]
        pairs.append((clip["clip"], rng.choice(others), "Same" if same else "Different"))
    return pairs


def write_spliced(data: Path, root: Path, clips: Sequence[Row]) -> dict[str, list[tuple[str, str]]]:
    """Write the frames around the colour of two clips, one after the other; return the lists."""
    colours = {clip["clip"]: clip["colour"] for clip in clips}
    middle = {
        row["clip"]: (float(row["first_frame"]) + float(row["end_frame"])) / 2
        for row in read_table(data / "words.tsv")
        if row["word"] == colours.get(row["clip"])
    }
    lists: dict[str, list[tuple[str, str]]] = {}
    for subset in ("train", "val"):
        lists[subset] = []
        for first, second, label in pairs_of(clips, subset):
            name = f"{first}_{second}.mp4"
            lists[subset].append((name, label))
            if not (root / name).exists():
                halves = [around(read_frames(data, c), middle[c]) for c in (first, second)]
                write_whole_video(root / name, np.concatenate(halves))
    return lists


def around(frames: np.ndarray, middle: float) -> np.ndarray:
    """Return the frames of a word: as many as `FRAMES_OF_A_WORD`, within the clip."""
    start = round(middle) - FRAMES_OF_A_WORD // 2
    start = max(0, min(start, len(frames) - FRAMES_OF_A_WORD))
    return frames[start : start + FRAMES_OF_A_WORD]


def read_frames(data: Path, clip: str) -> np.ndarray:
    """Return uint8 (T, H, W, 3)."""
    video = open_video(data / "videos" / f"{clip}.mp4")
    return video.get_frames(torch.arange(video.num_frames)).numpy()


def write_whole_video(file: Path, frames: np.ndarray) -> None:
    """Write a video that is there only when it is complete."""
    scratch = file.with_name(f"part-{file.name}")
    write_frames(scratch, frames)
    scratch.replace(file)


if __name__ == "__main__":
    main()
