"""The index of a data set: written once, gone on with, used without opening, refused when stale."""

import os
import random
import resource
import string
import time

import pyarrow as pa
import pytest
import torch

from snl_video.data import (
    BadVideoSettings,
    ClipSettings,
    CropSettings,
    DecodingSettings,
    LoaderSettings,
    VideoDataModule,
    VideoList,
    VideoRecord,
)
from snl_video.data.decoding import backends
from snl_video.data.manifest import NAME, VideoIndex, read_table, scan, write_table
from snl_video.data.manifest.file_looker import Looker
from snl_video.data.manifest.table import SCHEMA
from snl_video.errors import AnnotationError, StaleIndexError, VideoError
from tests.videos import write_ucf101, write_video

CLIP, CROP = ClipSettings(4, 2), CropSettings(16, short_side=16)


@pytest.fixture
def root(tmp_path):
    return write_ucf101(tmp_path / "ucf", per_class=3, num_frames=12)


def paths_of(root):
    return sorted(str(path) for path in root.rglob("*.mp4"))


def data_of(root, batch_size=8, index=None, **options):
    loader, decoding = LoaderSettings(batch_size, num_workers=0), DecodingSettings(index=index)
    return VideoDataModule(
        "ucf101", str(root), clip=CLIP, crop=CROP, loader=loader, decoding=decoding, **options
    )


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("full", [False, True])
def test_rows(root, tmp_path, suffix, full):
    paths = paths_of(root)
    with open(paths[1], "wb") as file:
        file.write(b"no video, here")
    index = tmp_path / f"index{suffix}"
    table = scan.scan(paths, root, index, full=full)
    assert table.equals(read_table(index))
    rows = table.to_pylist()
    assert [str(root / row["path"]) for row in rows] == paths
    good, bad = rows[0], rows[1]
    assert good["path"] == "videos/Jump/v_Jump_g01_c01.mp4"
    assert (good["bytes"], good["mtime_ns"]) == (
        os.path.getsize(paths[0]),
        os.stat(paths[0]).st_mtime_ns,
    )
    assert (good["codec"], good["frames"], good["decoded"]) == ("h264", 12, 12 if full else None)
    assert (good["height"], good["width"], good["seconds"]) == (48, 64, pytest.approx(12 / 25))
    assert good["seekable"] is True
    assert good["error"] is None
    assert len(good["head_hash"]) == 32
    assert bad["error"].startswith("no video stream")
    assert (bad["frames"], bad["bytes"]) == (None, 14)


def test_an_interrupted_scan_goes_on(root, tmp_path, monkeypatch):
    paths, index = paths_of(root), tmp_path / "i.parquet"

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan.scan(paths, root, index, workers=1, progress=stop)
    assert 2 <= len(read_table(index)) < 6
    looked_at = []
    row = Looker.row
    monkeypatch.setattr(Looker, "row", lambda self, *a: looked_at.append(a[1]) or row(self, *a))
    known = {str(root / name) for name in read_table(index)["path"].to_pylist()}
    assert len(scan.scan(paths, root, index)) == 6
    assert sorted(looked_at) == sorted(set(paths) - known)
    looked_at.clear()
    os.utime(paths[2], ns=(0, 0))
    scan.scan(paths, root, index)
    assert looked_at == [paths[2]]
    scan.scan(paths, root, index, full=True)
    assert sorted(looked_at[1:]) == paths


def test_batches_are_the_same_with_an_index_and_no_file_is_looked_at(root, monkeypatch):
    def batches(**options):
        data = data_of(root, batch_size=2, **options)
        loaders = data.train_dataloader(), data.test_dataloader()
        return [batch["clips"] for loader in loaders for batch in loader]

    for path in paths_of(root)[::2]:  # half of them in a container that has to be looked through
        write_video(path.replace(".mp4", ".avi"), 12, codec="mpeg4")
        os.unlink(path)
    without = batches()
    files = [str(path) for path in root.rglob("*.*") if path.suffix in (".mp4", ".avi")]
    scan.scan(files, root, root / NAME)

    def refuse(*_):
        raise AssertionError("a file was looked at to learn what the index says")

    monkeypatch.setattr(backends, "check_file", refuse)
    monkeypatch.setattr(backends, "look", refuse)
    assert all(torch.equal(a, b) for a, b in zip(without, batches(), strict=True))


@pytest.mark.parametrize("change", ["size", "time"])
@pytest.mark.parametrize("subset", ["train", "test"])
def test_a_changed_file_is_refused(root, change, subset):
    scan.scan(paths_of(root), root, root / NAME)
    data = data_of(root, bad_videos=BadVideoSettings("wrong"))
    loader = getattr(data, f"{subset}_dataloader")()
    path = loader.dataset.videos.records[0].path
    time_ns = os.stat(path).st_mtime_ns
    if change == "size":
        with open(path, "ab") as file:
            file.write(b"more")
        os.utime(path, ns=(time_ns, time_ns))
    else:
        os.utime(path, ns=(time_ns, time_ns + 10_000_000_000))
    with pytest.raises(
        StaleIndexError, match=r"changed after it was indexed.*snl-video check again"
    ):
        loader.dataset[0]
    assert loader.dataset[1]["clips"].any()


def test_a_file_that_was_broken_is_not_opened_again(root):
    paths = paths_of(root)
    with open(paths[1], "wb") as file:
        file.write(b"no video, here")
    scan.scan(paths, root, root / NAME)
    data = data_of(root)
    videos = data.video_list("train")
    number = [record.path for record in videos.records].index(paths[1])
    with pytest.raises(VideoError, match="no video stream"):
        data.lists.index("train", None).known(number, paths[1])
    sample = data.train_dataloader().dataset[number]
    assert sample["replaced"] == 1
    assert "no video stream" in sample["unreadable"]


def test_what_the_index_does_not_have_is_opened(root):
    scan.scan(paths_of(root)[:2], root, root / NAME)
    data = data_of(root)
    assert len(data.lists.index("train", None)) < len(data.video_list("train"))
    assert all(
        sample["clips"].any()
        for sample in map(data.train_dataloader().dataset.__getitem__, range(4))
    )


def test_bad_indices_are_named(root, tmp_path):
    with pytest.raises(AnnotationError, match=r"no index .*nowhere\.parquet.*snl-video check"):
        data_of(root, index=str(tmp_path / "nowhere.parquet")).train_dataloader()
    with pytest.raises(AnnotationError, match=r"ends in \.parquet or \.csv"):
        data_of(root, index=str(tmp_path / "index.txt")).train_dataloader()
    for name in ("a.parquet", "a.csv"):
        (tmp_path / name).write_text("one,two\n1,2\n")
        with pytest.raises(AnnotationError, match="not an index of this version"):
            data_of(root, index=str(tmp_path / name)).train_dataloader()


def test_a_decoder_that_hangs_is_a_broken_file(root, tmp_path, monkeypatch):
    from snl_video.data.decoding import guard

    inspect = guard.inspect

    def hang(path, full):
        if path.endswith("v_Run_g02_c01.mp4"):
            time.sleep(600)
        return inspect(path, full)

    monkeypatch.setattr(guard, "inspect", hang)
    table = scan.scan(paths_of(root), root, tmp_path / "i.parquet", timeout=3)
    errors = {row["path"]: row["error"] for row in table.to_pylist() if row["error"]}
    assert list(errors) == ["videos/Run/v_Run_g02_c01.mp4"]
    assert "did not answer within 3 s;" in errors["videos/Run/v_Run_g02_c01.mp4"]


def test_250_000_entries_are_small_and_quick(tmp_path):
    """Loading costs less than making the list of records, and 30 bytes a video stay."""
    count = 250_000
    rng = random.Random(0)
    names = [
        f"train/class_{i % 400:03d}/{''.join(rng.choices(string.ascii_letters, k=11))}_{i:06d}.mp4"
        for i in range(count)
    ]
    numbers = pa.array(range(count), pa.int64())
    columns = {field.name: pa.nulls(count, field.type) for field in SCHEMA}
    columns |= {"path": pa.array(names), "bytes": numbers, "mtime_ns": numbers, "frames": numbers}
    write_table(pa.table(columns, SCHEMA), tmp_path / "index.parquet")
    start = time.process_time()
    records = [VideoRecord(f"{tmp_path}/{name}", i % 400, name) for i, name in enumerate(names)]
    making = time.process_time() - start
    rng.shuffle(records)
    videos = VideoList(records, [str(i) for i in range(400)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    index = VideoIndex.read(tmp_path / "index.parquet", videos, tmp_path)
    loading = time.process_time() - start
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert len(index) == count
    assert index.nbytes <= 30 * count
    assert peak < 1000 * count
    assert loading < 10 * making + 1, f"{loading:.2f} s against {making:.2f} s for the records"
    number = next(i for i, record in enumerate(records) if record.id == names[1234])
    path = tmp_path / names[1234]
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(1234))
    os.utime(path, ns=(1234, 1234))
    assert index.known(number, str(path)).frames == 1234
