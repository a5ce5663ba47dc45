"""Folders, here or at an address, that a command fills file by file and may be killed at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from snl_video.data.address_paths import AnyPath
from snl_video.data.addresses import names_in, split_name
from snl_video.errors import InputError
from snl_video.whole_files import whole_file

PLAN = "_plan.json"
"""What the files depend on; readers of Parquet folders pass over such a name."""


def files_in(url: str) -> set[str]:
    """Return the names of the files in a folder; no hidden ones, which are half written."""
    return {name for name in names_in(url) or () if not name.startswith(".")}


def begin(url: str, plan: Mapping[str, Any], what: str) -> set[str]:
    """Begin to fill a folder, or go on with one of the same plan.

    Args:
        url: the folder.
        plan: what the files depend on; kept beside them.
        what: the files are, for the message.

    Returns:
        names of the files that are there.

    Raises:
        InputError: files of another plan, or of none, are there.
    """
    there = files_in(url)
    if PLAN in there:
        _refuse_another(url, plan)
    elif there:
        raise InputError(f"{url} is not empty, and holds no {what}; name another")
    else:
        write_file(url, PLAN, json.dumps(plan, indent=2).encode())
    return there - {PLAN}


def _refuse_another(url: str, plan: Mapping[str, Any]) -> None:
    before = json.loads(read_file(url, PLAN))
    other = [name for name in plan if plan[name] != before.get(name)]
    if other:
        was = ", ".join(f"{name} was {before.get(name)!r}" for name in other)
        raise InputError(
            f"{url} was begun with other settings ({was}); call the same command again, or name "
            "another folder"
        )


def read_file(url: str, name: str) -> bytes:
    """Return what a file holds."""
    files, folder = fsspec.url_to_fs(url)
    return files.cat_file(f"{folder}/{name}")


def write_file(url: str, name: str, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with new_file(url, name) as scratch:
        scratch.write_bytes(content)


@contextmanager
def new_file(url: str, name: str) -> Iterator[Path]:
    """Give a local file to write, which is in the folder at the end of the block, whole.

    Raises:
        InputError: it can't be written to the address.
    """
    files, folder = fsspec.url_to_fs(url)
    if isinstance(files, LocalFileSystem):
        with whole_file(Path(folder) / name) as scratch:
            yield scratch
        return
    with TemporaryDirectory() as scratch_folder:
        scratch = Path(scratch_folder) / name
        yield scratch
        try:
            files.put_file(str(scratch), f"{folder}/{name}")
        except Exception as error:  # each kind of storage has errors of its own
            raise InputError(
                f"{url}/{name} can't be written ({type(error).__name__}: {error}); check address "
                "and keys, and call the same command again"
            ) from error


@contextmanager
def new_file_at(path: AnyPath) -> Iterator[Path]:
    """Give a local file to write, which is at a path at the end of the block; see `new_file`."""
    if isinstance(path, Path):
        with whole_file(path) as scratch:
            yield scratch
    else:
        with new_file(*split_name(path.address)) as scratch:
            yield scratch


def remove_file(url: str, name: str) -> None:
    """Remove a file."""
    files, folder = fsspec.url_to_fs(url)
    files.rm_file(f"{folder}/{name}")
