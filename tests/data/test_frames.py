"""Folders, tars and zips of frames give what video files give."""

import os
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from snl_video.data import VideoList, VideoRecord, open_video
from snl_video.data.clips import ClipSettings
from snl_video.data.datasets import EvalVideos, TrainVideos
from snl_video.data.decoding import DecodingSettings
from snl_video.data.decoding.file_facts import inspect
from snl_video.data.decoding.frame_stream import FrameStream
from snl_video.data.formats import UCF101
from snl_video.data.manifest import VideoIndex
from snl_video.data.manifest.file_looker import head_hash, whole_hash
from snl_video.data.manifest.scan import scan
from snl_video.data.transforms.crops import CropSettings, EvalTransform, TrainTransform
from snl_video.data.unlabelled import read_files
from snl_video.data.unreadable import BadVideoSettings
from snl_video.errors import StaleIndexError, VideoError
from tests.data.files import write
from tests.data.frame_folders import write_frames
from tests.videos import numbered_frames, read_numbers, write_video


@pytest.mark.parametrize("name", ["v", "v.tar", "v.zip"])
@pytest.mark.parametrize("timeout", [0, 30])
def test_frames_are_those_of_the_pictures(tmp_path, name, timeout):
    path = write_frames(tmp_path / name, 20)
    video = open_video(path, timeout=timeout, frames_fps=50)
    assert (video.num_frames, video.fps, video.height, video.width) == (20, 50, 48, 64)
    assert open_video(path).fps == 12
    wanted = [7, 0, 19, 7, 3]
    frames = video.get_frames(wanted)
    assert frames.dtype == torch.uint8
    folder = path.with_suffix(".frames") if "." in name else path
    files = sorted(folder.iterdir())
    expected = np.stack([np.asarray(Image.open(files[i]).convert("RGB")) for i in wanted])
    np.testing.assert_array_equal(frames.numpy(), expected)
    assert read_numbers(frames) == wanted
    with pytest.raises(IndexError):
        video.get_frames([20])


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        ("{:05d}.jpg", 0),
        ("{:06d}.png", 1),
        ("frame_{:010d}.JPG", 1),
        ("46GP8-{:06d}.jpeg", 1),
        ("img_{}.jpg", 1),  # 10 comes after 9, not after 1
    ],
)
def test_names_in_the_order_of_their_numbers(tmp_path, pattern, first):
    path = write_frames(tmp_path / "v", 12, first=first, pattern=pattern)
    (path / ".hidden.jpg").write_bytes(b"")
    (path / "n_frames.txt").write_text("12")
    assert read_numbers(open_video(path).get_frames(range(12))) == list(range(12))


def test_a_grey_picture_has_three_channels(tmp_path):
    (tmp_path / "v").mkdir()
    Image.fromarray(numbered_frames(2)[1, :, :, 0]).save(tmp_path / "v" / "1.png")
    frames = open_video(tmp_path / "v").get_frames([0])
    np.testing.assert_array_equal(frames[0].numpy(), numbered_frames(2)[1])


def _remove(*names):
    def damage(path):
        for name in names:
            (path / name).unlink()

    return damage


def _write(name, data):
    return lambda path: (path / name).write_bytes(data)


def _resize(path):
    Image.new("RGB", (32, 48)).save(path / "00003.jpg")


DAMAGE = {
    "empty": (_remove(*(f"{i:05d}.jpg" for i in range(1, 7))), "holds no frame.*00001.jpg"),
    "gap": (_remove("00003.jpg", "00004.jpg"), r"frame 3 is absent, and 2 of 1 to 6 in all; extr"),
    "no start": (_remove("00001.jpg"), "frame 1 is absent, and 1 of 1 to 6"),
    "twice": (_write("3.jpg", b""), "frame 3 is there twice: 00003.jpg and 3.jpg"),
    "no number": (_write("cover.jpg", b""), "cover.jpg: a picture without a number; move it away"),
    "series": (_write("flow_x_1.jpg", b""), r"pictures of 2 series \(\*, flow_x_\*\)"),
    "damaged": (_write("00003.jpg", b"\xff\xd8\xff"), "00003.jpg cannot be read, extract"),
    "cut off": (
        lambda p: _cut(p / "00003.jpg"),
        "00003.jpg cannot be read, extract.*(?i:truncated)",
    ),
    "size": (_resize, "00003.jpg has 32x48 pixels and the first frame 64x48"),
}


def _cut(file):
    file.write_bytes(file.read_bytes()[:400])


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_wrong_is_named_with_the_remedy(tmp_path, what):
    damage, match = DAMAGE[what]
    path = write_frames(tmp_path / "v", 6)
    damage(path)
    with pytest.raises(VideoError, match=match) as error:
        open_video(path).get_frames(range(6))
    assert str(error.value).startswith(str(path))
    with pytest.raises(VideoError, match=match):
        inspect(str(path), full=True)


def test_archives_that_are_none(tmp_path):
    write_frames(tmp_path / "v", 3)
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as archive:
        archive.add(tmp_path / "v", arcname="v")
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 and nothing else")
    for name in ("packed.tar", "no.zip", "absent.tar"):
        with pytest.raises(VideoError, match=rf"{name}: cannot be read as a folder, .tar or .zip"):
            open_video(tmp_path / name)


def test_a_picture_may_be_too_large(tmp_path):
    path = write_frames(tmp_path / "v", 2)
    with pytest.raises(VideoError, match=r"decoding\.max_pixels=100"):
        open_video(path, max_pixels=100).get_frames([0])


def test_a_training_clip_and_views_are_those_of_a_video_file(tmp_path):
    """The same frames, lossless, as a file: sampling, crops and views must not differ by a bit."""
    write_frames(tmp_path / "v", 30, pattern="{:05d}.png")
    frames = numbered_frames(30)
    write_video(tmp_path / "v.avi", frames=frames, codec="rawvideo", pix_fmt="bgr24")
    records = [VideoRecord(str(tmp_path / name), 0, "v") for name in ("v", "v.avi")]
    clip = ClipSettings(4, 3)
    for epoch in range(3):
        train = [
            TrainVideos(VideoList([r], ["a"]), clip, TrainTransform(CropSettings(32)))
            for r in records
        ]
        first, second = (data[(epoch, 0)]["clips"] for data in train)
        assert torch.equal(first, second)
    evals = [
        EvalVideos(VideoList([r], ["a"]), clip, EvalTransform(32, 32, 3), 5)[0] for r in records
    ]
    assert evals[0]["clips"].shape == (15, 3, 4, 32, 32)
    assert torch.equal(evals[0]["clips"], evals[1]["clips"])


def test_a_bad_folder_is_replaced_in_training_and_named_in_evaluation(tmp_path):
    paths = [write_frames(tmp_path / f"{i}", 6) for i in range(2)]
    (paths[0] / "00002.jpg").unlink()
    videos = VideoList([VideoRecord(str(p), 0, p.name) for p in paths], ["a"])
    clip = ClipSettings(4, 1)
    sample = TrainVideos(videos, clip, TrainTransform(CropSettings(32)))[0]
    assert sample["replaced"] == 1
    assert "frame 2 is absent" in sample["unreadable"]
    wrong = BadVideoSettings(evaluation="wrong")
    found = EvalVideos(videos, clip, EvalTransform(32, 32, 1), 1, bad_videos=wrong)[0]
    assert found["failed"]
    assert "frame 2 is absent" in found["reason"]


@pytest.mark.parametrize("name", ["v", "v.tar"])
def test_the_index_knows_folders_and_archives(tmp_path, name):
    path = write_frames(tmp_path / name, 9)
    bad = write_frames(tmp_path / "bad", 5)
    (bad / "00002.jpg").unlink()
    file = tmp_path / "index.parquet"
    rows = scan([str(path), str(bad)], tmp_path, file, full=True).to_pylist()
    assert [rows[0][key] for key in ("codec", "frames", "decoded", "width", "height", "error")] == [
        *("pictures", 9, 9, 64, 48, None),
    ]
    assert "frame 2 is absent" in rows[1]["error"]
    records = [VideoRecord(str(p), 0, p.name) for p in (path, bad)]
    index = VideoIndex.read(file, VideoList(records, ["a"]), tmp_path)
    assert index.known(0, str(path)).frames == 9
    with pytest.raises(VideoError, match="frame 2 is absent"):
        index.known(1, str(bad))
    if path.is_dir():
        Image.new("RGB", (64, 48)).save(path / "00010.jpg")
        os.utime(path, ns=(0, 0))
        with pytest.raises(StaleIndexError, match="changed after it was indexed"):
            index.known(0, str(path))


def test_equal_folders_have_equal_hashes(tmp_path):
    first, second = (write_frames(tmp_path / name, 3) for name in "ab")
    for digest in (head_hash, whole_hash):
        assert digest(str(first)) == digest(str(second))
    Image.new("RGB", (64, 48)).save(second / "00002.jpg")
    assert whole_hash(str(first)) != whole_hash(str(second))


def test_a_folder_of_frames_is_one_video_to_predict(tmp_path):
    path = write_frames(tmp_path / "v", 3)
    write_video(tmp_path / "more" / "a.mp4", 3)
    found = read_files([path, tmp_path / "more"], [])
    assert [(r.path, r.id) for r in found.records] == [
        (str(path), "v"),
        (str(tmp_path / "more" / "a.mp4"), "a.mp4"),
    ]


def test_the_rate_is_a_setting():
    assert DecodingSettings().frames_fps == 12


@pytest.mark.parametrize("name", ["v_Run_g02_c01", "v_Run_g02_c01.tar", "v_Run_g02_c01.zip"])
def test_a_list_of_files_finds_their_frames(tmp_path, name):
    write(tmp_path / "ucfTrainTestlist/classInd.txt", "1 Run\n")
    write(tmp_path / "ucfTrainTestlist/trainlist01.txt", "Run/v_Run_g02_c01.avi 1\n")
    path = write_frames(tmp_path / "videos/Run" / name, 3)
    (record,) = UCF101(tmp_path).read("train").records
    assert (record.id, record.path) == ("Run/v_Run_g02_c01.avi", str(path))
    write_video(tmp_path / "videos/Run/v_Run_g02_c01.mp4", 3)
    assert UCF101(tmp_path).read("train").records[0].path.endswith(".mp4")


@pytest.mark.parametrize("name", ["v", "v.zip"])
def test_frames_one_after_another(tmp_path, name):
    path = write_frames(tmp_path / name, 9)
    stream = FrameStream(path)
    assert stream.fps == 12
    frames = torch.stack(list(stream))
    assert torch.equal(frames, open_video(path).get_frames(range(9)))
    assert read_numbers(torch.stack(list(stream))) == list(range(9))
