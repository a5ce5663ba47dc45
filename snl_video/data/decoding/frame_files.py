"""Videos that are kept as pictures of their frames: a folder, a tar or a zip of `%05d.jpg`."""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

from snl_video.data.addresses import is_address
from snl_video.errors import VideoError
from snl_video.wording import first_few

ARCHIVES = (".tar", ".zip")
"""Suffixes of a file that holds the frames of one video."""

_FRAME = re.compile(r"(.*\D|)(\d+)\.(?:jpe?g|png|webp)", re.IGNORECASE | re.DOTALL)
_PICTURE = re.compile(r".*\.(?:jpe?g|png|webp)", re.IGNORECASE | re.DOTALL)


class FrameFiles(Protocol):
    """Where the pictures of one video lie."""

    def names(self) -> list[str]:
        """Paths of all files in it, in any order."""

    def open(self, name: str) -> BinaryIO:
        """One of them, to read; the caller closes it."""

    def close(self) -> None:
        """Let go of what is open."""


class FolderFiles:
    """The files of a folder; those of its sub-folders are not among them."""

    def __init__(self, path: str) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Names of the files."""
        return os.listdir(self._path)

    def open(self, name: str) -> BinaryIO:
        """See `FrameFiles.open`."""
        return open(os.path.join(self._path, name), "rb")

    def close(self) -> None:
        """Nothing is open."""


class ZipFiles:
    """The members of a zip."""

    def __init__(self, path: str) -> None:
        self._zip = zipfile.ZipFile(path)

    def names(self) -> list[str]:
        """Names of the members."""
        return [member.filename for member in self._zip.infolist() if not member.is_dir()]

    def open(self, name: str) -> BinaryIO:
        """See `FrameFiles.open`."""
        return self._zip.open(name)  # type: ignore[return-value]

    def close(self) -> None:
        """Close the archive."""
        self._zip.close()


class TarFiles:
    """The members of a tar that is not compressed, since a compressed one has to be read whole."""

    def __init__(self, path: str) -> None:
        self._tar = tarfile.open(path, "r:")  # noqa: SIM115

    def names(self) -> list[str]:
        """Names of the members that are files."""
        return [member.name for member in self._tar if member.isreg()]

    def open(self, name: str) -> BinaryIO:
        """See `FrameFiles.open`."""
        return self._tar.extractfile(name)  # type: ignore[return-value]

    def close(self) -> None:
        """Close the archive."""
        self._tar.close()


def holds_frames(path: str) -> bool:
    """Whether a path is read as the frames of one video: a folder, or an archive by its suffix.

    Never at an address.
    """
    return not is_address(path) and (path.lower().endswith(ARCHIVES) or os.path.isdir(path))


def is_frame_folder(path: str | Path) -> bool:
    """Whether a folder holds numbered pictures itself, not in its sub-folders."""
    return any(_FRAME.fullmatch(name) for name in os.listdir(path) if not name.startswith("."))


def open_frame_files(path: str) -> FrameFiles:
    """The pictures of one video; nothing is written to disk.

    Raises:
        OSError, tarfile.TarError, zipfile.BadZipFile: it cannot be opened.
    """
    if os.path.isdir(path):
        return FolderFiles(path)
    return (ZipFiles if path.lower().endswith(".zip") else TarFiles)(path)


def in_order(names: Iterable[str], path: str) -> list[str]:
    """The pictures of a video in the order of their numbers, which begin at 0 or 1.

    Hidden files and those that are no pictures are passed over. What stands before the number
    (`img_`, `frame_`) must be the same in all.

    Args:
        names: of the files.
        path: of the video, for the messages.

    Raises:
        VideoError: no picture, one without a number, a number twice or none, two series.
    """
    pictures = sorted(n for n in names if _PICTURE.fullmatch(n) and not _base(n).startswith("."))
    if not pictures:
        raise VideoError(
            path,
            "this directory or archive holds no frame: pictures of consecutive numbers, such as "
            "00001.jpg, are read; extract its frames again, or name a video file",
        )
    numbered = [(name, _FRAME.fullmatch(name)) for name in pictures]
    without = [name for name, found in numbered if found is None]
    if without:
        raise VideoError(path, f"{first_few(without, 3)}: a picture without a number; move it away")
    series = sorted({found[1] for _, found in numbered if found})
    if len(series) > 1:
        raise VideoError(
            path,
            f"pictures of {len(series)} series ({first_few([f'{s}*' for s in series], 3)}); keep "
            "the frames of one video alone in a folder or archive",
        )
    by_number: dict[int, str] = {}
    for name, found in numbered:
        number = int(found[2]) if found else 0
        if number in by_number:
            raise VideoError(path, f"frame {number} is there twice: {by_number[number]} and {name}")
        by_number[number] = name
    _refuse_gaps(by_number, path)
    return [by_number[number] for number in sorted(by_number)]


def _refuse_gaps(by_number: dict[int, str], path: str) -> None:
    first, last = min(0 if 0 in by_number else 1, *by_number), max(by_number)
    absent = last - first + 1 - len(by_number)
    if absent:
        gap = next(number for number in range(first, last) if number not in by_number)
        raise VideoError(
            path,
            f"frame {gap} is absent, and {absent} of {first} to {last} in all; extract or fetch "
            "its frames again",
        )


def _base(name: str) -> str:
    return name.rpartition("/")[2]
