"""Each row of docs/explanation/robustness.md, and the fuzz that it tells of."""

import builtins
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from snl_video.data import (
    BadVideoSettings,
    ClipSettings,
    CropSettings,
    EvalVideos,
    TrainVideos,
    VideoList,
    VideoRecord,
    open_video,
)
from snl_video.data.decoding import decord_reader
from snl_video.data.transforms.crops import EvalTransform, TrainTransform
from snl_video.errors import VideoError
from tests.data.bad_files import BAD_FILES
from tests.data.fuzz import finish, start
from tests.data.odd_files import NUM_FRAMES, ODD_FILES
from tests.videos import read_numbers, write_video

ROOT = Path(__file__).parents[2]
DAMAGED = "bit flips in the middle"
UNNUMBERED = {"3x5 pixels", DAMAGED}
NOT_FOR_DECORD = {
    DAMAGED,
    "changing resolution",
    "rotated by 90 degrees",
    "MPEG-2 transport stream",
    "AVI with B-frames",
}


def rows():
    lines = (ROOT / "docs/explanation/robustness.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    return {row[0]: row[1:] for row in cells if len(row) == 4}


def test_the_table_tells_of_every_kind():
    table = rows()
    refused = {kind for kind, row in table.items() if row[:2] == ["replaced", "refused"]}
    read = {kind for kind, row in table.items() if row[:2] == ["read", "read"]}
    assert refused == {*BAD_FILES, "no permission"}
    assert read == set(ODD_FILES)
    assert len(table) == len(refused) + len(read) + 2  # the header and its rule


def sample_of(path, other=None):
    records = [VideoRecord(str(p), 0, Path(p).name) for p in (path, other) if p]
    videos = VideoList(records, ["a"])
    clip, wrong = ClipSettings(4, 3), BadVideoSettings(evaluation="wrong")
    train = TrainVideos(videos, clip, TrainTransform(CropSettings(32)))
    evaluation = EvalVideos(videos, clip, EvalTransform(32, 32, 3), 2, bad_videos=wrong)
    return train[0], evaluation[0]


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_file(tmp_path, kind):
    write, word = BAD_FILES[kind]
    good = write_video(tmp_path / "good" / "good.mp4", 12)
    trained, evaluated = sample_of(write(tmp_path), good)
    assert trained["replaced"] == 1
    assert trained["clips"].any()
    assert evaluated["failed"]
    for text in (trained["unreadable"], evaluated["reason"]):
        assert word in text
        assert str(tmp_path) in text


def test_no_permission(tmp_path, monkeypatch):
    path = write_video(tmp_path / "locked.mp4", 12)
    good = write_video(tmp_path / "good.mp4", 12)
    path.chmod(0)
    if os.access(path, os.R_OK):  # an administrator may read everything
        whole_open = builtins.open

        def refuse(file, *args, **options):
            if str(file) == str(path):
                raise PermissionError(13, "Permission denied")
            return whole_open(file, *args, **options)

        monkeypatch.setattr("builtins.open", refuse)
    trained, evaluated = sample_of(path, good)
    assert trained["replaced"] == 1
    assert evaluated["failed"]
    assert "check permissions" in evaluated["reason"]


@pytest.mark.parametrize("kind", ODD_FILES)
def test_odd_file(tmp_path, kind):
    write, size = ODD_FILES[kind]
    path = write(tmp_path)
    trained, evaluated = sample_of(path)
    assert trained["replaced"] == 0
    assert trained["clips"].shape == (1, 3, 4, 32, 32)
    assert not evaluated["failed"]
    assert evaluated["clips"].shape == (6, 3, 4, 32, 32)
    frames = {}
    for backend in ("auto", "pyav", "decord"):
        if backend == "decord" and (kind in NOT_FOR_DECORD or not decord_reader.have_decord()):
            continue
        video = open_video(path, backend)
        assert (video.height, video.width) == size
        assert video.num_frames == {"one frame": 1, "10,000 pixels wide": 3}.get(kind, NUM_FRAMES)
        frames[backend] = video.get_frames(range(video.num_frames))
        assert frames[backend].any()
        upright = np.rot90(frames[backend], axes=(1, 2)) if "rotated" in kind else frames[backend]
        if kind not in UNNUMBERED:
            assert read_numbers(upright) == list(range(video.num_frames)), backend
        if kind == DAMAGED:  # what is concealed depends on where reading starts
            continue
        again = [video.num_frames - 1, 0, video.num_frames // 2]
        assert torch.equal(open_video(path, backend).get_frames(again), frames[backend][again])
        difference = (frames[backend].int() - frames["auto"].int()).abs().max()
        assert difference <= 8, f"{backend} differs from auto by {difference}"


def test_a_file_turned_upside_down_is_turned_back(tmp_path):
    from tests.data.odd_files import TURN_180, with_matrix

    for size in ((48, 64), (64, 64)):
        path = write_video(tmp_path / f"{size[0]}.mp4", 8, size)
        plain = open_video(path, "pyav").get_frames([5])
        turned = open_video(with_matrix(path, TURN_180)).get_frames([5])
        assert (turned.int() - plain.flip(1, 2).int()).abs().max() <= 8


def test_a_header_that_promises_billions_of_frames(tmp_path):
    """decord would reserve memory for all of them and end the process."""
    path = write_video(tmp_path / "a.avi", 16, codec="mpeg4")
    data = bytearray(path.read_bytes())
    length_in_stream_header = data.index(b"strh") + 8 + 32
    data[length_in_stream_header : length_in_stream_header + 4] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    assert read_numbers(open_video(path).get_frames([3, 15])) == [3, 15]


@pytest.mark.parametrize("timeout", [0, 20])
def test_fuzz(tmp_path, timeout):
    count = 2000 if timeout == 0 else 100
    found = finish(start(tmp_path / "fuzz", count, 0, timeout, "few"), limit=300)
    assert sum(found.values()) == count
    assert found.get("stopped", 0) == 0
    assert min(found["clip"], found["error"]) > count / 5


@pytest.mark.parametrize("kind", ["text", "mp4 cut at 50 %"])
def test_the_message_ends_with_a_remedy(tmp_path, kind):
    write, _ = BAD_FILES[kind]
    with pytest.raises(VideoError, match=r"check|fetch"):
        open_video(write(tmp_path))
