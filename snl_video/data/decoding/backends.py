"""Which backend reads a file, and what happens when it fails."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from snl_video.data.decoding.containers import check_file, seeks_are_exact
from snl_video.data.decoding.decord_reader import DecordReader, have_decord
from snl_video.data.decoding.pyav_reader import PyAVReader
from snl_video.data.decoding.reader import Known, SizedByFirstFrame, VideoReader
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


def open_reader(path: str, backend: Backend = "auto", known: Known | None = None) -> VideoReader:
    """A reader of one file.

    Args:
        path: the file.
        backend: "auto" takes decord where it can be trusted to seek, and PyAV where decord is
            absent, cannot be trusted or fails. "torchcodec" takes TorchCodec in decord's place.
            "decord" and "pyav" are just these.
        known: what a catalogue knows of the file, which is then not looked at before it is opened.

    Raises:
        VideoError: the file is missing, empty, cut short, not a video, or a directory.
        ValueError, ImportError: see `check_backend`.
    """
    check_backend(backend)
    if known is None:
        check_file(path)
    if backend == "decord":
        return DecordReader(path)
    if backend == "pyav" or (backend == "auto" and not have_decord()):
        return PyAVReader(path, known)
    if not (known.seekable if known else seeks_are_exact(path)):
        return PyAVReader(path, known)
    try:
        first = TorchCodecReader(path) if backend == "torchcodec" else DecordReader(path)
        return ElsePyAV(path, first)
    except VideoError:
        return PyAVReader(path)


class ElsePyAV(SizedByFirstFrame):
    """A reader that seeks, until a read fails; from then on PyAV, with the same indices."""

    def __init__(self, path: str, reader: VideoReader) -> None:
        self._path = path
        self._reader = reader
        self.num_frames = self._reader.num_frames
        self.fps = self._reader.fps

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        try:
            return self._reader.read(indices)
        except VideoError:
            if isinstance(self._reader, PyAVReader):
                raise
            self._reader = PyAVReader(self._path)
            # The two count packets alike, except where one of them gave up early.
            last = self._reader.num_frames - 1
            reachable = sorted({min(i, last) for i in indices})
            frames = self._reader.read(reachable)
            return frames[np.searchsorted(reachable, np.minimum(indices, last))]
