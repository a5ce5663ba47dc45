"""A bucket of a stand-in S3 server: read, listed, written to."""

import itertools
from pathlib import Path

import pytest
import torch
from fsspec.implementations.cached import SimpleCacheFileSystem

from snl_video.cli import main
from snl_video.data import ClipSettings, CropSettings, LoaderSettings, VideoDataModule
from snl_video.data.addresses import names_in
from snl_video.data.decoding import open_video
from snl_video.data.filled_folders import files_in
from snl_video.data.formats import ClassFolders, ListSettings, Shards
from snl_video.data.formats.csv_list import read_csv
from snl_video.data.sharding.write_shards import ShardSize, ShardWriter
from snl_video.errors import AnnotationError, VideoError
from tests.data.faulty_server import Proxy
from tests.data.sharded import contents, listed, write_source
from tests.videos import write_ucf101, write_video

moto = pytest.importorskip("moto.server", reason="needs moto: pip install 'moto[s3,server]'")
s3fs = pytest.importorskip("s3fs", reason="needs s3fs: pip install s3fs")
NUMBERS = itertools.count()
"""Of the buckets, since the stand-in keeps them when it is stopped."""


@pytest.fixture
def server(monkeypatch):
    """The stand-in, behind a server that can be told to fail."""
    behind = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    behind.start()
    with Proxy(*behind.get_host_and_port()) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield proxy
    behind.stop()


@pytest.fixture
def bucket(server, tmp_path):
    for kind in (s3fs.S3FileSystem, SimpleCacheFileSystem):  # of the server before
        kind.clear_instance_cache()
    files = s3fs.S3FileSystem()
    name = f"clips{next(NUMBERS)}"
    files.mkdir(name)
    video = write_video(tmp_path / "a.mp4", num_frames=20)
    files.pipe(f"{name}/videos/a.mp4", Path(video).read_bytes())
    files.pipe(f"{name}/list.csv", b"videos/a.mp4 run\n")
    yield f"s3://{name}"
    s3fs.S3FileSystem.clear_instance_cache()


def test_videos_and_lists_of_a_bucket(bucket, tmp_path):
    (record,) = read_csv(f"{bucket}/list.csv", bucket).records
    assert record.path == f"{bucket}/videos/a.mp4"
    want = open_video(tmp_path / "a.mp4").get_frames(range(20))
    assert torch.equal(open_video(record.path).get_frames(range(20)), want)
    assert torch.equal(open_video(record.path, timeout=60).get_frames(range(20)), want)
    assert torch.equal(open_video(f"simplecache::{record.path}").get_frames(range(20)), want)


def test_predictions_are_written_to_a_bucket(bucket):
    from snl_video.inference.prediction_parts import PredictionParts
    from tests.inference.test_prediction_parts import PATHS, SETTINGS, write

    parts = PredictionParts(f"{bucket}/out", PATHS, size=2)
    for number in parts.begin(SETTINGS):
        write(parts, number)
    assert parts.begin(SETTINGS) == []
    assert len(parts.failures()) == 1
    assert len(names_in(f"{bucket}/out")) == 4


def test_shards_of_a_bucket(bucket, tmp_path):
    """Written in two goes, and read at random; videos at addresses, some behind a local cache."""
    root = f"{bucket}/out/train"
    source = write_source(tmp_path / "source")
    files = s3fs.S3FileSystem()
    files.put(f"{source}/", f"{bucket}/source/", recursive=True)
    videos = read_csv(f"{bucket}/source/good.csv", f"{bucket}/source")
    writer = ShardWriter(root, videos, ShardSize(videos=2))

    counts = iter([0, 1, 1, 1])
    with pytest.raises(StopIteration):
        writer.write(lambda count: next(counts))
    assert files_in(root) == {"_plan.json", "000000.tar", "000000.parquet"}
    before = files.info(f"{root}/000000.tar")["LastModified"]
    assert writer.write().left_out() == []
    files.invalidate_cache()
    assert files.info(f"{root}/000000.tar")["LastModified"] == before
    here = tmp_path / "here"
    ShardWriter(str(here), listed(source, "good.csv"), ShardSize(videos=2)).write()
    assert contents(root) == contents(str(here))
    want = [open_video(source / r.id).get_frames(range(12)) for r in videos.records]
    for prefix in ("", "simplecache::"):
        records = Shards(f"{prefix}{bucket}/out").read("train").records
        order = [4, 0, 5, 2, 1, 3]
        for number in order:
            found = open_video(records[number].path).get_frames(range(12))
            assert torch.equal(found, want[number])
    files.rm(f"{root}/000001.tar")
    with pytest.raises(AnnotationError, match=r"1 of 3 shards are absent \(000001.tar\)"):
        Shards(f"{bucket}/out").read("train")


def test_a_data_set_of_a_bucket_is_checked_and_read(bucket, tmp_path):
    local = write_ucf101(tmp_path / "ucf", per_class=3, num_frames=10)
    root = f"{bucket}/ucf101"
    s3fs.S3FileSystem().put(f"{local}/", f"{root}/", recursive=True)
    assert main(["check", "--format=ucf101", f"--root={root}", "--workers=2"]) == 0
    here, there = VideoDataModule("ucf101", str(local)), VideoDataModule("ucf101", root)
    assert there.video_list("train").sha256() == here.video_list("train").sha256()
    assert len(there.lists.index("train", None)) == 4
    both = (data.train_dataloader().dataset for data in (here, there))
    assert all(torch.equal(a["clips"], b["clips"]) for a, b in zip(*both, strict=True))
    folder = ClassFolders(f"{root}/videos")
    assert folder.classes == ["Jump", "Run"]
    assert folder.read("train").sha256() == ClassFolders(local / "videos").read("train").sha256()
    with pytest.raises(AnnotationError, match=r"data set folder s3://.*/none does not exist"):
        ClassFolders(f"{root}/none").read("train")


@pytest.mark.parametrize(
    ("faults", "asked"), [((500,), 2), ((503, "drop"), 3), (("cut",), 2), (("slow",), 1)]
)
def test_a_bucket_that_fails_is_asked_again(bucket, server, tmp_path, faults, asked):
    source = write_source(tmp_path / "source")
    ShardWriter(f"{bucket}/out/train", listed(source, "good.csv")).write()
    record = Shards(f"{bucket}/out").read("train").records[2]
    for path, want in ((f"{bucket}/videos/a.mp4", "a.mp4"), (record.path, "source/c.d.mp4")):
        server.faults, server.asked = list(faults), []
        got = open_video(path).get_frames(range(14))
        assert torch.equal(got, open_video(tmp_path / want).get_frames(range(14)))
        assert len(server.asked) == asked


def test_a_bucket_that_never_answers_is_named(bucket, server):
    server.faults = ["stall"] * 9
    with pytest.raises(VideoError, match=r"a\.mp4: its decoder did not answer within 2 s"):
        open_video(f"{bucket}/videos/a.mp4", timeout=2)


def test_processes_of_a_loader_read_a_bucket(bucket, tmp_path):
    """After the process that forked them has read from it."""
    source = write_source(tmp_path / "source")
    ShardWriter(f"{bucket}/out/train", listed(source, "good.csv")).write()
    lists = ListSettings(train=str(source / "good.csv"))
    clip, crop = ClipSettings(4, 2), CropSettings(16, short_side=16)
    want = batches(VideoDataModule("csv", str(source), lists=lists, clip=clip, crop=crop))
    loader = LoaderSettings(batch_size=8, num_workers=2, timeout=60)
    data = VideoDataModule("shards", f"{bucket}/out", clip=clip, crop=crop, loader=loader)
    assert torch.equal(batches(data), want)


def batches(data):
    return torch.cat([batch["clips"] for batch in data.train_dataloader()])


def test_a_key_that_is_absent_is_named(bucket):
    with pytest.raises(VideoError, match=r"b\.mp4: no such file at this address"):
        open_video(f"{bucket}/videos/b.mp4")
