"""The validation split that is taken out of a folder."""

import subprocess
import sys
import unicodedata
import warnings
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snl_video.data import HoldoutSettings, VideoDataModule
from snl_video.data.formats import ClassFolders
from snl_video.data.holdout import group_of, hold_out
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import AnnotationError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def video_list(sizes):
    """A list with `sizes[label][g]` clips of group g of each class."""
    classes = [f"c{label}" for label in range(len(sizes))]
    records = [
        VideoRecord(f"/x/{name}", label, name)
        for label, groups in enumerate(sizes)
        for group, clips in enumerate(groups, 1)
        for clip in range(1, clips + 1)
        for name in [f"c{label}/v_c{label}_g{group:02d}_c{clip:02d}.avi"]
    ]
    return VideoList(records, classes)


def ids(videos):
    return [record.id for record in videos.records]


SIZES = st.lists(st.lists(st.integers(1, 7), min_size=2, max_size=9), min_size=1, max_size=5)


@given(sizes=SIZES, share=st.floats(0.01, 0.5), seed=st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_a_split_by_groups_holds_what_it_promises(sizes, share, seed):
    videos = video_list(sizes)
    held = hold_out(videos, share, seed)
    train, val = ids(held.train), ids(held.val)
    assert sorted(train + val) == sorted(ids(videos))
    assert [i for i in ids(videos) if i in set(train)] == train
    assert not {i.rsplit("_", 1)[0] for i in train} & {i.rsplit("_", 1)[0] for i in val}
    assert held.train_groups + held.val_groups == sum(map(len, sizes))
    for label, groups in enumerate(sizes):
        parts = [sum(r.label == label for r in part.records) for part in (held.train, held.val)]
        assert min(parts) >= 1
        assert sum(parts) == sum(groups)
        chosen = Counter(i.split("_")[2] for i in val if i.startswith(f"c{label}/"))
        assert all(count == groups[int(name[1:]) - 1] for name, count in chosen.items())
        wish = share * sum(groups)
        only_the_smallest = list(chosen.values()) == [min(groups)]
        assert abs(parts[1] - wish) <= max(groups) / 2 + 1e-9 or only_the_smallest


@given(sizes=SIZES, seed=st.integers(0, 9), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_of_list_and_classes_does_not_matter(sizes, seed, data):
    videos = video_list(sizes)
    names = data.draw(st.permutations(videos.classes))
    records = [
        VideoRecord(r.path, names.index(videos.classes[r.label]), r.id)
        for r in data.draw(st.permutations(list(videos.records)))
    ]
    shuffled = hold_out(VideoList(records, names), 0.2, seed)
    assert set(ids(shuffled.val)) == set(ids(hold_out(videos, 0.2, seed).val))


def test_the_choice_is_the_same_on_every_machine_and_in_every_process():
    names = [f"a/{n}.mp4" for n in range(10)]
    code = (
        "from snl_video.data.holdout import hold_out\n"
        "from snl_video.data.video_list import VideoList, VideoRecord\n"
        f"r = [VideoRecord(i, 0, i) for i in {names}]\n"
        "print(*[x.id for x in hold_out(VideoList(r, ['a']), 0.3, 4).val.records])"
    )
    videos = VideoList([VideoRecord(i, 0, i) for i in names], ["a"])
    own = ids(hold_out(videos, 0.3, 4).val)
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert other.stdout.split() == own
    # The first of: for n in 0 ... 9: printf "4\na\na/$n" | sha256sum
    assert own == ["a/4.mp4", "a/6.mp4", "a/8.mp4"]


def test_other_seeds_choose_others():
    videos = video_list([[1] * 12])
    assert len({tuple(ids(hold_out(videos, 0.2, seed).val)) for seed in range(8)}) > 4


def test_group_names():
    assert group_of("Run/v_Run_g08_c01.avi") == group_of("Run/x/v_Run_g08_c02.mp4") == "v_Run_g08"
    assert group_of("Run/v_Run_g08_c01.avi") != group_of("Run/v_Run_g09_c01.avi")
    assert group_of("Run/a.avi") == group_of("Run/a.mp4") != group_of("Sit/a.mp4")
    assert group_of("Run/a_1.avi") != group_of("Run/a_2.avi")
    assert group_of("Run/a.b.avi") != group_of("Run/a.c.avi")
    decomposed = unicodedata.normalize("NFD", "Fuß/Übung.avi")
    assert decomposed != "Fuß/Übung.avi"
    assert group_of(decomposed) == group_of("Fuß/Übung.avi")


def test_one_group_alone_is_trained_on_with_a_warning():
    videos = video_list([[4], [1, 1, 1, 1, 1]])
    with pytest.warns(UserWarning, match=r"group of clips: 1 \(c0\)"):
        held = hold_out(videos)
    assert held.undivided == ("c0",)
    assert Counter(r.label for r in held.train.records) == {0: 4, 1: 4}
    assert [r.label for r in held.val.records] == [1]


def test_bad_shares_and_a_group_in_two_classes_are_refused():
    for share in (-0.1, 0, 0.51, 1, float("nan")):
        with pytest.raises(AnnotationError, match=r"holdout.share must lie in \(0, 0.5\]"):
            hold_out(video_list([[1, 1]]), share)
    names = ["a/v_X_g01_c01.mp4", "b/v_X_g01_c02.mp4"]
    videos = VideoList([VideoRecord(n, i, n) for i, n in enumerate(names)], ["a", "b"])
    with pytest.raises(AnnotationError, match="group v_X_g01 has clips in two classes, a and b"):
        hold_out(videos)


PLAIN = [f"{name}/{number}.mp4" for name in "ab" for number in range(5)]


def source(root, share=None):
    return ClassFolders(root, holdout=HoldoutSettings(share))


def test_a_plain_folder_is_split_and_tested_on_its_validation_part(tmp_path):
    lists = source(touch(tmp_path, *PLAIN))
    train, val = lists.read("train"), lists.read("val")
    assert sorted(ids(train) + ids(val)) == sorted(PLAIN)
    assert val.class_counts() == {"a": 1, "b": 1}
    assert lists.read("test").records == val.records
    assert "2 of 10 videos" in lists.note()
    assert "`test` evaluates it too" in lists.note()
    found = VideoDataModule("folder", str(tmp_path)).describe()
    assert (found["subsets"]["train"]["videos"], found["subsets"]["val"]["videos"]) == (8, 2)
    assert "2 of 10 videos" in found["val_split"]


def test_a_share_of_nothing_keeps_the_whole_folder_in_every_subset(tmp_path):
    lists = source(touch(tmp_path, *PLAIN), 0)
    assert [len(lists.read(subset)) for subset in ("train", "val", "test")] == [10, 10, 10]
    assert "nothing is held out (holdout.share 0)" in lists.note()
    assert "no measure of new videos" in lists.note()


def test_train_alone_is_split(tmp_path):
    lists = source(touch(tmp_path, *(f"train/{name}" for name in PLAIN)), 0.4)
    assert [len(lists.read(subset)) for subset in ("train", "val", "test")] == [6, 4, 4]
    assert set(ids(lists.read("train"))) | set(ids(lists.read("val"))) == set(PLAIN)


def test_train_and_test_are_split_when_asked_only(tmp_path):
    touch(tmp_path, *(f"train/{name}" for name in PLAIN), "test/a/x.mp4")
    lists = source(tmp_path)
    assert ids(lists.read("val")) == ids(lists.read("test")) == ["a/x.mp4"]
    assert len(lists.read("train")) == 10
    assert "its test videos are the validation set too" in lists.note()
    asked = source(tmp_path, 0.2)
    assert ids(asked.read("test")) == ["a/x.mp4"]
    assert [len(asked.read(subset)) for subset in ("train", "val")] == [8, 2]
    assert "`test` evaluates it" not in asked.note()


def test_a_validation_folder_is_used_as_it_is(tmp_path):
    touch(tmp_path, *(f"train/{name}" for name in PLAIN), "val/a/x.mp4")
    assert source(tmp_path).held_out is None
    assert [len(source(tmp_path).read(s)) for s in ("train", "val", "test")] == [10, 1, 1]
    assert source(tmp_path).note() == ""
    with pytest.raises(AnnotationError, match=r"holdout.share=0\.2 has no use"):
        source(tmp_path, 0.2).read("val")


def test_only_what_is_taken_out_of_training_is_held_out(tmp_path):
    touch(tmp_path / "flat", *PLAIN)
    touch(tmp_path / "three", *(f"train/{name}" for name in PLAIN), "test/a/x.mp4")
    for name, share, expected in (
        ("flat", None, {"val", "test"}),
        ("flat", 0, set()),
        ("three", None, set()),
        ("three", 0.2, {"val"}),
    ):
        lists = source(tmp_path / name, share)
        assert {
            subset for subset in ("train", "val", "test") if lists.is_held_out(subset)
        } == expected


def test_nothing_to_hold_out_is_an_error_of_validation_alone(tmp_path):
    lists = source(touch(tmp_path, "a/1.mp4", "b/1.avi", "b/1.mp4"))
    with pytest.warns(UserWarning, match="group of clips: 2"):
        assert len(lists.read("train")) == 3
    with pytest.raises(AnnotationError, match=r"no class has two videos \(or two groups"):
        lists.read("val")


def test_other_formats_refuse_a_share(tmp_path):
    with pytest.raises(AnnotationError, match=r"share=0\.1 is for format folder; UCF101 has"):
        VideoDataModule("ucf101", str(tmp_path), holdout=HoldoutSettings(0.1))


def test_the_data_module_says_what_was_held_out(tmp_path, caplog):
    holdout = HoldoutSettings(share=0.4, seed=3)
    data = VideoDataModule("folder", str(touch(tmp_path, *PLAIN)), holdout=holdout)
    with caplog.at_level("INFO"), warnings.catch_warnings():
        warnings.simplefilter("error")
        data.setup("test")
    assert "4 of 10 videos, 4 of 10 groups" in caplog.text
    assert "holdout.seed 3" in caplog.text
    assert len(data.video_list("predict")) == 4
