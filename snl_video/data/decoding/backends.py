"""Which backend reads a file, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import av
import numpy as np

from snl_video.data.addresses import is_address
from snl_video.data.decoding.containers import check_file
from snl_video.data.decoding.decord_reader import DecordReader, have_decord
from snl_video.data.decoding.frame_files import holds_frames
from snl_video.data.decoding.frames_reader import FRAMES_FPS, FramesReader
from snl_video.data.decoding.pyav_reader import EMPTY_PACKET_BYTES, PyAVReader
from snl_video.data.decoding.reader import MAX_PIXELS, Known, SizedByFirstFrame, VideoReader
from snl_video.data.decoding.streams import check_pixels, is_data, open_stream, packets
from snl_video.data.decoding.torchcodec_reader import TorchCodecReader, video_decoder
from snl_video.errors import VideoError

Backend = Literal["auto", "decord", "pyav", "torchcodec"]


def check_backend(backend: str) -> None:
    """Refuse an unknown or absent backend.

    Raises:
        ValueError: unknown.
        ImportError: not installed; says how to install it.
    """
    if backend not in get_args(Backend):
        raise ValueError(
            f"unknown backend {backend!r}; choose one of {', '.join(get_args(Backend))}"
        )
    if backend == "decord" and not have_decord():
        raise ImportError("decord is not installed; pip install decord, or use backend=pyav")
    if backend == "torchcodec":
        video_decoder()


def open_reader(
    path: str,
    backend: Backend = "auto",
    known: Known | None = None,
    max_pixels: int = MAX_PIXELS,
    frames_fps: float = FRAMES_FPS,
) -> VideoReader:
    """A reader of one file, or of a folder, tar or zip of frames.

    Args:
        path: the file or folder.
        backend: "auto" is "pyav", the fastest of those that read every container right;
            docs/benchmarks.md has the table. "torchcodec" takes TorchCodec where it can be trusted
            to seek, and PyAV where it cannot or fails. "decord" is just that. PyAV reads what is at
            an address.
        known: what a catalogue knows of the file, which is then not looked at before it is opened.
        max_pixels: of a frame.
        frames_fps: frames per second of pictures, which do not tell it.

    Raises:
        VideoError: the file is missing, empty, cut short, not a video, or a directory without
            frames; they are too large; "decord" is asked to read a container that it reads wrong.
        ValueError, ImportError: see `check_backend`.
    """
    check_backend(backend)
    if holds_frames(path):
        return FramesReader(path, max_pixels, frames_fps)
    if known is None:
        check_file(path)
    if is_address(path) and backend == "decord":
        raise VideoError(path, "decord reads no addresses; use backend=auto")
    if backend in ("auto", "pyav") or is_address(path):
        return PyAVReader(path, known, max_pixels)
    if known is None:
        seekable, pixels = look(path, max_pixels)
    else:
        check_pixels(path, known.width, known.height, max_pixels)
        seekable, pixels = known.seekable, known.width * known.height
    if not seekable and backend == "decord":
        raise VideoError(path, "decord does not read such a file right; use backend=auto")
    if not seekable:
        return PyAVReader(path, known, max_pixels)
    if backend == "decord":
        return DecordReader(path, pixels)
    try:
        return ElsePyAV(path, TorchCodecReader(path, pixels), max_pixels)
    except VideoError:
        return PyAVReader(path, None, max_pixels)


def look(path: str, max_pixels: int | None = MAX_PIXELS) -> tuple[bool, int]:
    """Whether a decoder that seeks may read a file, and the pixels of a frame.

    Raises:
        VideoError: it cannot be opened, or its frames have more than `max_pixels`.
    """
    with open_stream(path, max_pixels) as (container, stream):
        name = container.format.name.partition(",")[0]
        right = READ_RIGHT.get(name, lambda *_: False)
        return right(container, stream), stream.width * stream.height


def _whole_avi(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    if stream.codec_context.has_b_frames:
        return False
    sizes = [packet.size for packet in packets(container, stream) if is_data(packet)]
    return stream.frames <= len(sizes) and all(size > EMPTY_PACKET_BYTES for size in sizes)


READ_RIGHT: dict[str, Callable[[av.container.InputContainer, av.VideoStream], bool]] = {
    "mov": lambda *_: True,  # MP4 too
    "matroska": lambda *_: True,  # WebM too
    "avi": _whole_avi,
}
"""Containers, by FFmpeg's name -> when decord and TorchCodec land on the right frame in them.

MP4, MOV, Matroska and WebM state the time of every frame. AVI has no times: it is trusted only with
as many packets as its header promises, no empty one and no B-frames. PyAV reads everything else:
decord starts an MPEG transport stream in its middle, and its FFmpeg is of 2018.
"""


class ElsePyAV(SizedByFirstFrame):
    """A reader that seeks, until a read fails; from then on PyAV, with the same indices."""

    def __init__(self, path: str, reader: VideoReader, max_pixels: int) -> None:
        self._path = path
        self._reader = reader
        self._max_pixels = max_pixels
        self.pixels = reader.pixels
        self.num_frames = self._reader.num_frames
        self.fps = self._reader.fps

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        try:
            return self._reader.read(indices)
        except VideoError:
            if isinstance(self._reader, PyAVReader):
                raise
            self._reader = PyAVReader(self._path, None, self._max_pixels)
            # The two count packets alike, except where one of them gave up early.
            last = self._reader.num_frames - 1
            reachable = sorted({min(i, last) for i in indices})
            frames = self._reader.read(reachable)
            return frames[np.searchsorted(reachable, np.minimum(indices, last))]
