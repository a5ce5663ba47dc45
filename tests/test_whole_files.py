"""Files and folders that are never half written, on one file system and on two."""

import os
import subprocess
import sys

import pytest

from snl_video import whole_files
from snl_video.whole_files import swapped_folder, whole_file, write_whole

KILLED = """
import os, sys
from pathlib import Path
from snl_video.whole_files import swapped_folder, whole_file
with {block}(Path(sys.argv[1])) as scratch:
    ({place}).write_text("new, ha")
    os._exit(9)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def kill(block, place, target):
    code = KILLED.format(block=block, place=place)
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == 9


def test_a_killed_write_leaves_the_old_file_and_the_next_write_tidies_up(tmp_path):
    target = tmp_path / "numbers.json"
    write_whole(target, "old")
    kill("whole_file", "scratch", target)
    assert target.read_text() == "old"
    assert len(names(tmp_path)) == 2
    write_whole(target, "new")
    assert target.read_text() == "new"
    assert names(tmp_path) == ["numbers.json"]


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    target = tmp_path / "a.csv"
    with whole_file(target) as mine:
        mine.write_text("mine")
        theirs = mine.with_name(mine.name.replace(str(os.getpid()), str(os.getppid())))
        theirs.write_text("theirs")
    write_whole(target, "again")
    assert names(tmp_path) == sorted([theirs.name, "a.csv"])


def test_an_exception_leaves_the_old_file_alone(tmp_path):
    target = tmp_path / "folder/x.csv"
    write_whole(target, "old")
    with pytest.raises(OSError, match="full"):
        write_half(target)
    assert target.read_text() == "old"
    assert names(target.parent) == ["x.csv"]


@pytest.mark.parametrize("links", [True, False])
def test_the_file_before_is_kept(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    target, previous = tmp_path / "last", tmp_path / "previous"
    for text in ("1", "2", "3"):
        with whole_file(target, previous) as scratch:
            scratch.write_text(text)
    assert (target.read_text(), previous.read_text()) == ("3", "2")
    assert names(tmp_path) == ["last", "previous"]


def test_a_link_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real/file.txt")
    write_whole(tmp_path / "link.txt", "text")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real/file.txt").read_text() == "text"


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_is_swapped_whole_and_what_else_was_in_it_stays(tmp_path, monkeypatch, at_once):
    if not at_once:
        monkeypatch.setattr(whole_files, "_exchange", lambda first, second: False)
        monkeypatch.setattr(os, "link", refuse)
    target = tmp_path / "report"
    for text in ("old", "new"):
        with swapped_folder(target) as scratch:
            (scratch / "a.txt").write_text(text)
            if text == "new":
                assert (target / "a.txt").read_text() == "old"
        if text == "old":
            (target / "notes").mkdir()
            (target / "notes/mine.txt").write_text("mine")
            (target / "link").symlink_to("a.txt")
    assert (target / "a.txt").read_text() == "new"
    assert (target / "notes/mine.txt").read_text() == "mine"
    assert (target / "link").is_symlink()
    assert names(tmp_path) == ["report"]


def test_a_killed_swap_leaves_the_old_folder(tmp_path):
    target = tmp_path / "report"
    with swapped_folder(target) as scratch:
        (scratch / "a.txt").write_text("old")
    kill("swapped_folder", "scratch / 'a.txt'", target)
    assert (target / "a.txt").read_text() == "old"
    assert len(names(tmp_path)) == 2
    with swapped_folder(target):
        pass
    assert names(tmp_path) == ["report"]


def write_half(target):
    with whole_file(target) as scratch:
        assert scratch.suffix == target.suffix
        scratch.write_text("half")
        raise OSError("full")


def refuse(*paths, **options):
    raise OSError("no hard links here")
