"""Sets of shards as a data set: training on them is training on the list."""

import gc

import fsspec
import pyarrow as pa
import pytest
import torch

from snl_video.data import ClipSettings, CropSettings, LoaderSettings, VideoDataModule
from snl_video.data.addresses import join
from snl_video.data.decoding import open_video
from snl_video.data.file_parts import part_of
from snl_video.data.formats import ListSettings, Shards, SomethingSomething
from snl_video.data.sharding.shard_index import NAME, ShardIndex
from snl_video.data.sharding.write_shards import ShardSize, ShardWriter
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import AnnotationError, VideoError
from tests.data.faulty_server import FolderServer
from tests.data.sharded import NAMES, listed, write_source

CLIP, CROP = ClipSettings(4, 2), CropSettings(16, short_side=16)
TWO = ShardSize(videos=2)
SKIP, WRONG = ListSettings(missing="skip"), ListSettings(missing="wrong")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_source(tmp_path_factory.mktemp("source"))


@pytest.fixture(params=["folder", "memory"])
def root(request, tmp_path):
    if request.param == "folder":
        yield str(tmp_path / "out")
        return
    yield f"memory://{tmp_path.name}/out"
    files, folder = fsspec.url_to_fs(f"memory://{tmp_path.name}")
    files.rm(folder, recursive=True)


def write(root, videos, subset="train", **options):
    return ShardWriter(join(root, subset), videos, TWO, **options).write()


def batches(format, root, workers, lists=ListSettings()):
    """Keys, labels and clips of the batches of two epochs, in their order."""
    loader = LoaderSettings(batch_size=2, num_workers=workers)
    data = VideoDataModule(
        format, str(root), seed=3, lists=lists, clip=CLIP, crop=CROP, loader=loader
    )
    loaded = data.train_dataloader()
    found = []
    for epoch in range(2):
        loaded.sampler.set_epoch(epoch)
        found += [tuple(map(batch.get, ("epoch", "index", "label", "clips"))) for batch in loaded]
    del loaded
    gc.collect()  # ends its processes
    return found


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_training_is_that_of_the_list_whatever_the_workers(root, source, workers):
    write(root, listed(source, "good.csv"))
    want = batches("csv", source, 0, ListSettings(train=str(source / "good.csv")))
    got = batches("shards", root, workers)
    assert len(got) == len(want) == 6
    for mine, theirs in zip(got, want, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))
    orders = [torch.cat([index for _, index, *_ in want[half]]) for half in (slice(3), slice(3, 6))]
    assert not torch.equal(*orders)


def test_no_video_is_opened_to_learn_its_length(root, source, monkeypatch):
    write(root, listed(source, "good.csv"))

    def refuse(*_):
        raise AssertionError("a file was looked at to learn what the index says")

    monkeypatch.setattr("snl_video.data.decoding.backends.check_file", refuse)
    assert len(batches("shards", root, 0)) == 6


def test_a_video_that_was_left_out_counts_as_absent(root, source):
    index = write(root, listed(source))
    ((name, why),) = index.left_out()
    assert name == "broken.mp4"
    assert why.startswith("no video stream can be decoded")
    with pytest.raises(AnnotationError, match=r"1 of 7 .* \(broken.mp4\); .*column error says why"):
        Shards(root).read("train")
    with pytest.warns(UserWarning, match="1 of 7 listed videos are absent"):
        videos = Shards(root, lists=SKIP).read("train")
    assert [record.id for record in videos.records] == [n for n in NAMES if n != "broken.mp4"]
    with pytest.warns(UserWarning, match="counts them as wrong"):
        videos = Shards(root, lists=WRONG).read("train")
    assert [record.id for record in videos.records if not record.path] == ["broken.mp4"]
    assert videos.sha256() == listed(source).sha256()


def test_validation_and_test_stand_in_for_each_other_by_the_names_of_classes(root, source):
    videos = listed(source, "good.csv")
    write(root, videos)
    turned = [VideoRecord(r.path, 1 - r.label, r.id) for r in videos.records]
    write(root, VideoList(turned, ["run", "jump"]), "test")
    data = Shards(root)
    assert data.classes == ["jump", "run"]
    assert data.read("val").labels.tolist() == data.read("train").labels.tolist()
    assert data.read("val").records[0].path.startswith(f"{data.folder}/test/000000.tar#")
    write(root, VideoList(turned, ["run", "other"]), "val")
    with pytest.raises(AnnotationError, match=r"val/index.parquet: unknown class 'other'"):
        Shards(root).read("val")


def test_several_labels_a_video(root, source):
    labels = [(), (0, 2), (1,)]
    records = [
        VideoRecord(str(source / "a.mp4"), -1, f"v{n}", some) for n, some in enumerate(labels)
    ]
    write(root, VideoList(records, ["a", "b", "c"]))
    assert [record.labels for record in Shards(root).read("train").records] == labels


def test_the_mirror_of_a_format_is_kept(root, source):
    write(root, listed(source, "good.csv"), flip=SomethingSomething.flip)
    assert VideoDataModule("shards", root).augmentation.spec.flip == 0
    assert VideoDataModule("shards", join(root, "none")).augmentation.spec.flip == 0.5


def damage(path, kind):
    content = path.read_bytes()
    if kind == "absent":
        path.unlink()
    elif kind == "cut short":
        path.write_bytes(content[: -len(content) // 2])
    else:
        path.write_bytes(b"id,label\n")


@pytest.mark.parametrize(
    ("file", "kind", "told"),
    [
        (NAME, "absent", r"has no train/index.parquet; write shards with snl-video shard"),
        (NAME, "no Parquet", r"index.parquet is damaged, or no index of shards .*; copy it again"),
        (NAME, "cut short", "index.parquet is damaged"),
        ("000001.tar", "absent", r"1 of 3 shards are absent \(000001.tar\); copy them again"),
        ("000002.tar", "cut short", r"1 of 3 shards are cut short \(000002.tar has \d+ bytes of"),
    ],
)
def test_a_damaged_set_is_named_before_training(tmp_path, source, file, kind, told):
    write(str(tmp_path), listed(source, "good.csv"))
    damage(tmp_path / "train" / file, kind)
    with pytest.raises(AnnotationError, match=told):
        Shards(tmp_path).read("train")


def test_a_flipped_bit_of_an_index_never_gives_other_rows(tmp_path, source):
    """What Parquet doesn't use may be anything; all that is read is checked or has a checksum."""
    index = write(str(tmp_path), listed(source, "good.csv"))
    content = (tmp_path / "train" / NAME).read_bytes()
    refused = 0
    for place in range(3, len(content), 11):
        bent = content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :]
        try:
            found = ShardIndex.read(pa.BufferReader(bent), NAME)
        except AnnotationError:
            refused += 1
        else:
            assert found.table.equals(index.table)
    assert refused > 100


def test_a_shard_that_vanishes_later_is_named(tmp_path, source):
    write(str(tmp_path), listed(source, "good.csv"))
    data = VideoDataModule("shards", str(tmp_path), clip=CLIP, crop=CROP)
    videos = data.train_dataloader().dataset
    (tmp_path / "train/000001.tar").unlink()
    assert videos[0]["replaced"] == 0
    with pytest.raises(VideoError, match=r"000001.tar#000000002.mp4@\d+\+\d+: no such file"):
        videos.open(2)


def test_an_index_of_another_tool_is_refused(tmp_path, source):
    from snl_video.data.manifest.scan import scan

    (tmp_path / "train").mkdir()
    scan([str(source / "a.mp4")], source, tmp_path / "train" / NAME)
    with pytest.raises(AnnotationError, match="is damaged, or no index of shards"):
        Shards(tmp_path).read("train")


def request_of(record):
    part = part_of(record.path)
    name = part.file.rpartition("/")[2]
    return f"/train/{name}", f"bytes={part.offset}-{part.offset + part.size - 1}"


@pytest.mark.parametrize(
    ("faults", "asked"), [((), 1), ((500,), 2), (("cut", 503), 3), (("slow",), 1)]
)
def test_a_web_server_that_fails_is_asked_again_for_the_range_of_the_video(
    tmp_path, source, faults, asked
):
    write(str(tmp_path), listed(source, "good.csv"))
    with FolderServer(tmp_path, *faults) as server:
        records = Shards(server.url).read("train").records
        server.asked.clear()
        video = open_video(records[2].path)
        got = video.get_frames(range(video.num_frames))
    assert torch.equal(got, open_video(source / "c.d.mp4").get_frames(range(14)))
    assert server.asked == [request_of(records[2])] * asked


def test_a_web_server_that_goes_on_failing_or_never_answers_is_named(tmp_path, source):
    write(str(tmp_path), listed(source, "good.csv"))
    with FolderServer(tmp_path) as server:
        path = Shards(server.url).read("train").records[2].path
        server.faults = ["drop"] * 9  # the client asks again by itself too
        with pytest.raises(VideoError, match=r"000001.tar#000000002.mp4.*cannot be read .*Server"):
            open_video(path)
        server.faults = ["stall"] * 3
        with pytest.raises(VideoError, match="its decoder did not answer within 1 s"):
            open_video(path, timeout=1)
