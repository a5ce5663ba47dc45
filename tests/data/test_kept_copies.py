"""Copies of videos at addresses: fetched once, shared, whole."""

from pathlib import Path

import pytest
import torch

from snl_video.data import ClipSettings, CropSettings, DecodingSettings, VideoDataModule
from snl_video.data.file_parts import Part
from snl_video.data.kept_copies import kept_copy
from snl_video.data.loaders import LoaderSettings
from snl_video.data.sharding.write_shards import ShardWriter
from snl_video.errors import StaleIndexError, VideoError
from tests.data.faulty_server import FolderServer
from tests.data.sharded import listed, write_source


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    source = write_source(tmp_path_factory.mktemp("source"))
    root = tmp_path_factory.mktemp("out")
    ShardWriter(str(root / "train"), listed(source, "good.csv")).write()
    return root


def data_of(root, cache, workers=0):
    return VideoDataModule(
        "shards",
        root,
        clip=ClipSettings(4, 2),
        crop=CropSettings(16, short_side=16),
        loader=LoaderSettings(batch_size=2, num_workers=workers),
        decoding=DecodingSettings(cache=None if cache is None else str(cache)),
    )


def clips(data):
    return torch.cat([batch["clips"] for batch in data.train_dataloader()])


def test_each_video_is_fetched_once_for_all_processes_and_runs(shards, tmp_path):
    with FolderServer(shards) as server:
        want = clips(data_of(server.url, None))
        server.asked.clear()
        assert torch.equal(clips(data_of(server.url, tmp_path, workers=2)), want)
        assert len(server.asked) == len(set(server.asked)) == 6
        data = data_of(server.url, tmp_path)
        data.video_list("train")
        server.faults = [500] * 100
        assert torch.equal(clips(data), want)
        assert len(server.asked) == 6


def test_a_local_file_is_its_own_copy(tmp_path):
    assert kept_copy("videos/a.mp4", tmp_path / "cache") == "videos/a.mp4"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("faults", [["cut"] * 3, [500] * 3])
def test_what_arrives_in_part_is_not_kept(shards, tmp_path, faults):
    size = (shards / "train/000000.tar").stat().st_size
    with FolderServer(shards, *faults) as server:
        part = Part(f"{server.url}/train/000000.tar", "all.bin", 0, size).address
        with pytest.raises(VideoError, match=r"all.bin.*cannot be read"):
            kept_copy(part, tmp_path)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        copy = kept_copy(part, tmp_path)
    assert Path(copy).read_bytes() == (shards / "train/000000.tar").read_bytes()


def test_a_part_beyond_the_end_of_its_file_is_not_kept(shards, tmp_path, monkeypatch):
    monkeypatch.setattr("snl_video.data.addresses.WHOLE", 10)
    part = Part(f"file://{shards}/train/000000.tar", "a.mp4", 512, 10_000_000).address
    with pytest.raises(VideoError, match="bytes of 10000000 arrived"):
        kept_copy(part, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_copy_that_is_not_what_was_indexed_is_refused(shards, tmp_path):
    data = data_of(str(shards), tmp_path)
    dataset = data.train_dataloader().dataset
    dataset[0]
    (copy,) = (path for path in tmp_path.rglob("*") if path.is_file())
    copy.write_bytes(copy.read_bytes() + b"more")
    with pytest.raises(StaleIndexError, match="changed after it was indexed"):
        dataset[0]
