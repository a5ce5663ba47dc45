"""Files and folders that are written whole or not at all.

What is written stands beside its target until it is complete and on the disk, and then takes its
place by a rename: a program that is killed leaves the old one or the new one, never half of one.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path, previous: Path | None = None) -> Iterator[Path]:
    """Give a file to write to, which takes the place of ``path`` at the end of the block.

    Its name has the suffix of ``path``. An exception in the block removes it, and what a killed
    process of this machine left beside ``path`` is removed too.

    Args:
        path: its folder is made.
        previous: where the file that was there is kept.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    scratch = _scratch(path)
    try:
        yield scratch
        _to_disk(scratch)
        if previous and path.exists():
            _keep(path, previous)
        os.replace(scratch, path)
        _to_disk(path.parent)
    finally:
        scratch.unlink(missing_ok=True)


def previous_of(path: Path) -> Path:
    """Return where the checkpoint is kept that stood at a path before the last one."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def previous_in_words(path: Path) -> str:
    """Name the checkpoint before one that can't be read, for the end of a message."""
    previous = previous_of(path)
    return f"; the one before it is {previous}: name that one" if previous.is_file() else ""


def write_whole(path: Path, content: str) -> None:
    """Write a text file in UTF-8, whole or not at all; its folder is made."""
    with whole_file(path) as scratch:
        scratch.write_text(content, encoding="utf-8")


@contextlib.contextmanager
def swapped_folder(path: Path) -> Iterator[Path]:
    """Give a fresh folder to fill, which takes the place of ``path`` at the end of the block.

    No instant shows files of both: Linux exchanges the two at once. Elsewhere ``path`` is absent
    between two renames. What only the old folder holds is taken over.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    scratch, old = _scratch(path), _scratch(path, "old")
    scratch.mkdir()
    try:
        yield scratch
        if path.exists():
            shutil.copytree(path, scratch, True, copy_function=_take_over, dirs_exist_ok=True)
        for file in [*scratch.rglob("*"), scratch]:
            _to_disk(file)
        if path.exists() and not _exchange(scratch, path):
            os.rename(path, old)
        if not path.exists():
            os.rename(scratch, path)
        _to_disk(path.parent)
    finally:
        for folder in (scratch, old):
            shutil.rmtree(folder, ignore_errors=True)


def _take_over(source: str, target: str) -> None:
    """Give a file a place in another folder that has none of its name."""
    if not os.path.lexists(target):
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:  # a file system without hard links
            shutil.copy2(source, target, follow_symlinks=False)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names at once; False where the system can't."""
    at_working_folder, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of Linux
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    names = os.fsencode(first), os.fsencode(second)
    return rename is not None and not rename(
        at_working_folder, names[0], at_working_folder, names[1], exchange
    )


def _scratch(path: Path, kind: str = "new") -> Path:
    return path.with_name(f".{kind}-{_host()}-{os.getpid()}-{path.name}")


def _host() -> str:
    return socket.gethostname().replace("-", "_").replace("/", "_")


def _sweep(path: Path) -> None:
    """Remove what processes of this machine left beside ``path`` when they were killed."""
    for kind in ("new", "old"):
        for left in path.parent.iterdir():
            start, _, name = left.name.partition(f".{kind}-{_host()}-")[2].partition("-")
            if name == path.name and start.isdigit() and not is_alive(int(start)):
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Say whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _keep(path: Path, previous: Path) -> None:
    """Give a file a second name, without an instant in which it has none."""
    scratch = _scratch(previous)
    try:
        os.link(path, scratch)
    except OSError:  # a file system without hard links
        scratch = path
    os.replace(scratch, previous)


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():  # some network file systems don't sync folders
            raise
    finally:
        os.close(descriptor)
