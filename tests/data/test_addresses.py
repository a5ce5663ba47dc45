"""Lists and videos at addresses: an object store in memory, a zip, and a server that fails."""

import shutil
import zipfile
from pathlib import Path

import fsspec
import pytest
import torch

from snl_video.data.addresses import (
    WHOLE,
    below,
    is_address,
    join,
    names_in,
    open_address,
    split_name,
)
from snl_video.data.decoding import open_video
from snl_video.data.file_parts import Part, part_of
from snl_video.data.formats.csv_list import CsvLists, csv_classes, read_csv
from snl_video.data.formats.data_set_format import ListSettings
from snl_video.data.unlabelled import read_files
from snl_video.errors import AnnotationError, VideoError
from tests.data.faulty_server import FolderServer
from tests.videos import write_video


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("local") / "a.mp4", num_frames=20)


@pytest.fixture
def bucket(local, request):
    """An object store with videos/a.mp4, a broken file, and a list of both."""
    root = f"memory://{request.node.name}"
    files, folder = fsspec.url_to_fs(root)
    content = Path(local).read_bytes()
    files.pipe(
        {
            f"{folder}/videos/a.mp4": content,
            f"{folder}/videos/cut.mp4": content[: len(content) // 2],
            f"{folder}/list.csv": b"videos/a.avi run\nvideos/cut.mp4 jump\n",
        }
    )
    yield root
    files.rm(folder, recursive=True)


@pytest.fixture
def serve(local):
    servers = []

    def start(*faults):
        servers.append(FolderServer(Path(local).parent, *faults))
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


def frames(path):
    video = open_video(path)
    return video.get_frames(range(video.num_frames))


def test_a_video_in_an_object_store_has_the_frames_of_the_file(bucket, local):
    assert torch.equal(frames(f"{bucket}/videos/a.mp4"), frames(local))


def test_a_video_in_a_zip_has_them_too(local, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(local, "videos/a.mp4")
    assert torch.equal(frames(f"zip://videos/a.mp4::{tmp_path}/all.zip"), frames(local))


def test_a_large_file_is_read_in_ranges(bucket, local, monkeypatch):
    monkeypatch.setattr("snl_video.data.addresses.WHOLE", 100)
    monkeypatch.setattr("snl_video.data.addresses._content", None)
    assert WHOLE > 100
    assert torch.equal(frames(f"{bucket}/videos/a.mp4"), frames(local))


def test_a_child_process_reads_addresses_too(serve, local):
    video = open_video(f"{serve().url}/a.mp4", timeout=60)
    assert torch.equal(video.get_frames([0, 19]), frames(local)[[0, 19]])


@pytest.mark.parametrize("faults", [(500,), ("cut",), (503, "cut")])
def test_a_server_that_fails_is_asked_again(serve, local, faults):
    server = serve(*faults)
    assert torch.equal(frames(f"{server.url}/a.mp4"), frames(local))
    assert (
        len(server.asked) == len(faults) + 1
    )  # and the file is fetched once, though opened more often


@pytest.mark.parametrize(
    ("faults", "told"),
    [([404] * 3, "no such file at this address"), ([500] * 9, "cannot be read .*check address")],
)
def test_a_server_that_goes_on_failing_is_named(serve, faults, told):
    server = serve(*faults)
    with pytest.raises(VideoError, match=f"{server.url}/a.mp4.*{told}"):
        open_video(f"{server.url}/a.mp4")
    assert len(server.asked) <= 3


def test_what_is_wrong_with_a_file_is_seen_before_it_is_decoded(bucket):
    with pytest.raises(VideoError, match="truncated"):
        open_video(f"{bucket}/videos/cut.mp4")
    with pytest.raises(VideoError, match="no such file at this address"):
        open_video(f"{bucket}/videos/b.mp4")
    with pytest.raises(VideoError, match="decord reads no addresses"):
        open_video(f"{bucket}/videos/a.mp4", backend="decord")


def test_a_list_and_its_root_may_both_be_addresses(bucket):
    videos = read_csv(f"{bucket}/list.csv", bucket)
    assert [(r.id, r.path, r.label) for r in videos.records] == [
        ("videos/a.avi", f"{bucket}/videos/a.mp4", 1),  # what a list calls .avi may be an .mp4
        ("videos/cut.mp4", f"{bucket}/videos/cut.mp4", 0),
    ]
    lists = ListSettings(train=f"{bucket}/list.csv")
    assert CsvLists(bucket, lists=lists).classes == ["jump", "run"]


def test_lists_of_one_name_in_two_folders_are_two_lists(bucket):
    files, folder = fsspec.url_to_fs(bucket)
    for name in ("train", "test"):
        files.pipe_file(f"{folder}/{name}/list.csv", f"videos/a.mp4 {name}\n".encode())
    assert csv_classes(f"{bucket}/train/list.csv") == ["train"]
    assert csv_classes(f"{bucket}/test/list.csv") == ["test"]


def test_a_list_of_addresses_needs_no_root(bucket, tmp_path):
    (tmp_path / "list.csv").write_text(f"{bucket}/videos/a.mp4,run\n")
    assert read_csv(tmp_path / "list.csv", "elsewhere").records[0].path == f"{bucket}/videos/a.mp4"


def test_a_listed_file_that_is_not_there_is_named(bucket, tmp_path):
    (tmp_path / "list.csv").write_text("videos/a.mp4,run\nvideos/b.mp4,run\n")
    with pytest.raises(AnnotationError, match=r"1 of 2 listed videos are absent \(videos/b.mp4\)"):
        read_csv(tmp_path / "list.csv", bucket)


def test_over_http_the_list_is_trusted(serve, tmp_path):
    (tmp_path / "list.csv").write_text("a.mp4,run\n")
    root = serve().url
    assert read_csv(tmp_path / "list.csv", root).records[0].path == f"{root}/a.mp4"


def test_a_list_that_is_absent_or_cannot_be_fetched_is_named(bucket, serve):
    with pytest.raises(AnnotationError, match=r"list memory://.*/none.csv does not exist"):
        read_csv(f"{bucket}/none.csv", bucket)
    server = serve(*[500] * 3)
    with pytest.raises(AnnotationError, match=rf"{server.url}/a.mp4 cannot be read .*500"):
        read_csv(f"{server.url}/a.mp4")
    assert len(server.asked) == 3


def test_videos_to_predict_may_be_addresses(bucket):
    (record,) = read_files([f"{bucket}/videos/a.mp4"], []).records
    assert record.path == f"{bucket}/videos/a.mp4"


def test_paths_and_names(tmp_path):
    assert is_address("s3://b/a.mp4")
    assert not is_address("a:b.mp4")
    assert join("s3://b/", "x", "a.mp4") == "s3://b/x/a.mp4"
    assert join("/data", "x", "a.mp4") == "/data/x/a.mp4"
    assert join("/data", "/other/a.mp4") == "/other/a.mp4"
    assert join("s3://b/x/", "./a.mp4") == join("s3://b", "x", ".", "a.mp4") == "s3://b/x/a.mp4"
    assert join("memory://", "a.mp4") == "memory://a.mp4"
    assert join("zip://::/all.zip", "x", "a.mp4") == "zip://x/a.mp4::/all.zip"
    chained = "simplecache::zip://x::s3://b/all.zip"
    assert join(chained, "a.mp4") == "simplecache::zip://x/a.mp4::s3://b/all.zip"
    assert below(join(chained, "y", "a.mp4"), chained) == "y/a.mp4"
    assert below("s3://bucket/a.mp4", "s3://b") == "s3://bucket/a.mp4"
    assert below("s3://b/a.mp4", "/data") == "s3://b/a.mp4"
    assert split_name(join(chained, "y", "a.mp4")) == (join(chained, "y"), "a.mp4")
    assert split_name("s3://b") == ("s3://", "b")
    shutil.copy(__file__, tmp_path / "one.py")
    assert names_in(tmp_path) == ["one.py"]
    assert names_in(tmp_path / "none") == []
    assert names_in("memory://none/here") == []
    with pytest.raises(FileNotFoundError):
        open_address("memory://none/a.mp4")


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_a_part_of_a_file_is_a_video(local, tmp_path, monkeypatch, whole, scheme):
    """A file of up to WHOLE bytes is fetched in one go, of a larger one what is asked for."""
    content = Path(local).read_bytes()
    file = f"{scheme}://{tmp_path}/many.bin"
    files, name = fsspec.url_to_fs(file)
    files.pipe_file(name, b"before" + content + b"after")
    if not whole:
        monkeypatch.setattr("snl_video.data.addresses.WHOLE", 100)
    part = Part(file, "a.mp4", 6, len(content))
    assert part_of(part.address) == part
    assert part_of(file) is None
    with open_address(part.address) as opened:
        assert opened.read() == content
        assert (opened.seek(-4, 2), opened.read(9)) == (len(content) - 4, content[-4:])
        assert (opened.seek(2), opened.read(3), opened.tell()) == (2, content[2:5], 5)
    assert torch.equal(frames(part.address), frames(local))


def test_a_part_that_is_cut_short_or_absent_is_named(local, tmp_path):
    (tmp_path / "many.bin").write_bytes(bytes(100))
    with pytest.raises(VideoError, match=r"a.mp4@50\+80: cannot be read .* 50 bytes of 80 arrived"):
        open_video(Part(f"file://{tmp_path}/many.bin", "a.mp4", 50, 80).address)
    with pytest.raises(VideoError, match="no such file at this address"):
        open_video(Part(f"file://{tmp_path}/none.bin", "a.mp4", 50, 80).address)
