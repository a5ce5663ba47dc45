import pickle
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from snl_video.data import open_video
from snl_video.data.decoding import decord_reader, pyav_reader
from snl_video.data.decoding.backends import look
from snl_video.data.decoding.file_facts import inspect
from snl_video.data.decoding.pyav_reader import Packets, PyAVReader
from snl_video.errors import VideoError
from tests.data.bad_files import BAD_FILES
from tests.data.real import REAL, needs_real, real_clips
from tests.videos import read_numbers, write_audio, write_video

BACKENDS = ["auto", "decord", "pyav"]
FORMATS = [(".mp4", "libx264"), (".mkv", "libx264"), (".avi", "mpeg4"), (".mp4", "mpeg4")]


@pytest.fixture(autouse=True)
def _need_backend(request):
    params = getattr(request.node, "callspec", None)
    if params and params.params.get("backend") == "decord" and not decord_reader.have_decord():
        pytest.skip("decord is not installed")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("suffix", "codec"), FORMATS)
def test_frames_come_by_index(tmp_path, backend, suffix, codec):
    path = write_video(tmp_path / f"a{suffix}", num_frames=60, codec=codec, options={"g": "10"})
    video = open_video(path, backend)
    assert (video.num_frames, video.height, video.width) == (60, 48, 64)
    assert video.fps == pytest.approx(25)
    wanted = [59, 0, 7, 7, 33, 12, 59]
    frames = video.get_frames(wanted)
    assert frames.shape == (7, 48, 64, 3)
    assert frames.dtype == torch.uint8
    assert read_numbers(frames) == wanted


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("as_type", [list, np.asarray, torch.tensor])
def test_indices_may_be_of_any_kind(tmp_path, backend, as_type):
    path = write_video(tmp_path / "a.mp4", num_frames=5)
    assert read_numbers(open_video(path, backend).get_frames(as_type([3, 1]))) == [3, 1]
    assert open_video(path, backend).get_frames([]).shape == (0, 48, 64, 3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_sound_does_not_matter(tmp_path, backend):
    path = write_video(tmp_path / "a.mp4", num_frames=9, audio=True)
    assert read_numbers(open_video(path, backend).get_frames(range(9))) == list(range(9))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_one_frame_video(tmp_path, backend, suffix):
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    video = open_video(write_video(tmp_path / f"a{suffix}", num_frames=1, codec=codec), backend)
    assert video.num_frames == 1
    assert video.get_frames([0, 0]).shape == (2, 48, 64, 3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("index", [-1, 5])
def test_index_outside_is_named(tmp_path, backend, index):
    path = write_video(tmp_path / "a.mp4", num_frames=5)
    with pytest.raises(IndexError, match=r"outside 0\.\.4 of .*a\.mp4"):
        open_video(path, backend).get_frames([0, index])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_file_is_named(tmp_path, backend, kind):
    write, word = BAD_FILES[kind]
    path = write(tmp_path)
    with pytest.raises(VideoError, match=word) as caught:
        open_video(path, backend).get_frames([0])
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.path == str(path)


def test_no_permission(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", num_frames=2)

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(VideoError, match="Permission denied"):
        open_video(path)


def test_unknown_backend(tmp_path):
    with pytest.raises(ValueError, match="'opencv'"):
        open_video(write_video(tmp_path / "a.mp4", num_frames=2), "opencv")


def test_damage_in_the_middle_falls_back(tmp_path):
    data = bytearray(write_video(tmp_path / "a.mkv", num_frames=60).read_bytes())
    rng = np.random.default_rng(0)
    for place in rng.integers(len(data) // 4, len(data) * 3 // 4, 40):
        data[place] ^= 0xFF
    path = tmp_path / "b.mkv"
    path.write_bytes(bytes(data))
    video = open_video(path)
    assert video.get_frames(range(video.num_frames)).shape[1:] == (48, 64, 3)


def test_without_decord(tmp_path, monkeypatch):
    monkeypatch.setattr("snl_video.data.decoding.backends.have_decord", lambda: False)
    path = write_video(tmp_path / "a.mp4", num_frames=5)
    assert read_numbers(open_video(path).get_frames([4, 2])) == [4, 2]
    with pytest.raises(ImportError, match="pip install decord"):
        open_video(path, "decord")


@pytest.mark.parametrize(("suffix", "codec"), FORMATS)
def test_pyav_decodes_from_the_key_frame_before(tmp_path, monkeypatch, suffix, codec):
    options = {"g": "10"} if codec == "mpeg4" else {"g": "10", "bf": "2", "sc_threshold": "0"}
    path = write_video(tmp_path / f"a{suffix}", num_frames=60, codec=codec, options=options)
    decode, decoded = pyav_reader.decoded, []

    def counted(*stream):
        for frame in decode(*stream):
            decoded.append(frame)
            yield frame

    monkeypatch.setattr(pyav_reader, "decoded", counted)
    for wanted in ([55, 57], [9, 10], [10], [29], [59], [0, 59], [2, 3, 51]):
        decoded.clear()
        assert read_numbers(open_video(path, "pyav").get_frames(wanted)) == wanted
        assert len(decoded) <= 16
    monkeypatch.setattr(Packets, "stretches", lambda self, frames: [(self.times[-1], frames)])
    assert read_numbers(open_video(path, "pyav").get_frames([20, 40])) == [20, 40]


def test_pyav_keeps_each_frame_once(tmp_path):
    path = write_video(tmp_path / "a.mp4", num_frames=60, size=(240, 320))
    reader = PyAVReader(str(path))
    tracemalloc.start()
    frames = reader.read(list(range(60)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.1 * frames.nbytes


def test_pyav_reads_again(tmp_path):
    reader = PyAVReader(str(write_video(tmp_path / "a.mp4", num_frames=60, options={"g": "10"})))
    for wanted in ([55, 57], [0, 1], [3, 58], [55, 57]):
        assert read_numbers(reader.read(wanted)) == wanted


def test_auto_asks_nobody_but_pyav(tmp_path, monkeypatch):
    if not decord_reader.have_decord():
        pytest.skip("decord is not installed")
    path = write_video(tmp_path / "a.mp4", num_frames=30)

    def fail(self, indices):
        raise VideoError(str(path), "broken")

    monkeypatch.setattr(decord_reader.DecordReader, "read", fail)
    assert read_numbers(open_video(path).get_frames([29, 4, 4])) == [29, 4, 4]
    with pytest.raises(VideoError, match="broken"):
        open_video(path, "decord").get_frames([0])


def test_error_survives_a_worker(tmp_path):
    error = VideoError("a.mp4", "broken")
    for copy in (pickle.loads(pickle.dumps(error)), VideoError(str(error))):
        assert str(copy) == "a.mp4: broken"


def _drop_frame(source: Path, target: Path) -> None:
    """Copy an AVI, replacing packet 5 by an MPEG-4 picture that is "not coded"."""
    not_coded = b"\x00\x00\x01\xb6\x52\xcf"  # P, 5/25 s, not coded
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for index, packet in enumerate(old.demux(video=0)):
            if packet.dts is None:
                continue
            if index == 5:
                dropped = av.Packet(not_coded)
                dropped.pts, dropped.dts = packet.pts, packet.dts
                dropped.time_base = packet.time_base
                packet = dropped
            packet.stream = stream
            new.mux(packet)


def test_dropped_frames_shift_no_index(tmp_path):
    whole = write_video(tmp_path / "a.avi", num_frames=40, codec="mpeg4", options={"g": "8"})
    path = tmp_path / "b.avi"
    _drop_frame(whole, path)
    assert look(str(whole))[0]
    assert not look(str(path))[0]
    forward = [read_numbers(image[None])[0] for image in _decode_all(path)]
    video = open_video(path)
    assert len(forward) < video.num_frames == 40
    expected = [forward[min(i, len(forward) - 1)] for i in (3, 20, 30, 39)]
    assert read_numbers(video.get_frames([3, 20, 30, 39])) == expected


def _decode_all(path: Path) -> np.ndarray:
    with av.open(str(path), metadata_errors="ignore") as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


class _Frames(Dataset):
    def __init__(self, path):
        self.path = path

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return open_video(self.path).get_frames([index, 7 - index])


def test_workers_do_not_hang(tmp_path):
    path = write_video(tmp_path / "a.mp4", num_frames=8)
    open_video(path).get_frames([0])
    loader = DataLoader(_Frames(path), num_workers=2, timeout=30)
    assert sum(len(batch) for batch in loader) == 8


@needs_real
@pytest.mark.parametrize(
    "path",
    real_clips("ucf101_original", "hmdb51", "kinetics400") + real_clips("ucf101_10")[::53],
    ids=lambda path: path.stem[:40],
)
def test_backends_agree_on_real_clips(path):
    video = open_video(path)
    oracle = _decode_all(path)
    wanted = np.random.default_rng(0).choice(video.num_frames, 6, replace=False)
    wanted[0] = video.num_frames - 1
    expected = torch.from_numpy(oracle[np.minimum(wanted, len(oracle) - 1)])
    for backend in ("auto", "pyav"):
        reader = open_video(path, backend)
        assert reader.num_frames == video.num_frames
        difference = (reader.get_frames(wanted).int() - expected.int()).abs().max()
        assert difference <= 2, backend


@needs_real
def test_promised_frames_that_do_not_decode():
    path = REAL / "ucf101_original/JumpingJack/v_JumpingJack_g20_c01.avi"
    video = open_video(path)
    assert video.num_frames == 120
    frames = video.get_frames(range(120))
    assert torch.equal(frames[:116], torch.from_numpy(_decode_all(path)))
    assert torch.equal(frames[116:], frames[115:116].expand(4, -1, -1, -1))


def test_an_error_of_the_package_is_told_once(tmp_path):
    path = str(write_audio(tmp_path / "sound.mp4"))
    for read in (PyAVReader, inspect):
        with pytest.raises(VideoError) as caught:
            read(path)
        assert str(caught.value) == f"{path}: no video stream (streams: audio); name a video file"
