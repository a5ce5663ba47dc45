"""A part of a larger file that has an address of its own: a video inside a shard."""

from __future__ import annotations

import io
import os
import re
from typing import BinaryIO, NamedTuple

_PART = re.compile(r"(?P<file>.+)#(?P<name>[^#]*)@(?P<offset>\d+)\+(?P<size>\d+)", re.DOTALL)


class Part(NamedTuple):
    """Bytes of a file.

    Attributes:
        file: its address.
        name: what the part is called, for messages.
        offset: of its first byte.
        size: in bytes.
    """

    file: str
    name: str
    offset: int
    size: int

    @property
    def address(self) -> str:
        """All of it as one address: FILE#NAME@OFFSET+SIZE."""
        return f"{self.file}#{self.name}@{self.offset}+{self.size}"


def part_of(address: str) -> Part | None:
    """The part that an address names; None for that of a whole file."""
    found = _PART.fullmatch(address)
    if found is None:
        return None
    return Part(found["file"], found["name"], int(found["offset"]), int(found["size"]))


class FilePart(io.RawIOBase):
    """A part of an open file, to read and to seek as a file of its own.

    Args:
        file: the larger one, which is closed with the part.
        offset: of the first byte.
        size: in bytes.
    """

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        self._file, self._offset, self._size = file, offset, size
        self._place = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte of the part, as `io.IOBase.seek`."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]  # Buffer is of Python 3.12
        """Fill a buffer as far as the part goes, and return how many bytes that are."""
        left = max(self._size - self._place, 0)
        self._file.seek(self._offset + self._place)
        content = self._file.read(min(len(buffer), left))
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()
