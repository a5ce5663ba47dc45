"""Segments of long videos: a clip, its views and its prediction are of the segment alone."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from snl_video.data import VideoDataModule, VideoList, VideoRecord, open_video
from snl_video.data.clips import ClipSettings
from snl_video.data.datasets import EvalVideos, TrainVideos
from snl_video.data.formats.csv_list import read_csv
from snl_video.data.overlap import find_overlap
from snl_video.data.segments import Segment
from snl_video.data.transforms.crops import EvalTransform
from snl_video.data.video_list import RecordTable
from snl_video.errors import AnnotationError, VideoError
from tests.data.files import touch, write
from tests.docs.pages import ROOT, blocks_of
from tests.videos import read_numbers, write_video

FPS = 25


class Whole:
    """Crops nothing, so that the frames still show their numbers."""

    num_crops, crop_size = 1, 64

    def __call__(self, frames, generator):
        return frames.transpose(0, 1)

    def scale(self, frames):
        return frames

    def cut(self, frames, places):
        return frames[places].transpose(1, 2)[:, None]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("v") / "long.mp4", 200, fps=FPS)


def frames_in(start, end, unit):
    """By definition: every frame of the video is asked whether it lies in the segment."""
    if unit == "frames":
        return [k for k in range(200) if start <= k < end]
    return [k for k in range(200) if start - 1e-9 <= k / FPS < end - 1e-9]


SEGMENTS = [
    (1.0, 3.0, "seconds"),
    (0.0, 0.2, "seconds"),
    (0.12, 0.28, "seconds"),  # 0.28 * 25 is a little over 7 as a float
    (5.01, 7.99, "seconds"),
    (7.5, 9.0, "seconds"),  # over the end
    (10, 12, "frames"),
    (150, 200, "frames"),
    (199, 300, "frames"),
]


@pytest.mark.parametrize(("start", "end", "unit"), SEGMENTS)
def test_clips_are_drawn_inside_only(video, start, end, unit):
    inside = frames_in(start, end, unit)
    segment = Segment(start, end, unit)
    assert list(segment.frames(open_video(video))) == inside
    videos = VideoList([VideoRecord(str(video), 0, "x", segment=segment)], ["a"])
    clip = ClipSettings(3, 2)
    train = TrainVideos(videos, clip, Whole())
    starts = set()
    for epoch in range(12):
        numbers = read_numbers(train[(epoch, 0)]["clips"][0].permute(1, 2, 3, 0))
        last = inside[-1]
        assert numbers == [min(numbers[0] + step, last) for step in (0, 2, 4)]
        assert set(numbers) <= set(inside)
        starts.add(numbers[0])
    assert len(starts) > (4 if len(inside) > 20 else 0)
    views = EvalVideos(videos, clip, Whole(), 3)[0]["clips"]
    slack = max(len(inside) - clip.span, 0)
    expected = [
        [inside[min(round(k * slack / 2) + s, len(inside) - 1)] for s in (0, 2, 4)]
        for k in range(3)
    ]
    assert [read_numbers(view.permute(1, 2, 3, 0)) for view in views] == expected


def test_a_segment_shorter_than_a_frame_is_one_frame(video):
    assert list(Segment(1.001, 1.002).frames(open_video(video))) == [26]


def test_a_segment_after_the_end_is_named(video):
    for segment in (Segment(8.0, 9.0), Segment(200, 201, "frames")):
        with pytest.raises(VideoError, match=f"the segment {segment} starts after .* 200 fr"):
            segment.frames(open_video(video))


def test_indices_stay_in_the_segment(video):
    data = EvalVideos(
        VideoList([VideoRecord(str(video), 0, "x", segment=Segment(1, 2))], ["a"]),
        ClipSettings(3, 1),
        EvalTransform(32, 32, 1),
        1,
    )
    opened = data.open(0)
    assert opened.num_frames == 25
    assert read_numbers(opened.get_frames([0, 24])) == [25, 49]
    for bad in ([25], [-1]):
        with pytest.raises(IndexError, match=r"outside 0\.\.24"):
            opened.get_frames(bad)


def csv(folder: Path, text: str) -> VideoList:
    return read_csv(write(folder / "list.csv", text), folder)


def test_columns_of_a_list(tmp_path):
    touch(tmp_path, "P01/long, 1.mp4", "b.mp4")
    by_seconds = csv(
        tmp_path,
        'label,Path,start_seconds,end_seconds\nopen,"P01/long, 1.mp4",0.14,3.37\ncut,b.mp4,5,6\n',
    )
    assert by_seconds.classes == ["cut", "open"]
    assert [(r.id, r.label, r.segment) for r in by_seconds.records] == [
        ("P01/long, 1.mp4#0.14-3.37s", 1, Segment(0.14, 3.37)),
        ("b.mp4#5-6s", 0, Segment(5, 6)),
    ]
    by_frame = csv(tmp_path, "id;video;label;start_frame;end_frame\nn_0;b.mp4;0;8;202\n")
    assert [(r.id, r.segment) for r in by_frame.records] == [("n_0", Segment(8, 202, "frames"))]
    assert csv(tmp_path, "path\tlabel\tid\nb.mp4\tcut\tmine\n").records[0].id == "mine"
    assert by_seconds.sha256() != by_frame.sha256()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("path,label,start_second,end_seconds\n", "unknown column 'start_second'.*'start_seconds'"),
        ("path,label,start_seconds\n", "needs both start_seconds and end_seconds, or both start_f"),
        ("path,label,start_seconds,end_frame\n", "needs both"),
        ("path,label,label\n", "a column is there twice"),
        (
            "path,label,start_frame,end_frame\nb.mp4,x,5,5\n",
            "line 2: .* start < end, got '5'",
        ),
        ("path,label,start_frame,end_frame\nb.mp4,x,-1,5\n", "0 <= start < end"),
        ("path,label,start_frame,end_frame\nb.mp4,x,a,5\n", "got 'a' and '5'"),
        ("path,label,start_frame,end_frame\nb.mp4,x,1,nan\n", "0 <= start < end"),
        ("path,label,start_frame,end_frame\nb.mp4,x,1\n", "3 cells for 4 columns; quote a cell"),
        ("path,label,id\nb.mp4,x,1\nb.mp4,x,1\n", "the id '1' is there 2 times"),
        ("path,label,id\nb.mp4,,1\n", "line 2: no label"),
    ],
)
def test_bad_columns_and_cells(tmp_path, text, match):
    touch(tmp_path, "b.mp4")
    with pytest.raises(AnnotationError, match=match):
        csv(tmp_path, text)


def test_records_of_any_kind_come_back_from_the_table():
    found = [
        VideoRecord("/v/a.mp4", 0, "a"),
        VideoRecord("/v/a.mp4", 1, "a#1-2s", segment=Segment(1, 2)),
        VideoRecord("/v/a.mp4", -1, "b", (0, 3), Segment(1, 2, "frames")),
        VideoRecord("/v/b.mp4", -1, "c", ()),
        VideoRecord("/v/b.mp4", -1, "d", (2,)),
    ]
    table = RecordTable(found)
    assert list(table) == found
    assert (table[-1], table[-2]) == (found[-1], found[-2])
    assert table.nbytes > RecordTable(found[:1]).nbytes * 5


def part(start, end, name, unit="seconds", file="a"):
    segment = None if start is None else Segment(start, end, unit)
    return VideoRecord(f"/v/{file}.mp4", 0, name, segment=segment)


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (part(2, 3, "c"), False),
        (part(1, 2, "c"), True),
        (part(1.9, 2.5, "c"), True),
        (part(0.2, 0.3, "c"), True),
        (part(0, 9, "c"), True),
        (part(None, None, "c"), True),
        (part(70, 80, "c", "frames"), True),  # nothing tells where that is in seconds
        (part(1, 2, "c", file="b"), False),
    ],
)
def test_segments_with_a_common_moment_are_shared(other, shared):
    train = VideoList([part(0, 1, "a"), part(1, 2, "b")], ["x"])
    found = find_overlap({"train": train, "test": VideoList([other], ["x"])})
    assert found == ({"train and test": ["c"]} if shared else {})


def test_equal_segments_are_twice_in_a_list_and_others_are_not():
    twice = VideoList([part(0, 1, "a"), part(0, 1, "b"), part(0, 2, "c")], ["x"])
    assert find_overlap({"test": twice}) == {"twice in test": ["a"]}


def test_predictions_are_keyed_by_segment(tmp_path, video):
    from snl_video.commands.video_cli import VideoCLI
    from tests.cli.tiny_run import QUIET

    text = "id,path,label,start_frame,end_frame\none,long.mp4,a,0,20\ntwo,long.mp4,b,100,130\n"
    write(tmp_path / "list.csv", text)
    lists = [f"--data.lists.{name}={tmp_path / 'list.csv'}" for name in ("train", "val")]
    options = [
        *(f"--run_dir={tmp_path / 'run'}", "--data.format=csv", f"--data.root={video.parent}"),
        *("--data.clip.num_frames=2", "--data.crop.size=32", "--data.crop.short_side=32"),
        *("--data.loader.num_workers=0", "--data.views.num_clips=1", "--data.views.num_crops=1"),
        *lists,
    ]
    VideoCLI(["fit", *options, "--model.width=8", "--trainer.max_epochs=1", *QUIET])
    VideoCLI(["predict", *options, *QUIET])
    rows = json.loads((tmp_path / "run" / "predictions.json").read_text())
    assert [(row["path"], row["id"]) for row in rows] == [(str(video), "one"), (str(video), "two")]
    assert rows[0]["top"] != rows[1]["top"]
    VideoCLI(["test", *options, *QUIET])
    page = (tmp_path / "run" / "report" / "report.html").read_text()
    assert "no frames" not in page


def test_the_index_serves_every_segment_of_a_file(tmp_path, video):
    from snl_video.data.manifest import NAME
    from snl_video.data.manifest.scan import scan

    write(tmp_path / "l.csv", "path,label,start_frame,end_frame\nlong.mp4,a,0,9\nlong.mp4,b,9,99\n")
    index = tmp_path / NAME
    scan([str(video)], video.parent, index)
    data = VideoDataModule(
        "csv",
        str(video.parent),
        lists={name: str(tmp_path / "l.csv") for name in ("train", "val")},
        decoding={"index": str(index)},
        clip={"num_frames": 2, "interval": 1},
        crop={"size": 32, "short_side": 32},
        loader={"num_workers": 0},
    )
    data.setup("validate")
    dataset = data.val_dataloader().dataset
    assert len(dataset.index) == 2
    assert [dataset.open(i).num_frames for i in range(2)] == [9, 90]
    assert torch.is_tensor(dataset[1]["clips"])
    assert np.all(data.video_list("val").labels == [0, 1])


EPIC = """\
narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,start_frame,\
stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes
P01_01_0,P01,P01_01,00:00:01.089,00:00:00.14,00:00:03.37,8,202,open door,open,3,door,3,['door'],[3]
P01_01_1,P01,P01_01,00:00:02.629,00:01:04.37,01:00:06.17,262,370,turn on light,turn-on,6,light,\
114,['light'],[114]
"""


def test_the_lists_of_epic_kitchens_by_the_lines_of_the_docs(tmp_path):
    (code,) = blocks_of(ROOT / "docs/howto/datasets.md", "python")
    names: dict = {}
    exec(compile(code, "an example", "exec"), names)
    official = write(tmp_path / "EPIC_100_train.csv", EPIC)
    names["convert"](official, tmp_path / "ours.csv")
    touch(tmp_path, "P01/P01_01.MP4")
    found = read_csv(tmp_path / "ours.csv", tmp_path)
    assert [(r.id, r.label, r.segment) for r in found.records] == [
        ("P01_01_0", 3, Segment(0.14, 3.37)),
        ("P01_01_1", 6, Segment(64.37, 3606.17)),
    ]
