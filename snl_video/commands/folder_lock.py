"""One program at a time in a folder of results."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from snl_video.errors import InputError


@contextlib.contextmanager
def locked_folder(folder: Path, holder: str) -> Iterator[int]:
    """Hold a folder, which is made; see `held_file`."""
    with held_file(folder / "lock", folder, holder) as lock:
        yield lock


@contextlib.contextmanager
def held_file(file: Path, what: Path, holder: str, *, shared: bool = False) -> Iterator[int]:
    """Hold a file, which is made, until the end of the block; gives its descriptor.

    A process that inherits the descriptor holds the file too, until it ends.

    Args:
        file: to hold.
        what: it stands for, in the message.
        holder: who may hold it now, in the message.
        shared: others may hold it shared, and nobody alone.

    Raises:
        InputError: somebody holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with file.open("a+") as stream:  # a shared lock on NFS needs a file that can be read
        try:
            fcntl.flock(stream, how | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{what} is in use by {holder}; wait for it, or end it") from error
        yield stream.fileno()
