"""What a folder of one's own videos may be, and what is said of any other."""

import os
import re

import pytest

from snl_video.data.holdout import HoldoutSettings
from snl_video.data.own_videos import folder_survey
from snl_video.data.own_videos.folder_layout import read_own_folder
from snl_video.data.own_videos.folder_survey import open_all, same_files, survey
from snl_video.errors import AnnotationError
from tests.videos import write_video

FLAT = ("run/1.mp4", "run/2.mp4", "sit/1.mp4", "sit/2.mp4")
SPLIT = tuple(f"{subset}/{name}" for subset in ("train", "val") for name in FLAT)


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def refusal(root, *names):
    """What is said of a folder with these empty files."""
    with pytest.raises(AnnotationError) as caught:
        read_own_folder(touch(root, *names))
    return str(caught.value)


def test_folders_as_they_should_be(tmp_path):
    hidden = (".trash/1.mp4", "run/.2.mp4", "run/.thumbs/3.mp4", "notes.txt", "run/deep/3.mp4")
    lists = read_own_folder(touch(tmp_path / "flat", *FLAT, *hidden))
    assert {name: len(videos) for name, videos in lists.items()} == {"train": 5}
    lists = read_own_folder(touch(tmp_path / "split", *SPLIT, "validation/notes.txt"))
    assert {name: len(videos) for name, videos in lists.items()} == {"train": 4, "val": 4}
    lists = read_own_folder(touch(tmp_path / "trains", *FLAT, "Train/1.mp4", "testing/1.mp4"))
    assert lists["train"].classes == ["Train", "run", "sit", "testing"]


@pytest.mark.parametrize(
    ("there", "left", "places"),
    [
        (FLAT, ["a.mp4", "b.mov"], "<class>/: move"),
        (
            SPLIT,
            ["a.mp4"],
            "train/<class>/ or val/<class>/ or test/<class>/, since there is a folder",
        ),
        (SPLIT, ["sit/3.mp4", "walk/deep/1.mp4"], "since there is a folder train: move"),
        (SPLIT, ["validation/1.mp4"], "since there is a folder train: move"),
        (("val/run/1.mp4", "val/sit/1.mp4"), list(FLAT), "since there is a folder val: move"),
    ],
)
def test_videos_that_no_list_would_have_are_named(tmp_path, there, left, places):
    words = refusal(tmp_path, *there, *left)
    count = f"{len(left)} of {len(there) + len(left)} videos belong to no class"
    assert f"{tmp_path}: {count} and would be left out: {', '.join(left)}; " in words
    assert places in words


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Train", "train"), ("training", "train"), ("Valid", "val"), ("VAL", "val"),
     ("validation", "val"), ("eval", "val"), ("Test", "test"), ("testing", "test")],
)  # fmt: skip
@pytest.mark.parametrize("beside", [FLAT, SPLIT, ("walk/run/1.mp4", "walk/sit/1.mp4")])
def test_subsets_by_other_names_are_refused(tmp_path, name, meant, beside):
    words = refusal(tmp_path, *beside, f"{name}/run/9.mp4", f"{name}/sit/9.mp4")
    assert f"{tmp_path / name} looks like a subset of another name: call it" in words
    assert f"call it {tmp_path / meant}, or something else where it is a class" in words


@pytest.mark.parametrize("name", ["train", "val", "test"])
@pytest.mark.parametrize("beside", [FLAT, SPLIT])
def test_a_class_by_the_name_of_a_subset_is_refused(tmp_path, name, beside):
    words = refusal(tmp_path, *beside, f"{name}/8.mp4", f"{name}/9.mp4")
    assert f"{tmp_path / name} holds 2 videos itself (8.mp4, 9.mp4), but the names train" in words
    assert f"move them to {tmp_path / name}/<class>/, or rename the folder where" in words


@pytest.mark.parametrize("name", [b"run/\xe9t\xe9.mp4", b"caf\xe9/1.mp4", b"notes\xff.txt"])
def test_names_that_are_not_utf8_are_shown(tmp_path, name):
    words = refusal(tmp_path, *FLAT, os.fsdecode(name))
    assert f"1 file names are not UTF-8: {os.fsdecode(name)!r}; rename" in words
    words.encode()


def copies(root, *pairs):
    """Videos, each with its copies: in every pair the first is written, and the rest copied."""
    for number, (first, *others) in enumerate(pairs):
        path = write_video(root / first, 6 + number, (32, 40))
        for other in others:
            (root / other).parent.mkdir(parents=True, exist_ok=True)
            (root / other).write_bytes(path.read_bytes())
    return root


def test_the_same_file_in_two_classes_is_refused_and_in_one_is_named(tmp_path, capsys):
    root = copies(tmp_path / "mine", ("run/1.mp4", "run/1 (1).mp4"), ("sit/1.mp4",), ("sit/2.mp4",))
    survey(root, go_on=False)
    printed = capsys.readouterr().out
    assert "all 4 videos can be opened" in printed
    assert "the same file more than once:\n  run/1 (1).mp4 = run/1.mp4\none may be" in printed
    write_video(root / "run/2.mp4", 20, (32, 40))
    (root / "sit/3.mp4").write_bytes((root / "run/2.mp4").read_bytes())
    with pytest.raises(
        AnnotationError, match=r"two classes:\n  run/2\.mp4 = sit/3\.mp4\nkeep each"
    ):
        survey(root, go_on=False)


def test_one_class_of_two_subsets_is_one_class(tmp_path):
    lists = read_own_folder(touch(tmp_path, *SPLIT))
    groups = [["train/run/1.mp4", "val/run/2.mp4"]]
    assert "train/run/1.mp4 = val/run/2.mp4" in same_files(tmp_path, lists, groups)
    assert same_files(tmp_path, lists, []) == ""
    with pytest.raises(AnnotationError, match=r"train/run/1\.mp4 = val/sit/2\.mp4"):
        same_files(tmp_path, lists, [["train/run/1.mp4", "val/sit/2.mp4"]])


def test_unreadable_videos_of_equal_ids_are_all_named(tmp_path):
    root = touch(tmp_path, *SPLIT)
    broken = open_all(root, read_own_folder(root)).broken
    assert sorted(broken) == sorted(SPLIT)
    with pytest.raises(
        AnnotationError, match=r"8 of 8 videos can't be read:\n  train/run/1\.mp4: "
    ):
        survey(root, go_on=False)


def test_a_slow_file_has_as_long_as_in_the_check_tool(tmp_path, monkeypatch):
    given = {}

    def scan(*arguments, **options):
        given.update(options)
        raise RuntimeError("not scanned")

    monkeypatch.setattr(folder_survey, "scan", scan)
    root = touch(tmp_path, *FLAT)
    with pytest.raises(RuntimeError, match="not scanned"):
        open_all(root, read_own_folder(root))
    assert given["timeout"] == 600


def test_a_class_whose_readable_videos_are_held_out_is_refused(tmp_path, capsys):
    """Of five videos one is held out; each in turn is the only one that can be read."""
    root = touch(
        tmp_path, *(f"{name}/{number}.mp4" for name in ("run", "sit") for number in range(5))
    )
    for number in range(5):
        write_video(root / f"sit/{number}.mp4", 4 + number, (32, 40))
    refused = {}
    for number in range(5):
        write_video(root / f"run/{number}.mp4", 10, (32, 40))
        try:
            survey(root, go_on=True)
        except AnnotationError as error:
            refused[number] = str(error)
        (root / f"run/{number}.mp4").write_bytes(b"")
    ((held_out, words),) = refused.items()
    assert re.search("no training video of run can be read; .*held out", words)
    write_video(root / f"run/{held_out}.mp4", 10, (32, 40))
    survey(root, True, HoldoutSettings(share=0))
    assert "4 of 10 videos can't be read" in capsys.readouterr().out
    (root / f"run/{held_out}.mp4").write_bytes(b"")
    with pytest.raises(AnnotationError, match="no training video of run can be read"):
        survey(root, True, HoldoutSettings(share=0))
