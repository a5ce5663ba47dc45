"""A decoder that may hang or crash, kept in a child process that can be stopped.

decord and FFmpeg can loop for ever, or crash, in native code, where no Python signal is delivered
and no thread can be ended. So the process that wants frames forks one child, which decodes for it
and hands the frames back through shared memory. When no answer comes in time the child is killed
and the file is refused from then on, as it is when the child crashes. An earlier file may have
spoilt the child, so one that has decoded before gets half of the time, and a new one the rest.

    loader worker --- path, indices ---> child: decord / PyAV
                  <-- shared memory ---- uint8 (T, H, W, 3)

The child ends when the process that forked it does. It touches NumPy and the decoders, not torch.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import mmap
import os
import signal
import sys
import threading
import warnings
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import numpy as np

from snl_video.data.decoding.backends import Backend, open_reader
from snl_video.data.decoding.file_facts import Facts, inspect
from snl_video.data.decoding.frames_reader import FRAMES_FPS
from snl_video.data.decoding.reader import MAX_PIXELS, NOT_A_VIDEO, Known, VideoReader, one_line
from snl_video.errors import VideoError

SHARED_BYTES = 1 << 28
"""Address space of the shared memory; only what is used costs memory. Longer clips are piped."""

PR_SET_PDEATHSIG = 1

File = tuple[str, Backend, Known | None, int, float]
"""The arguments of `open_reader`."""


class Guard:
    """The parent's end: one child at a time, forked when first needed."""

    def __init__(self) -> None:
        if not hasattr(os, "fork"):
            raise OSError("stopping a decoder that hangs needs fork(); set decoding.timeout to 0")
        self.owner = os.getpid()
        self.child = 0
        self._pipe: Connection | None = None
        self._memory = mmap.mmap(-1, SHARED_BYTES)
        self._refused: dict[str, str] = {}
        self._lock = threading.Lock()

    def open(
        self,
        path: str,
        backend: Backend,
        timeout: float,
        known: Known | None = None,
        max_pixels: int = MAX_PIXELS,
        frames_fps: float = FRAMES_FPS,
    ) -> GuardedReader:
        """Open a file in the child.

        Raises:
            VideoError: as `open_reader`, or no answer within `timeout` seconds, or a crash.
        """
        return GuardedReader(self, (path, backend, known, max_pixels, frames_fps), timeout)

    def inspect(self, path: str, full: bool, timeout: float) -> Facts:
        """`inspect.inspect` in the child; raises what it does, and as `open` does."""
        file = path, "auto", None, MAX_PIXELS, FRAMES_FPS
        return self.ask(("inspect", file, full), path, timeout)

    def close(self) -> None:
        """Stop the child; the next file gets a new one."""
        if self.child and self.owner == os.getpid():
            self._stop()

    def ask(self, request: tuple[Any, ...], path: str, timeout: float) -> Any:
        """The child's answer to a request about a file; an exception there is raised here."""
        with self._lock:
            if path in self._refused:
                raise VideoError(path, self._refused[path])
            try:
                waits = [timeout / 2, timeout / 2] if self._pipe else [timeout]
                pipe = None
                while pipe is None and waits:
                    pipe = self._answering(request, waits.pop())
                if pipe is None:
                    self._refuse(path, f"did not answer within {timeout:g} s")
                answer = pipe.recv()
                if isinstance(answer, Frames):
                    return self._frames(answer, pipe)
            except (EOFError, OSError):
                self._refuse(path, f"crashed ({self._stop()})")
            except (KeyboardInterrupt, MemoryError):  # what is left of the answer must not be read
                self._stop()
                raise
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _answering(self, request: tuple[Any, ...], timeout: float) -> Connection | None:
        """The pipe with an answer in it; None, and the child is stopped, if none comes in time."""
        pipe = self._pipe or self._fork()
        pipe.send(request)
        if pipe.poll(timeout):
            return pipe
        self._stop()
        return None

    def _refuse(self, path: str, what: str) -> NoReturn:
        self._refused[path] = f"its decoder {what}; encode the file again or remove it"
        raise VideoError(path, self._refused[path])

    def _frames(self, frames: Frames, pipe: Connection) -> np.ndarray:
        out = np.empty(frames.shape, dtype=np.uint8)
        if frames.in_memory:
            out[...] = np.frombuffer(self._memory, np.uint8, out.size).reshape(out.shape)
        else:
            pipe.recv_bytes_into(out.data.cast("B"))
        return out

    def _fork(self) -> Connection:
        ours, theirs = Pipe()
        with warnings.catch_warnings():  # the child uses none of the locks that other threads hold
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            try:
                for number in (signal.SIGINT, signal.SIGTERM):  # the parent says when to end
                    signal.signal(number, signal.SIG_IGN)
                ours.close()
                _serve(theirs, self._memory, self.owner)
            finally:
                os._exit(1)
        theirs.close()
        self.child, self._pipe = pid, ours
        return ours

    def _stop(self) -> str:
        """Kill the child; say how it ended."""
        os.kill(self.child, signal.SIGKILL)
        _, status = os.waitpid(self.child, 0)
        if self._pipe is not None:
            self._pipe.close()
        self.child, self._pipe = 0, None
        code = os.waitstatus_to_exitcode(status)
        return f"signal {-code}" if code < 0 else f"exit code {code}"


class Frames:
    """An answer whose pixels are in the shared memory, or follow in the pipe."""

    def __init__(self, shape: tuple[int, ...], in_memory: bool) -> None:
        self.shape = shape
        self.in_memory = in_memory


class GuardedReader:
    """A `VideoReader` whose work is done by the child."""

    def __init__(self, guard: Guard, file: File, timeout: float) -> None:
        self._guard = guard
        self._file = file
        self._timeout = timeout
        self.num_frames, self.fps, self.pixels = self._ask("open")

    @property
    def height(self) -> int:
        """Pixels."""
        return self._ask("size")[0]

    @property
    def width(self) -> int:
        """Pixels."""
        return self._ask("size")[1]

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        return self._ask("read", indices)

    def _ask(self, what: str, *more: Any) -> Any:
        return self._guard.ask((what, self._file, *more), self._file[0], self._timeout)


_shared: Guard | None = None


def shared_guard() -> Guard:
    """The guard of this process."""
    global _shared
    if _shared is None or _shared.owner != os.getpid():
        _shared = Guard()
    return _shared


def _serve(pipe: Connection, memory: mmap.mmap, parent: int) -> None:
    _settle(parent)
    file: File | None = None
    reader: VideoReader | None = None
    while True:
        try:
            what, wanted, *more = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            if what == "inspect":
                pipe.send(inspect(wanted[0], *more))
                continue
            if what == "open" or reader is None or file != wanted:
                reader = None
                reader, file = open_reader(*wanted), wanted
            if what == "read":
                _send_frames(reader.read(*more), pipe, memory)
            else:
                size = (reader.height, reader.width) if what == "size" else None
                pipe.send(size or (reader.num_frames, reader.fps, reader.pixels))
        except Exception as error:
            pipe.send(_of_video(wanted[0], error))


def _settle(parent: int) -> None:
    """Make the child die with its parent, and leave the parent's signals and garbage alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    faulthandler.disable()
    gc.freeze()


def _send_frames(frames: np.ndarray, pipe: Connection, memory: mmap.mmap) -> None:
    in_memory = frames.size <= len(memory)
    if in_memory:
        np.frombuffer(memory, np.uint8, frames.size).reshape(frames.shape)[...] = frames
    pipe.send(Frames(frames.shape, in_memory))
    if not in_memory:
        pipe.send_bytes(np.ascontiguousarray(frames).data.cast("B"))


def _of_video(path: str, error: Exception) -> Exception:
    """An error of a video as it is, and that a backend is absent; any other made one of the video.

    So it always travels: no pickle of a library's exception has to be read.
    """
    if isinstance(error, (VideoError, ImportError)):
        return error
    return VideoError(path, f"{NOT_A_VIDEO} ({type(error).__name__}: {one_line(error)})")
