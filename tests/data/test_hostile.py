"""Files that attack or confuse a reader: read right, or refused by a named error."""

import os
from pathlib import Path

import pytest

from snl_video.data import ClipSettings, DecodingSettings, VideoList, VideoRecord, open_video
from snl_video.data.datasets import BadVideoSettings, EvalVideos
from snl_video.data.decoding import decord_reader, file_facts, guard, pyav_reader, streams
from snl_video.data.decoding.file_facts import inspect
from snl_video.data.manifest import VideoIndex, read_table
from snl_video.data.manifest.scan import scan
from snl_video.data.transforms.crops import EvalTransform
from snl_video.errors import VideoError
from tests.data.hostile_files import growing, late_sound, sound_with_cover, with_cover
from tests.videos import read_numbers, write_video

WAYS = [("auto", 0), ("pyav", 0), ("auto", 20)]
needs_decord = pytest.mark.skipif(not decord_reader.have_decord(), reason="decord is not installed")


@pytest.mark.parametrize(("backend", "timeout"), WAYS)
def test_a_stream_that_begins_late_changes_nothing(tmp_path, backend, timeout):
    path = late_sound(tmp_path)
    video = open_video(path, backend, timeout)
    assert video.num_frames == 150
    assert video.get_frames([0, 75, 149]).shape == (3, 240, 320, 3)
    assert inspect(str(path), full=True).decoded == 150


@pytest.mark.parametrize("error", [MemoryError(), IndexError("list index"), OSError(12, "no room")])
@pytest.mark.parametrize(("backend", "timeout"), WAYS)
def test_whatever_a_decoder_raises_names_the_video(tmp_path, monkeypatch, backend, timeout, error):
    """At every place where bytes of the file are looked at."""
    path = write_video(tmp_path / "a.ts", 8, codec="mpeg2video")
    places = [(pyav_reader, "decoded"), (streams, "best"), (pyav_reader, "packets")]

    def fail(*_):
        raise error

    for owner, name in places:
        with monkeypatch.context() as patch:
            patch.setattr(guard, "_shared", None)
            if name == "best":
                patch.setattr(streams, "_is_cover", fail)
            else:
                patch.setattr(owner, name, fail)
            with pytest.raises(VideoError, match=r"a\.ts: "):
                open_video(path, backend, timeout).get_frames([3])
            guard.shared_guard().close()


def test_check_lists_whatever_a_decoder_raises(tmp_path, monkeypatch):
    path = str(write_video(tmp_path / "a.ts", 8, codec="mpeg2video"))

    def fail(*_):
        raise MemoryError

    for owner, name in ((file_facts, "packets"), (file_facts, "check_file")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            table = scan([path], tmp_path, tmp_path / f"{name}.parquet", workers=1)
            assert "MemoryError" in (table["error"][0].as_py() or "read")


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("backend", ["auto", "pyav", "decord"])
def test_a_cover_picture_is_not_the_video(tmp_path, backend, first):
    if backend == "decord" and not decord_reader.have_decord():
        pytest.skip("decord is not installed")
    path = with_cover(tmp_path / "a.mp4", first)
    video = open_video(path, backend)
    assert (video.num_frames, video.height, video.width) == (24, 48, 64)
    assert read_numbers(video.get_frames([0, 11, 23])) == [0, 11, 23]
    facts = inspect(str(path), full=True)
    assert (facts.codec, facts.decoded, facts.width) == ("h264", 24, 64)


@pytest.mark.parametrize("backend", ["auto", "pyav", "decord"])
def test_sound_with_a_cover_is_no_video(tmp_path, backend):
    path = sound_with_cover(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match="no video stream"):
        open_video(path, backend).get_frames([0])


def hls(video):
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{video}\n#EXT-X-ENDLIST\n"


def join(video):
    return f"ffconcat version 1.0\nfile '{video}'\n"


@pytest.mark.parametrize("backend", ["auto", "pyav", "decord"])
@pytest.mark.parametrize("name", ["a.m3u8", "a.mp4", "a.mkv"])
@pytest.mark.parametrize("script", [hls, join])
@pytest.mark.parametrize("tag", [b"", b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10)])
def test_a_file_that_names_others_is_not_read(tmp_path, backend, name, script, tag):
    secret = write_video(tmp_path / "secret.ts", 8)
    path = tmp_path / name
    path.write_bytes(tag + script(secret.name).encode())
    with pytest.raises(VideoError, match=r"a playlist|a list of files|no video stream"):
        open_video(path, backend).get_frames([0])
    with pytest.raises(VideoError, match=r"a playlist|a list of files|no video stream"):
        inspect(str(path))


@pytest.mark.parametrize("name", ["12:30.mp4", "http:x.mp4", "concat:a.mp4", "file:a.mp4"])
@pytest.mark.parametrize(("backend", "timeout"), [*WAYS, ("decord", 0)])
def test_a_colon_in_a_name_is_a_name(tmp_path, monkeypatch, backend, timeout, name):
    if backend == "decord" and not decord_reader.have_decord():
        pytest.skip("decord is not installed")
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "plain.mp4", 8).rename(tmp_path / name)
    if timeout:
        monkeypatch.setattr(guard, "_shared", None)
    assert read_numbers(open_video(name, backend, timeout).get_frames([5])) == [5]
    guard.shared_guard().close()
    assert inspect(name).frames == 8


@needs_decord
@pytest.mark.parametrize("suffix", [".ts", ".avi"])
def test_decord_is_kept_from_what_it_reads_wrong(tmp_path, suffix):
    options = {"bf": "2"} if suffix == ".avi" else {}
    path = write_video(tmp_path / f"a{suffix}", 8, codec="mpeg4", options=options)
    with pytest.raises(VideoError, match="decord does not read such a file right"):
        open_video(path, "decord")
    assert read_numbers(open_video(path).get_frames([2, 7])) == [2, 7]


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
@pytest.mark.parametrize(("backend", "timeout"), WAYS)
def test_a_frame_with_more_pixels_than_allowed(tmp_path, backend, timeout, suffix):
    path = write_video(tmp_path / f"a{suffix}", 8, (48, 64))
    assert open_video(path, backend, timeout, max_pixels=48 * 64).num_frames == 8
    with pytest.raises(VideoError, match=r"64x48 pixels is more than decoding\.max_pixels=3071"):
        open_video(path, backend, timeout, max_pixels=48 * 64 - 1)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
@pytest.mark.parametrize("size", [(96, 128), (480, 640)])
@pytest.mark.parametrize(("backend", "timeout"), WAYS)
def test_frames_that_grow_beyond_what_is_allowed(tmp_path, backend, timeout, size, codec):
    path = growing(tmp_path / "a.ts", size, codec)
    video = open_video(path, backend, timeout, max_pixels=10_000)
    assert read_numbers(video.get_frames([3, 8])) == [3, 8]
    with pytest.raises(VideoError, match=r"decoding\.max_pixels=10000"):
        video.get_frames([3, 20])


@pytest.mark.parametrize(("backend", "timeout"), WAYS)
def test_a_sample_with_more_pixels_than_allowed(tmp_path, backend, timeout):
    path = write_video(tmp_path / "a.mp4", 8, (48, 64))
    video = open_video(path, backend, timeout, max_sample_pixels=4 * 48 * 64)
    assert video.get_frames([0, 1, 2, 3, 3, 3]).shape == (6, 48, 64, 3)
    with pytest.raises(VideoError, match=r"15360 pixels, more than decoding\.max_sample_pixels"):
        video.get_frames(range(5))


@pytest.mark.parametrize("timeout", [0, 20])
def test_the_limits_of_the_settings_hold_with_and_without_an_index(tmp_path, timeout):
    path = write_video(tmp_path / "a.mp4", 8, (48, 64))
    videos = VideoList([VideoRecord(str(path), 0, path.name)], ["a"])
    scan([str(path)], tmp_path, tmp_path / "index.parquet")
    for index in (None, VideoIndex.read(tmp_path / "index.parquet", videos, tmp_path)):
        for name in ("max_pixels", "max_sample_pixels"):
            sample = EvalVideos(
                videos,
                ClipSettings(4, 1),
                EvalTransform(32, 32, 1),
                2,
                bad_videos=BadVideoSettings(evaluation="wrong"),
                decoding=DecodingSettings(timeout=timeout, **{name: 3000}),
                index=index,
            )[0]
            assert f"decoding.{name}=3000" in sample["reason"]


def test_a_path_that_is_not_utf8_is_read(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    write_video(tmp_path / "a.mp4", 8).rename(path)
    for backend, timeout in WAYS:
        assert read_numbers(open_video(path, backend, timeout).get_frames([5])) == [5]
    table = scan([str(path)], tmp_path, tmp_path / "index.parquet")
    assert table["error"].to_pylist() == read_table(tmp_path / "index.parquet")["error"].to_pylist()
    assert table["error"][0].as_py() is None
    videos = VideoList([VideoRecord(str(path), 0, path.name)], ["a"])
    index = VideoIndex.read(tmp_path / "index.parquet", videos, tmp_path)
    assert index.known(0, str(path)).frames == 8


@pytest.mark.parametrize("name", ["=1+2.mp4", "@a.mp4", "-b.mp4", "a.mp4"])
def test_an_index_as_csv_holds_no_formula_and_finds_the_file(tmp_path, name):
    path = write_video(tmp_path / "plain.mp4", 8).rename(tmp_path / name)
    scan([str(path)], tmp_path, tmp_path / "index.csv")
    for cell in (tmp_path / "index.csv").read_text().split(","):
        assert not cell.strip('"').startswith(("=", "@", "-"))
    videos = VideoList([VideoRecord(str(path), 0, name)], ["a"])
    assert VideoIndex.read(tmp_path / "index.csv", videos, tmp_path).known(0, str(path)).frames == 8
