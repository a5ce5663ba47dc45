from dataclasses import asdict

import numpy as np
import pytest

from snl_video.data.datamodule import VideoDataModule
from snl_video.data.decoding import open_video
from snl_video.data.formats import UCF101
from snl_video.data.synthetic import relations
from snl_video.data.synthetic.relation_tasks import TASKS
from snl_video.data.synthetic.relations import (
    RelationsSettings,
    clip_frames,
    scene,
    write_relations,
)
from snl_video.errors import InputError
from tests.data.relations_reader import answer, parts_of

LARGE = {"size": 128, "side": 20, "distance": 48, "num_frames": 16, "clips_per_class": 3}
GRADES = [
    {"task": "same_different"},
    {"task": "same_different", "colours": 4, "distractors": 2, "ground": "varied"},
    {"task": "same_different", "colours": 8, "ground": "varied"},
    {"task": "binding", "ground": "varied"},
    {"task": "binding", "colours": 5, "distractors": 1},
    {"task": "odd_one_out", "colours": 3, "ground": "plain"},
    {"task": "odd_one_out", "distractors": 1},
    {"task": "recall", "colours": 2, "ground": "varied"},
    {"task": "recall", "colours": 4, "intra": True},
    {"task": "sequence", "colours": 3},
    {"task": "sequence", "num_frames": 20, "gap": 3, "seed": 3},
    {"task": "order", "colours": 3},
    {"task": "order", "colours": 6, "distractors": 1},
    {"task": "counting", "colours": 2, "distance": 30},
    {"task": "counting", "colours": 8, "distance": 24, "distractors": 1},
]


def name(grade):
    return "-".join(str(value) for value in grade.values())


def decoded(path):
    video = open_video(path)
    return video.get_frames(range(video.num_frames)).numpy()


@pytest.mark.parametrize("grade", GRADES, ids=name)
def test_the_frames_say_the_label(grade, tmp_path):
    settings = RelationsSettings(**{**LARGE, **grade})
    root = write_relations(tmp_path / "set", settings)
    subsets = [UCF101(root).read(subset) for subset in ("train", "test")]
    records = [record for videos in subsets for record in videos.records]
    assert len(records) == 3 * len(settings.classes)
    for record in records:
        parts = parts_of(decoded(record.path), settings.side)
        assert answer(settings.task, parts) == settings.classes[record.label], record.path


@pytest.mark.parametrize("grade", GRADES, ids=name)
def test_parts_are_apart_in_space_and_time(grade):
    settings = RelationsSettings(**{**LARGE, **grade})
    least = settings.num_frames // (2 * len(settings.shown) - 2)
    for index in range(len(settings.classes)):
        parts = parts_of(clip_frames(settings, index), settings.side)
        assert len(parts) == TASKS[settings.task].parts
        assert [list(part) for part in settings.shown] == [frames for frames, _ in parts]
        assert parts[0][0][0] == 0
        assert parts[-1][0][-1] == settings.num_frames - 1
        for number, (frames, things) in enumerate(parts):
            for later, others in parts[number + 1 :]:
                assert later[0] - frames[-1] - 1 >= (settings.gap or least)
                for *_, row, column in things:
                    for *_, other_row, other_column in others:
                        apart = np.hypot(row - other_row, column - other_column)
                        assert apart >= settings.distance


def test_classes_are_balanced_in_every_list(tmp_path):
    settings = RelationsSettings(task="recall", colours=3, clips_per_class=9, num_frames=4)
    root = write_relations(tmp_path / "set", settings)
    tested = []
    for split in (1, 2, 3):
        train, test = (UCF101(root, split).read(subset) for subset in ("train", "test"))
        assert train.class_counts() == dict.fromkeys(["Yellow", "Blue", "Red"], 6)
        assert set(test.class_counts().values()) == {3}
        tested += [record.id for record in test.records]
    assert len(set(tested)) == len(tested) == 27


@pytest.mark.parametrize("intra", [False, True])
def test_the_same_settings_make_the_same_files(tmp_path, intra):
    settings = RelationsSettings(clips_per_class=30, intra=intra)
    first, second = (write_relations(tmp_path / name, settings) for name in ("a", "b"))
    files = [path.relative_to(first) for path in first.rglob("*") if path.is_file()]
    assert len(files) == 60 + 7 + 1
    assert not [f for f in files if (first / f).read_bytes() != (second / f).read_bytes()]


def test_a_clip_depends_on_seed_and_number_only():
    few, many = (RelationsSettings(clips_per_class=n) for n in (3, 300))
    assert np.array_equal(clip_frames(few, 5), clip_frames(many, 5))
    assert not np.array_equal(clip_frames(few, 5), clip_frames(few, 7))
    other = RelationsSettings(clips_per_class=3, seed=1)
    assert not np.array_equal(clip_frames(few, 5), clip_frames(other, 5))


@pytest.mark.parametrize("task", TASKS)
def test_what_a_part_shows_is_as_likely_in_every_class(task):
    """Shape and colour of every part, and colours of the whole clip, by the label."""
    colours = TASKS[task].colours[0]
    settings = RelationsSettings(task=task, colours=colours, size=96, clips_per_class=3)
    clips, classes = 900, len(settings.classes)
    counts = {}
    for index in range(clips * classes):
        things = [item.thing for item in scene(settings, index)]
        seen = {("part", t.part, t.shape, t.colour) for t in things}
        seen |= {("number", c, [t.colour for t in things].count(c)) for c in range(colours)}
        if task in ("same_different", "odd_one_out", "counting"):
            seen = {what for what in seen if what[0] == "part"}
        for what in seen:
            counts.setdefault(what, [0] * classes)[index % classes] += 1
    for what, seen in counts.items():
        share = np.array(seen) / clips
        error = np.sqrt(share.mean() * (1 - share.mean()) / clips)
        assert np.ptp(share) < 5.5 * max(error, 1e-9), (what, share)


def test_only_intra_coding_has_a_key_frame_everywhere(tmp_path):
    import av

    keys = {}
    for intra in (False, True):
        settings = RelationsSettings(clips_per_class=3, intra=intra)
        root = write_relations(tmp_path / str(intra), settings)
        with av.open(UCF101(root).read("train").records[0].path) as container:
            keys[intra] = [packet.is_keyframe for packet in container.demux() if packet.size]
    assert keys[True] == [True] * 16
    assert keys[False] == [True] + [False] * 15


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colours": 1}, "takes 2 to 8 colours, got 1"),
        ({"colours": 9}, "takes 2 to 8 colours, got 9"),
        ({"task": "recall", "colours": 5}, "recall takes 2 to 4 colours, got 5"),
        ({"task": "order", "colours": 2}, "order takes 3 to 8 colours, got 2"),
        ({"clips_per_class": 4}, "multiple of 3, got 4"),
        ({"clips_per_class": 0}, "multiple of 3, got 0"),
        ({"size": 33}, "even, got 33"),
        ({"gap": 0}, "gap 0 leaves no room"),
        ({"gap": 15}, "num_frames 16 with gap 15 leaves no room"),
        ({"task": "sequence", "num_frames": 6}, "for the 4 parts of sequence"),
        ({"distance": 40}, "40 apart .* do not fit into 32 pixels"),
        ({"side": 40}, "do not fit"),
    ],
)
def test_impossible_settings_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        RelationsSettings(**change)


def test_other_content_is_left_alone(tmp_path):
    settings = RelationsSettings(clips_per_class=3, num_frames=4)
    root = write_relations(tmp_path / "set", settings)
    stamps = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    write_relations(root, settings)
    assert stamps == {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    with pytest.raises(FileExistsError, match=r"relations data set .* choose another root"):
        write_relations(root, RelationsSettings(**{**asdict(settings), "seed": 1}))


def test_the_data_module_writes_the_default_task(tmp_path, monkeypatch):
    few = RelationsSettings(clips_per_class=3)
    monkeypatch.setattr(relations, "write_relations", lambda root: write_relations(root, few))
    data = VideoDataModule("relations", str(tmp_path / "set"))
    assert data.classes == ["Same", "Different"]
    data.prepare_data()
    data.prepare_data()
    assert len(data.video_list("train")) == 4


def test_the_data_module_takes_any_task(tmp_path):
    settings = RelationsSettings(task="sequence", clips_per_class=3)
    data = VideoDataModule("relations", str(write_relations(tmp_path / "set", settings)), split=2)
    data.prepare_data()
    assert data.classes == ["Repeated", "Swapped"]
    assert len(data.video_list("test")) == 2
