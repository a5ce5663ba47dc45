"""A decoder that hangs or crashes in native code costs one file, not the process."""

import ctypes
import gc
import os
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from snl_video.data import open_video
from snl_video.data.decoding import guard
from snl_video.errors import VideoError
from tests.videos import read_numbers, write_video

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")
pytestmark = needs_fork


def hang_in_native_code():
    """Never returns, and never lets another Python thread run."""
    ctypes.PyDLL(None).pause()


def stop_the_process():
    os.kill(os.getpid(), signal.SIGSTOP)


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


class Reader:
    num_frames, fps, height, width, pixels = 8, 25.0, 4, 6, 24

    def __init__(self, at_read):
        self.at_read = at_read

    def read(self, indices):
        self.at_read()
        return np.zeros((len(indices), 4, 6, 3), np.uint8)


@pytest.fixture
def trap(monkeypatch):
    """Files called bad.mp4 do something at `open` or at `read`; all others are read as ever."""
    open_reader = guard.open_reader

    def arm(act, when):
        def patched(path, backend, *limits):
            if not path.endswith("bad.mp4"):
                return open_reader(path, backend)
            if when == "open":
                act()
            return Reader(act)

        monkeypatch.setattr(guard, "open_reader", patched)
        monkeypatch.setattr(guard, "_shared", None)

    yield arm
    guard.shared_guard().close()


@pytest.mark.parametrize("when", ["open", "read"])
@pytest.mark.parametrize(
    ("act", "match"),
    [
        (hang_in_native_code, r"did not answer within 0\.5 s;"),
        (stop_the_process, r"did not answer within 0\.5 s;"),
        (crash, r"crashed \(signal 11\)"),
    ],
)
def test_the_next_file_decodes(tmp_path, trap, act, match, when):
    trap(act, when)
    good = write_video(tmp_path / "good.mp4", 9)
    assert read_numbers(open_video(good, timeout=20).get_frames([7, 2])) == [7, 2]
    bad = str(tmp_path / "bad.mp4")
    with pytest.raises(VideoError, match=match) as caught:
        open_video(bad, timeout=0.5).get_frames([0])
    assert caught.value.path == bad
    assert read_numbers(open_video(good, timeout=20).get_frames([3, 8])) == [3, 8]
    start = time.monotonic()
    with pytest.raises(VideoError, match=match):
        open_video(bad, timeout=600)
    assert time.monotonic() - start < 60
    assert guard.shared_guard().child != 0


def test_children_do_not_pile_up(tmp_path, trap, monkeypatch):
    trap(crash, "open")
    pids, fork = [], os.fork
    monkeypatch.setattr(os, "fork", lambda: pids.append(fork()) or pids[-1])
    for number in range(5):
        with pytest.raises(VideoError, match="crashed"):
            open_video(tmp_path / f"{number}bad.mp4", timeout=20)
    assert len(set(pids)) == 5
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("decoded_before", [False, True])
def test_a_hang_costs_the_timeout_once(tmp_path, trap, monkeypatch, decoded_before):
    trap(hang_in_native_code, "open")
    if decoded_before:
        open_video(write_video(tmp_path / "good.mp4", 3), timeout=20)
    waits, forks = [], []
    connection = type(Pipe()[0])
    poll, fork = connection.poll, os.fork
    monkeypatch.setattr(connection, "poll", lambda self, s: waits.append(s) or poll(self, s / 10))
    monkeypatch.setattr(os, "fork", lambda: forks.append(0) or fork())
    with pytest.raises(VideoError, match="did not answer within 3 s;"):
        open_video(tmp_path / "bad.mp4", timeout=3)
    assert waits == ([1.5, 1.5] if decoded_before else [3])
    assert len(forks) == 1


def test_a_file_that_an_earlier_one_spoilt_the_child_for_is_read_by_another(tmp_path, monkeypatch):
    """The child stops after its first file; the second is read all the same."""
    open_reader = guard.open_reader
    parent = os.getpid()
    seen = []

    def patched(path, backend, *limits):
        seen.append(path)
        if len(seen) > 1 and os.getpid() != parent:
            stop_the_process()
        return open_reader(path, backend)

    monkeypatch.setattr(guard, "open_reader", patched)
    monkeypatch.setattr(guard, "_shared", None)
    for name in ("a.mp4", "b.mp4"):
        video = open_video(write_video(tmp_path / name, 4), timeout=6)
        assert read_numbers(video.get_frames([3])) == [3]
    guard.shared_guard().close()


@pytest.mark.parametrize("backend", ["auto", "pyav"])
def test_same_frames_and_errors_as_without(tmp_path, backend):
    path = write_video(tmp_path / "a.mp4", 30)
    alone, guarded = open_video(path, backend), open_video(path, backend, timeout=20)
    assert (guarded.num_frames, guarded.fps) == (alone.num_frames, alone.fps)
    assert (guarded.height, guarded.width) == (48, 64)
    for wanted in ([29, 0, 7, 7], [], range(30)):
        assert torch.equal(guarded.get_frames(list(wanted)), alone.get_frames(list(wanted)))
    with pytest.raises(IndexError, match="outside"):
        guarded.get_frames([30])
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(VideoError, match="empty"):
        open_video(tmp_path / "empty.mp4", backend, timeout=20)
    with pytest.raises(ValueError, match="'opencv'"):
        open_video(path, "opencv", timeout=20)


def test_two_open_videos_do_not_mix(tmp_path):
    first = open_video(write_video(tmp_path / "a.mp4", 9), timeout=20)
    other = open_video(write_video(tmp_path / "b.mp4", 20), timeout=20)
    assert (first.num_frames, other.num_frames) == (9, 20)
    assert read_numbers(first.get_frames([8])) == [8]
    assert read_numbers(other.get_frames([19])) == [19]


def test_long_clips_go_through_the_pipe(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "SHARED_BYTES", 4096)
    monkeypatch.setattr(guard, "_shared", None)
    path = write_video(tmp_path / "a.mp4", 12)
    assert read_numbers(open_video(path, timeout=20).get_frames(range(12))) == list(range(12))
    guard.shared_guard().close()


class Numbers(Dataset):
    def __init__(self, folder):
        self.folder = folder

    def __len__(self):
        return 8

    def __getitem__(self, index):
        name = "bad.mp4" if index % 4 == 1 else "good.mp4"
        try:
            return read_numbers(open_video(self.folder / name, timeout=2).get_frames([index]))[0]
        except VideoError as error:
            return -1 if "did not answer" in str(error) else -2


def test_loader_workers_come_back(tmp_path, trap):
    trap(hang_in_native_code, "read")
    path = write_video(tmp_path / "good.mp4", 9)
    open_video(path, timeout=20).get_frames([0])
    loader = DataLoader(Numbers(tmp_path), batch_size=2, num_workers=2, timeout=60)
    assert torch.cat(list(loader)).tolist() == [0, -1, 2, 3, 4, -1, 6, 7]


def test_the_child_ends_with_its_parent(tmp_path):
    path = write_video(tmp_path / "a.mp4", 3)
    code = (
        "import os, sys\n"
        "from snl_video.data.decoding import open_video, guard\n"
        f"open_video({str(path)!r}, timeout=20).get_frames([0])\n"
        "print(guard.shared_guard().child, flush=True)\n"
        "os._exit(0)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    child = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if "zombie" in Path(f"/proc/{child}/status").read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"process {child} is still there")


def _resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("backend", ["decord", "pyav"])
def test_memory_stays_flat_over_5000_decodes(tmp_path, backend):
    paths = [write_video(tmp_path / f"{i}.mp4", 20 + i, (120, 160)) for i in range(10)]

    def decode(times):
        for number in range(times):
            open_video(paths[number % 10], backend).get_frames([number % 20, 3, 11])
        gc.collect()
        return _resident_bytes()

    first, last = decode(500), decode(4500)
    assert last - first < 16e6, f"{first / 1e6:.0f} MB after 500 decodes, {last / 1e6:.0f} MB after"
