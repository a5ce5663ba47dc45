from collections import Counter
from functools import cache

import numpy as np
import pytest
import torch

from snl_video.data import open_video
from snl_video.data.formats import SyntheticMotion
from snl_video.data.synthetic.motion import MotionSettings, write_motion
from snl_video.data.synthetic.motion_scenes import CLASSES, draw_look, draw_video

SETTINGS = MotionSettings(groups=3, clips_per_group=2, num_frames=12, height=48, width=60)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_motion(tmp_path_factory.mktemp("motion") / "set", SETTINGS)


@cache
def clips(name, count=60, num_frames=32, seed=0):
    """Frames (count, T, H, W, 3) of one class, each with its own look."""
    size = MotionSettings()
    looks = (draw_look(np.random.default_rng([seed, i]), size) for i in range(count))
    rngs = (np.random.default_rng([seed, i, CLASSES.index(name)]) for i in range(count))
    return np.stack(
        [draw_video(rng, name, look, num_frames) for rng, look in zip(rngs, looks, strict=True)]
    )


def test_layout_balance_and_disjoint_groups(root):
    tested = []
    for split in (1, 2, 3):
        train, test = (SyntheticMotion(root, split).read(subset) for subset in ("train", "test"))
        assert set(train.class_counts().values()) == {4}
        assert set(test.class_counts().values()) == {2}
        groups = [{r.id.split("_")[2] for r in videos.records} for videos in (train, test)]
        assert not groups[0] & groups[1]
        tested += [r.id for r in test.records]
    assert len(tested) == len(set(tested)) == 60


def test_videos_decode(root):
    record = SyntheticMotion(root).read("train").records[0]
    video = open_video(record.path)
    assert (video.num_frames, video.height, video.width) == (12, 48, 60)
    assert video.get_frames(range(12)).float().std() > 1


def test_same_seed_same_frames(root, tmp_path):
    again = write_motion(tmp_path / "again", SETTINGS)
    other = write_motion(tmp_path / "other", MotionSettings(**{**vars(SETTINGS), "seed": 1}))
    name = "videos/Grow/v_Grow_g01_c02.mp4"
    first, second, third = (
        open_video(folder / name).get_frames(range(12)) for folder in (root, again, other)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_the_same_frames_make_the_same_files(tmp_path):
    """Byte for byte, whatever the encoder's memory held before."""
    settings = MotionSettings(groups=12, clips_per_group=1)
    first, second = (write_motion(tmp_path / name, settings) for name in ("first", "second"))
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) > 120
    other = [f for f in files if (first / f).read_bytes() != (second / f).read_bytes()]
    assert not other


def test_writing_again_does_nothing(root):
    stamps = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    write_motion(root, SETTINGS)
    assert stamps == {path: path.stat().st_mtime_ns for path in root.rglob("*")}


def test_other_content_is_left_alone(root, tmp_path):
    with pytest.raises(FileExistsError, match="delete it or choose another root"):
        write_motion(root, MotionSettings())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.jpg").touch()
    with pytest.raises(FileExistsError, match="mine is not empty"):
        write_motion(tmp_path / "mine", SETTINGS)


def test_a_broken_run_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr("snl_video.data.synthetic.motion.write_lists", fail)
    with pytest.raises(KeyboardInterrupt):
        write_motion(tmp_path / "set", SETTINGS)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / "set").mkdir()
    assert (write_motion(tmp_path / "set", SETTINGS) / "motion.json").is_file()


@pytest.mark.parametrize("change", [{"groups": 4}, {"height": 63}])
def test_bad_settings(change):
    with pytest.raises(ValueError, match=str(next(iter(change.values())))):
        MotionSettings(**change)


def object_place(frame):
    """Circular mean (x, y) of what differs from the ground, as angles; shape (count, 2)."""
    count, height, width = frame.shape[:3]
    ground = np.median(frame.reshape(count, -1, 3), axis=1)
    weight = np.abs(frame.astype(float) - ground[:, None, None]).sum(-1)
    weight *= weight > 150
    turns = (np.arange(width) / width, np.arange(height) / height)
    waves = (np.exp(2j * np.pi * turn) for turn in turns)
    return np.stack(
        [
            np.angle((weight.sum(axis) * wave).sum(1))
            for axis, wave in zip((1, 2), waves, strict=True)
        ],
        axis=1,
    )


def best_threshold(a, b):
    """Accuracy of the best single threshold on a number, over two equal samples."""
    order = np.concatenate([a, b])
    is_a = np.arange(len(order)) < len(a)
    cuts = np.unique(order)
    shares = [np.mean((order <= cut) == is_a) for cut in cuts]
    return max(*shares, *(1 - np.array(shares)))


@pytest.mark.parametrize("pair", [("MoveLeft", "MoveRight"), ("MoveUp", "MoveDown")])
@pytest.mark.parametrize("when", [0, 15, 31])
def test_one_frame_does_not_tell_the_direction(pair, when):
    first, second = (clips(name, 200)[:, when] for name in pair)
    for feature in (
        lambda frames: object_place(frames)[:, 0],
        lambda frames: object_place(frames)[:, 1],
        lambda frames: frames.mean((1, 2, 3)),
        lambda frames: frames[:, :, : frames.shape[2] // 2].mean((1, 2, 3)),
    ):
        assert best_threshold(feature(first), feature(second)) < 0.62


def test_two_frames_tell_the_direction():
    steps = {}
    for name in ("MoveLeft", "MoveRight"):
        frames = clips(name, 60)
        places = [object_place(frames[:, when])[:, 0] for when in (13, 17)]
        steps[name] = np.angle(np.exp(1j * (places[1] - places[0])))
    assert np.mean(steps["MoveLeft"] < 0) > 0.8
    assert np.mean(steps["MoveRight"] > 0) > 0.8


@pytest.mark.parametrize("name", ["SignalsEqual", "SignalsDiffer"])
def test_signals_need_both_ends(name):
    from snl_video.data.synthetic.motion_scenes import SIGNAL_COLOURS

    frames = clips(name, 40).astype(float)
    seen = []
    for when in (0, -1):
        hits = [
            (np.abs(frames[:, when] - colour).sum(-1) < 2).sum((1, 2)) for colour in SIGNAL_COLOURS
        ]
        seen.append(np.argmax(hits, axis=0))
    assert ((seen[0] == seen[1]) == (name == "SignalsEqual")).all()
    assert min(Counter(seen[0].tolist()).values()) > 8
    middle = frames[:, 16]
    assert all((np.abs(middle - colour).sum(-1) < 2).sum() < 200 for colour in SIGNAL_COLOURS)
