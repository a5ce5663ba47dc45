"""Reads a video that is kept as numbered pictures, as the decoders read a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property

import numpy as np
from PIL import Image

from snl_video.data.decoding.frame_files import (
    ARCHIVES,
    FrameFiles,
    in_order,
    open_frame_files,
)
from snl_video.data.decoding.reader import MAX_PIXELS, video_errors
from snl_video.data.decoding.streams import check_pixels
from snl_video.errors import VideoError

FRAMES_FPS = 12.0
"""Frames per second where nothing else is said: those of Jester and Something-Something."""


class FramesReader:
    """A `VideoReader` of a folder, tar or zip of pictures; frame i is the i-th by its number.

    A picture that is damaged, or of another size than the first, makes the video unreadable: a
    decoder would pass over a broken frame, but here the file says by its number which one it is.

    Args:
        path: the folder or archive.
        max_pixels: of a picture.
        fps: frames per second, which pictures do not tell.

    Raises:
        VideoError: it is absent, no archive, or see `in_order`.
    """

    def __init__(self, path: str, max_pixels: int = MAX_PIXELS, fps: float = FRAMES_FPS) -> None:
        self._path = path
        self._max_pixels = max_pixels
        self.fps = fps
        with self._files() as files:
            self._names = in_order(files.names(), path)

    @property
    def num_frames(self) -> int:
        """Pictures in it."""
        return len(self._names)

    @cached_property
    def _size(self) -> tuple[int, int]:
        """(width, height) of the first picture, by its header."""
        with self._files() as files, files.open(self._names[0]) as file, Image.open(file) as image:
            return image.size

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return self._size[0] * self._size[1]

    @property
    def height(self) -> int:
        """Pixels."""
        return self._size[1]

    @property
    def width(self) -> int:
        """Pixels."""
        return self._size[0]

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        check_pixels(self._path, self.width, self.height, self._max_pixels)
        frames = np.empty((len(indices), self.height, self.width, 3), np.uint8)
        with self._files() as files:
            for place, index in enumerate(indices):
                frames[place] = self._picture(files, self._names[index])
        return frames

    def __iter__(self) -> Iterator[np.ndarray]:
        """Every frame in turn, uint8 (H, W, 3).

        Raises:
            VideoError: one of them cannot be read.
        """
        with self._files() as files:
            for name in self._names:
                yield self._picture(files, name)

    def _picture(self, files: FrameFiles, name: str) -> np.ndarray:
        reason = f"{name} cannot be read, extract or fetch it again"
        with (
            video_errors(self._path, reason, "Pillow"),
            files.open(name) as file,
            Image.open(file) as image,
        ):
            if image.size != self._size:
                here, first = (f"{width}x{height}" for width, height in (image.size, self._size))
                raise VideoError(
                    self._path,
                    f"{name} has {here} pixels and the first frame {first}; extract its frames "
                    "again, all in one size",
                )
            return np.asarray(image.convert("RGB"))

    @contextmanager
    def _files(self) -> Iterator[FrameFiles]:
        kinds = " or ".join(ARCHIVES)
        reason = f"cannot be read as a folder, {kinds} (not compressed) of frames"
        with (
            video_errors(self._path, reason, "archive"),
            closing(open_frame_files(self._path)) as files,
        ):
            yield files
