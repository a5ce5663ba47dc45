"""Lists of one's own: folders, list files, files to predict."""

import os

import pytest

from snl_video.data.formats import ClassFolders
from snl_video.data.formats.csv_list import csv_classes, read_csv
from snl_video.data.formats.entries import read_class_file
from snl_video.data.holdout import HoldoutSettings
from snl_video.data.unlabelled import read_files
from snl_video.errors import AnnotationError
from tests.data.files import touch, write

WHOLE = HoldoutSettings(share=0)


def test_folder_with_and_without_subsets(tmp_path):
    flat = touch(tmp_path / "flat", "b/2.mp4", "a/1.AVI", "a/deep/3.mkv", "a/notes.txt", "a/.x.mp4")
    assert ClassFolders(flat).classes == ["a", "b"]
    videos = ClassFolders(flat, holdout=WHOLE).read("test")
    assert [(r.id, r.label) for r in videos.records] == [
        ("a/1.AVI", 0),
        ("a/deep/3.mkv", 0),
        ("b/2.mp4", 1),
    ]
    split = touch(tmp_path / "split", "train/a/1.mp4", "train/b/2.mp4", "val/b/3.mp4")
    assert [r.label for r in ClassFolders(split).read("val").records] == [1]
    assert ClassFolders(split).read("test").records == ClassFolders(split).read("val").records
    touch(split, "val/c/4.mp4")
    with pytest.raises(AnnotationError, match="unknown class 'c'"):
        ClassFolders(split).read("val")


def test_hidden_folders_are_passed_over_and_links_followed_once(tmp_path):
    root = touch(tmp_path / "d", "a/1.mp4", "a/.cache/2.mp4", "b/3.mp4", "b/deep/4.mp4")
    touch(tmp_path / "elsewhere", "5.mp4")
    (root / "a/there").symlink_to(tmp_path / "elsewhere")
    (root / "a/again").symlink_to(root / "a")
    (root / "a/up").symlink_to(root)
    (root / "b/deep/back").symlink_to(root / "b")
    ids = [record.id for record in ClassFolders(root, holdout=WHOLE).read("train").records]
    assert ids == ["a/1.mp4", "a/there/5.mp4", "b/3.mp4", "b/deep/4.mp4"]
    assert [r.id for r in read_files([root / "a"], []).records] == ["1.mp4", "there/5.mp4"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    root = touch(tmp_path, "a/locked/1.mp4", "a/2.mp4")
    scandir = os.scandir

    def refuse(path):  # the tests may run as root, who may read everything
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(
        AnnotationError, match=r"a/locked cannot be read \(Permission denied\); check perm"
    ):
        ClassFolders(root, holdout=WHOLE).read("train")


def test_folder_errors(tmp_path):
    with pytest.raises(AnnotationError, match="does not exist"):
        ClassFolders(tmp_path / "nowhere").read("train")
    with pytest.raises(AnnotationError, match="names no class"):
        ClassFolders(tmp_path).read("train")
    (tmp_path / "a").mkdir()
    with pytest.raises(AnnotationError, match="lists no video"):
        ClassFolders(tmp_path).read("train")
    touch(tmp_path / "other", "val/a/1.mp4")
    with pytest.raises(AnnotationError, match="has no folder train"):
        ClassFolders(tmp_path / "other").read("train")


@pytest.mark.parametrize("separator", [" ", ",", "\t", ";"])
@pytest.mark.parametrize("labels", [("0", "1"), ("run", "sit up")])
def test_csv_separators_and_labels(tmp_path, separator, labels):
    if separator == " " and " " in labels[1]:
        pytest.skip("a label may not hold the separator")
    touch(tmp_path, "v/a b.mp4", "v/c.mp4")
    text = f"a b.mp4{separator}{labels[0]}\nc.mp4{separator}{labels[1]}\n"
    file = write(tmp_path / "list.csv", text, "\r\n")
    videos = read_csv(file, tmp_path / "v")
    assert videos.classes == list(labels)
    assert [(r.id, r.label) for r in videos.records] == [("a b.mp4", 0), ("c.mp4", 1)]


def test_csv_class_list_header_and_absolute_paths(tmp_path):
    touch(tmp_path, "a.mp4")
    file = write(tmp_path / "list.csv", f"path,label\n{tmp_path / 'a.mp4'},run\n")
    assert read_csv(file, classes=["sit", "run"]).records[0].label == 1
    assert csv_classes(file) == ["run"]
    with pytest.raises(AnnotationError, match="unknown class 'run'"):
        read_csv(file, classes=["sit"])


def test_csv_errors(tmp_path):
    with pytest.raises(AnnotationError, match="does not exist"):
        read_csv(tmp_path / "nowhere.csv")
    for text, match in [
        ("", "lists no video"),
        ("a.mp4\n", "not a path and a label"),
        ("a.mp4 0\nb.mp4 3\n", "4|absent"),
    ]:
        with pytest.raises(AnnotationError, match=match):
            read_csv(write(tmp_path / "list.csv", text), tmp_path)
    with pytest.raises(AnnotationError, match=r"label 3 .* 2 classes"):
        read_csv(tmp_path / "list.csv", tmp_path, classes=["x", "y"])


def test_files_to_predict(tmp_path):
    touch(tmp_path, "d/b.mp4", "d/deep/a.mp4", "c.bin")
    videos = read_files([tmp_path / "c.bin", tmp_path / "d"], ["x"])
    assert [(r.id, r.label) for r in videos.records] == [
        ("c.bin", -1),
        ("b.mp4", -1),
        ("deep/a.mp4", -1),
    ]
    with pytest.raises(AnnotationError, match="does not exist"):
        read_files([tmp_path / "nowhere"], [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(AnnotationError, match="no video in"):
        read_files([tmp_path / "empty"], [])


def test_class_file(tmp_path):
    assert read_class_file(write(tmp_path / "c.txt", "\ufeffa b\nc\n", "\r\n")) == ["a b", "c"]
    (tmp_path / "d.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(AnnotationError, match="UTF-8"):
        read_class_file(tmp_path / "d.txt")
