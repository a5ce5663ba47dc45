"""Shards are written once, whole, and the same whenever the writer is killed."""

import json
import multiprocessing
import os
import shutil
import signal

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from snl_video.data.file_parts import Part
from snl_video.data.segments import Segment
from snl_video.data.sharding import looked_at
from snl_video.data.sharding.shard_index import NAME
from snl_video.data.sharding.write_shards import ShardSize, ShardWriter
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import InputError
from tests.data.faulty_server import FolderServer
from tests.data.frame_folders import write_frames
from tests.data.sharded import NAMES, contents, listed, samples_of, write_source

TWO = ShardSize(videos=2)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """A set that nothing disturbed: shards of two, one, two and one videos."""
    folder = tmp_path_factory.mktemp("whole") / "train"
    ShardWriter(str(folder), listed(source), TWO).write()
    return folder


def test_webdataset_finds_a_sample_a_video_with_its_class(whole, source):
    shards = [whole / f"{number:06d}.tar" for number in range(4)]
    found = [samples_of(shard.read_bytes()) for shard in shards]
    assert [len(samples) for samples in found] == [2, 1, 2, 1]
    samples = [sample for some in found for sample in some]
    told = [json.loads(sample["json"]) for sample in samples]
    assert [row["id"] for row in told] == [name for name in NAMES if name != "broken.mp4"]
    assert told[1] == {
        **{"id": "b.avi", "label": 1, "class": "run", "codec": "mpeg4", "frames": 13},
        **{"fps": 25.0, "width": 64, "height": 48, "seconds": 13 / 25},
    }
    for sample, row in zip(samples, told, strict=True):
        (suffix,) = sample.keys() - {"json"}
        assert suffix == row["id"].rpartition(".")[2]
        assert sample[suffix] == (source / row["id"]).read_bytes()


def test_webdataset_itself_reads_a_shard(whole):
    wds = pytest.importorskip("webdataset", reason="needs webdataset, whose pairing it compares")
    samples = list(wds.WebDataset(str(whole / "000000.tar"), shardshuffle=False))
    mine = samples_of((whole / "000000.tar").read_bytes())
    assert [{k: v for k, v in s.items() if not k.startswith("__")} for s in samples] == mine


def test_the_index_says_what_lies_where(whole, source):
    rows = pq.read_table(whole / NAME).to_pylist()
    assert [row["id"] for row in rows] == NAMES
    assert [row["label"] for row in rows] == [0, 1, 1, 0, 1, 1, 0]
    for row in rows:
        content = (source / row["id"]).read_bytes()
        if row["id"] == "broken.mp4":
            assert (row["shard"], row["offset"], row["frames"]) == (None, None, None)
            assert row["error"].startswith("no video stream can be decoded")
            continue
        shard = (whole / row["shard"]).read_bytes()
        assert shard[row["offset"] :][: row["bytes"]] == content
        assert row["bytes"] == len(content)
        assert row["frames"] == 12 + NAMES.index(row["id"])
        assert (row["height"], row["width"], row["fps"], row["error"]) == (48, 64, 25, None)


def some_of(source):
    """Four videos, the second of them broken: two shards of two."""
    videos = listed(source)
    return VideoList([videos.records[number] for number in (0, 3, 1, 2)], videos.classes)


def killed_at(step, folder, videos):
    """Write a set in a process that is killed at its n-th step; False if it has less."""

    def stepped(original):
        def call(*arguments, **options):
            nonlocal step
            step -= 1
            if step == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        return call

    def write():
        os.replace, os.remove = stepped(os.replace), stepped(os.remove)
        ShardWriter(str(folder), videos, TWO).write(stepped(lambda count: None))

    process = multiprocessing.get_context("fork").Process(target=write)
    process.start()
    process.join()
    return process.exitcode == -signal.SIGKILL


def test_a_killed_writer_goes_on_and_ends_with_the_same_bytes(source, tmp_path):
    """It is killed in every video, and before each file takes its place or goes."""
    videos = some_of(source)
    folder = tmp_path / "0"
    ShardWriter(str(folder), videos, TWO).write()
    want = {path.name: path.read_bytes() for path in folder.iterdir()}
    step = 1
    while killed_at(step, folder := tmp_path / f"{step}", videos):
        names = {path.name for path in folder.glob("*.parquet")}
        rows = {"000000.parquet", "000001.parquet"}
        finished = [
            folder / f"{name[:6]}.tar" for name in (rows if NAME in names else rows & names)
        ]
        before = [path.stat() for path in finished]
        ShardWriter(str(folder), videos, TWO).write()
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == want
        for path, was in zip(finished, before, strict=True):
            assert (path.stat().st_ino, path.stat().st_mtime_ns) == (was.st_ino, was.st_mtime_ns)
        step += 1
    assert step > 12


@pytest.mark.parametrize(
    ("size", "videos_of_shards"),
    [(ShardSize(videos=100), [6]), (ShardSize(megabytes=0.006), [2, 2, 2])],
)
def test_a_shard_is_full_by_megabytes_or_videos(source, tmp_path, size, videos_of_shards):
    """A video and its .json take 4 to 5 KB here, one that is left out nothing."""
    ShardWriter(str(tmp_path), listed(source), size).write()
    shards = sorted(tmp_path.glob("*.tar"))
    assert [len(samples_of(shard.read_bytes())) for shard in shards] == videos_of_shards


def test_at_an_address_the_set_is_the_same(whole, source, tmp_path):
    """Videos and shards at addresses: of a bucket, and those inside other shards."""
    root = f"memory://{tmp_path.name}"
    files, folder = fsspec.url_to_fs(root)
    files.put(f"{source}/", f"{folder}/videos/", recursive=True)
    videos = listed(source)
    moved = [VideoRecord(f"{root}/videos/{r.id}", r.label, r.id) for r in videos.records]
    moved[4] = VideoRecord(part_at(whole, moved[4].id), moved[4].label, moved[4].id)
    ShardWriter(f"{root}/out", VideoList(moved, videos.classes), TWO).write()
    got, want = contents(f"{root}/out"), contents(str(whole))
    files.rm(folder, recursive=True)
    bad = got.pop(NAME), want.pop(NAME)
    assert got == want
    first, second = (pq.read_table(pa.BufferReader(index)).to_pylist() for index in bad)
    assert first[3].pop("error") == second[3].pop("error").replace(f"{source}/", f"{root}/videos/")
    assert first == second


def part_at(folder, name):
    row = next(row for row in pq.read_table(folder / NAME).to_pylist() if row["id"] == name)
    return Part(
        f"file://{folder / row['shard']}", row["member"], row["offset"], row["bytes"]
    ).address


def test_an_absent_video_is_left_out_and_a_server_that_fails_stops_it(source, tmp_path):
    with FolderServer(source) as server:
        paths = {"absent": f"{server.url}/h.mp4", "nowhere": "", "there": f"{server.url}/a.mp4"}
        videos = VideoList([VideoRecord(path, 0, name) for name, path in paths.items()], ["a"])
        left_out = ShardWriter(str(tmp_path / "one"), videos, TWO, workers=1).write().left_out()
        assert left_out == [
            ("absent", "no such file at this address; check it, or the list that names it"),
            ("nowhere", "is in the list and not there"),
        ]
        server.faults = [500] * 3
        videos = VideoList([VideoRecord(f"{server.url}/f.mp4", 0, "f")], ["a"])
        with pytest.raises(InputError, match=r"f.mp4: cannot be read .*500.*, and call the same"):
            ShardWriter(str(tmp_path / "two"), videos, TWO, workers=1).write()
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["_plan.json"]


@pytest.mark.parametrize("change", ["list", "videos_in_a_shard", "classes"])
def test_a_set_of_something_else_is_refused(source, tmp_path, change):
    videos = some_of(source)
    ShardWriter(str(tmp_path), videos, TWO).write()
    size = ShardSize(videos=3) if change == "videos_in_a_shard" else TWO
    if change == "list":
        videos = VideoList(videos.records[:3], videos.classes)
    elif change == "classes":
        videos = VideoList(videos.records, ["x", "y"])
    with pytest.raises(InputError, match=rf"begun with other settings \(.*{change}.* was"):
        ShardWriter(str(tmp_path), videos, size).write()


def test_what_shards_cannot_hold_is_refused(source, tmp_path):
    whole = VideoRecord(str(source / "a.mp4"), 0, "a", segment=Segment(0, 1))
    with pytest.raises(InputError, match="the list has segments of videos"):
        ShardWriter(str(tmp_path / "one"), VideoList([whole], ["a"])).write()
    frames = VideoRecord(str(write_frames(tmp_path / "frames", 4)), 0, "frames")
    with pytest.raises(InputError, match="frames is a folder or archive of frames"):
        ShardWriter(str(tmp_path / "two"), VideoList([frames], ["a"])).write()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").touch()
    with pytest.raises(InputError, match="is not empty, and holds no shards"):
        ShardWriter(str(tmp_path / "full"), some_of(source)).write()
    with pytest.raises(InputError, match="a shard needs room for a video"):
        ShardSize(megabytes=0)


def test_a_video_that_changes_meanwhile_stops_it(source, tmp_path, monkeypatch):
    shutil.copy(source / "a.mp4", tmp_path / "a.mp4")
    look = looked_at.Looker.row

    def row(self, name, path):
        found = look(self, name, path)
        with open(path, "ab") as file:
            file.write(b"more")
        return found

    monkeypatch.setattr(looked_at.Looker, "row", row)
    videos = VideoList([VideoRecord(str(tmp_path / "a.mp4"), 0, "a")], ["a"])
    with pytest.raises(InputError, match=r"a.mp4 changed while it was read"):
        ShardWriter(str(tmp_path / "out"), videos).write()
    assert not list((tmp_path / "out").glob("*.tar"))
