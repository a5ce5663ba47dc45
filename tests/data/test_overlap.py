"""The same video in training and in evaluation, or twice in one list."""

import json
import warnings

import pytest

from snl_video.data import VideoDataModule
from snl_video.data.formats import ListSettings
from snl_video.data.overlap import find_overlap
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import AnnotationError
from tests.data.files import touch, write


def lists_of(folder, train, test, **more):
    touch(folder, "a.mp4", "b.mp4", "c.mp4", "d.mp4")
    lines = {"train.csv": train, "test.csv": test}
    for name, names in lines.items():
        write(folder / name, "".join(f"{video},{place % 2}\n" for place, video in enumerate(names)))
    lists = ListSettings(train=f"{folder}/train.csv", test=f"{folder}/test.csv", **more)
    return VideoDataModule("csv", str(folder), lists=lists)


@pytest.mark.parametrize("stage", ["fit", "validate", "test", None])
def test_a_shared_video_stops_every_stage(tmp_path, stage):
    data = lists_of(tmp_path, ["a.mp4", "b.mp4"], ["b.mp4", "c.mp4"])
    with pytest.raises(
        AnnotationError, match=r"train and (val|test): 1 videos \(b\.mp4\).*overlap warn"
    ):
        data.setup(stage)
    data.setup("predict")


def test_it_is_a_warning_on_request(tmp_path):
    data = lists_of(tmp_path, ["a.mp4", "b.mp4"], ["b.mp4", "c.mp4"], overlap="warn")
    with pytest.warns(UserWarning, match=r"train and test: 1 videos \(b\.mp4\)"):
        data.setup("test")


def test_the_report_tells_it(tmp_path):
    data = lists_of(tmp_path, ["a.mp4", "a.mp4", "b.mp4"], ["b.mp4", "c.mp4"], overlap="warn")
    found = json.loads(json.dumps(data.describe()))["overlap"]
    assert found == {"train and test": 1, "train and val": 1, "twice in train": 1}


def test_a_link_is_the_file_that_it_leads_to(tmp_path):
    data = lists_of(tmp_path, ["a.mp4", "b.mp4"], ["sub/x.mp4", "link.mp4"])
    (tmp_path / "sub").symlink_to(tmp_path)
    (tmp_path / "link.mp4").symlink_to("a.mp4")
    (tmp_path / "x.mp4").symlink_to("b.mp4")
    with pytest.raises(AnnotationError, match=r"2 videos \(sub/x\.mp4, link\.mp4\)"):
        data.setup("test")


@pytest.mark.parametrize("stage", ["fit", "test"])
def test_twice_in_a_list_is_a_warning(tmp_path, stage):
    data = lists_of(tmp_path, ["a.mp4", "b.mp4", "a.mp4"], ["c.mp4", "d.mp4", "c.mp4"])
    subset = {"fit": "val", "test": "test"}[stage]
    with pytest.warns(UserWarning, match=rf"twice in {subset}: 1 videos \(c\.mp4\)"):
        data.setup(stage)


def test_nothing_is_said_of_lists_that_share_nothing(tmp_path):
    data = lists_of(tmp_path, ["a.mp4", "b.mp4"], ["c.mp4", "d.mp4"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.setup("fit")
        data.setup("test")
    assert data.describe()["overlap"] == {}


def test_equal_lists_are_a_choice(tmp_path):
    lists_of(tmp_path, ["a.mp4", "b.mp4"], ["a.mp4", "b.mp4"]).setup("fit")


def test_absent_videos_are_known_by_their_ids():
    lists = {
        "train": VideoList([VideoRecord("", 0, "x"), VideoRecord("", 0, "y")], ["a"]),
        "test": VideoList([VideoRecord("", 0, "y"), VideoRecord("", 0, "z")], ["a"]),
    }
    assert find_overlap(lists) == {"train and test": ["y"]}
