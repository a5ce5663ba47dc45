"""Folders and files at addresses, with what formats of data sets need of `pathlib.Path`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Literal

import fsspec

from snl_video.data.addresses import (
    entries_in,
    is_address,
    join,
    local_copy,
    split_name,
    why_unreadable,
)
from snl_video.errors import AnnotationError

Kind = Literal["file", "folder", "absent"]


@dataclass(frozen=True, order=True)
class AddressPath:
    """A file or folder at an address. Its methods are those of `Path`, and ask the server.

    All but `open` and `read_text` raise AnnotationError where the server can't answer.

    Attributes:
        address: such as s3://bucket/ucf101.
        known: what it is, where a listing told it.
    """

    address: str
    known: Kind | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.address

    def __truediv__(self, part: str) -> AddressPath:
        return AddressPath(join(self.address, part))

    @property
    def name(self) -> str:
        """Its last part."""
        return split_name(self.address)[1]

    def exists(self) -> bool:
        """Whether something is there."""
        return self._kind() != "absent"

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self._kind() == "file"

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self._kind() == "folder"

    def entries(self) -> dict[str, int | None] | None:
        """What is in the folder: bytes of a file, None of a folder; see `names_in`."""
        with self._told():
            return entries_in(self.address)

    def iterdir(self) -> Iterator[AddressPath]:
        """What is in the folder."""
        entries = self.entries()
        if entries is None:
            raise AnnotationError(f"{self} can't be listed, since it is on a web server")
        for name, size in entries.items():
            yield AddressPath(join(self.address, name), "folder" if size is None else "file")

    def glob(self, pattern: str) -> Iterator[AddressPath]:
        """What is in the folder and has a name of this pattern."""
        return (path for path in self.iterdir() if fnmatchcase(path.name, pattern))

    def files_below(self) -> Iterator[str]:
        """Paths of all files below the folder, relative to it."""
        files, folder = fsspec.url_to_fs(self.address)
        with self._told():
            found = files.find(folder)
        start = f"{folder.rstrip('/')}/" if folder else ""
        return (name.removeprefix(start) for name in found)

    def is_fetched(self) -> bool:
        """Fetch the file, so that `open` needs no server; False where it is absent."""
        try:
            with self._told():
                local_copy(self.address)
        except FileNotFoundError:
            return False
        return True

    def open(
        self, mode: str = "r", *, encoding: str | None = None, newline: str | None = None
    ) -> IO:
        """Open a copy of the file, which is fetched once.

        Raises:
            Exception: whatever the file system raises.
        """
        return local_copy(self.address).open(mode, encoding=encoding, newline=newline)

    def read_text(self, encoding: str) -> str:
        """The text of the file; see `open`."""
        with self.open(encoding=encoding) as file:
            return file.read()

    def _kind(self) -> Kind:
        if self.known is not None:
            return self.known
        files, name = fsspec.url_to_fs(self.address)
        with self._told():
            try:
                return "folder" if files.info(name)["type"] == "directory" else "file"
            except (FileNotFoundError, NotADirectoryError):
                return "absent"

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            raise
        except Exception as error:  # each kind of storage has errors of its own
            raise AnnotationError(f"{self} {why_unreadable(error)}") from error


AnyPath = Path | AddressPath


def path_at(path: str | AnyPath) -> AnyPath:
    """The path of a local file or folder, or of one at an address."""
    if isinstance(path, AddressPath):
        return path
    return AddressPath(str(path)) if is_address(path) else Path(path)
