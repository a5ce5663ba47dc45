"""Lists and videos of the benchmark on lip movements."""

import csv
from collections import Counter

import numpy as np
import pytest

from benchmarks import grid
from tests.videos import read_numbers, write_video

COLOURS = ("blue", "green", "red", "white")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Sixteen numbered clips of 75 frames; the colour is said at a place of its own in each."""
    root = tmp_path_factory.mktemp("grid")
    labels, words = [], []
    for number in range(16):
        clip = f"clip{number:02d}"
        write_video(root / "videos" / f"{clip}.mp4", num_frames=75)
        colour = COLOURS[number // 2 % 4]
        subset = "val" if number >= 8 else "train"
        labels.append({"clip": clip, "colour": colour, "adverb": "now", "subset": subset})
        middle = 10 + 4 * number
        words.append({"clip": clip, "word": "bin", "first_frame": 0, "end_frame": 4})
        words.append(
            {"clip": clip, "word": colour, "first_frame": middle - 2.5, "end_frame": middle + 2.5}
        )
    for name, rows in (("labels", labels), ("words", words)):
        with (root / f"{name}.tsv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
            writer.writeheader()
            writer.writerows(rows)
    return root


def test_pairs_are_balanced_true_and_within_their_subset(data):
    clips = grid.read_table(data / "labels.tsv")
    colour = {clip["clip"]: clip["colour"] for clip in clips}
    subset = {clip["clip"]: clip["subset"] for clip in clips}
    for name in ("train", "val"):
        pairs = grid.pairs_of(clips, name)
        assert [first for first, _, _ in pairs] == [c for c in subset if subset[c] == name]
        assert Counter(label for _, _, label in pairs) == {"Same": 4, "Different": 4}
        for first, second, label in pairs:
            assert first != second
            assert subset[second] == name
            assert (colour[first] == colour[second]) == (label == "Same")
    assert grid.pairs_of(clips, "val") == grid.pairs_of(clips, "val")


def test_a_spliced_video_holds_the_words_of_both_clips(data, tmp_path):
    clips = grid.read_table(data / "labels.tsv")
    lists = grid.write_spliced(data, tmp_path, clips)
    assert [len(lists[name]) for name in ("train", "val")] == [8, 8]
    name, _ = lists["train"][3]
    first, second = name.removesuffix(".mp4").split("_")
    (tmp_path / "videos").mkdir()
    (tmp_path / name).rename(tmp_path / "videos" / name)
    numbers = read_numbers(grid.read_frames(tmp_path, name.removesuffix(".mp4")))
    assert len(numbers) == 64
    for clip, half in ((first, numbers[:32]), (second, numbers[32:])):
        middle = 10 + 4 * int(clip.removeprefix("clip"))
        start = min(max(0, middle - 16), 75 - 32)
        assert half == list(range(start, start + 32))


def test_a_shuffled_video_has_the_same_frames_in_another_order(data, tmp_path):
    clips = grid.read_table(data / "labels.tsv")[:2]
    grid.write_shuffled(data, tmp_path / "videos", clips)
    orders = [read_numbers(grid.read_frames(tmp_path, clip["clip"])) for clip in clips]
    for order in orders:
        assert sorted(order) == list(range(75))
        assert np.abs(np.diff(order)).mean() > 10
    assert orders[0] != orders[1]


def test_labels_of_a_task(data):
    clip = grid.read_table(data / "labels.tsv")[0]
    assert grid.label_of(clip, "colour") == "blue"
    assert grid.label_of(clip, "pair") == "blue_now"


def test_lists_are_those_that_the_options_name(tmp_path):
    lists = {"train": [("a.mp4", "blue")], "val": [("b.mp4", "red")]}
    options = grid.write_lists(tmp_path / "run", lists)
    assert options[0] == f"--lists.train={tmp_path / 'run' / 'train.csv'}"
    assert (tmp_path / "run" / "test.csv").read_text() == "path,label\nb.mp4,red\n"
