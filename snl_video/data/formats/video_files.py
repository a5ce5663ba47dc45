"""Finding video files by name without asking the file system once per video."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from snl_video.data.address_paths import AddressPath, AnyPath
from snl_video.data.addresses import is_address, join, names_in, split_name
from snl_video.data.decoding.frame_files import ARCHIVES
from snl_video.errors import AnnotationError

_SUFFIXES = "3gp avi flv m4v mkv mov mp4 mpeg mpg ts webm wmv"
VIDEO_SUFFIXES = frozenset(f".{name}" for name in _SUFFIXES.split())


def is_video_name(name: str) -> bool:
    """Whether a file name ends like a video's and is not hidden."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES


class VideoFolder:
    """A folder whose sub-folders are each listed once, when first asked about."""

    def __init__(self, root: str | AnyPath) -> None:
        self.root = str(root)
        self._names: dict[str, set[str] | None] = {}
        self._stems: dict[str, dict[str, str]] = {}
        self._folders: set[str] = set()  # at an address

    def find(self, relative: str) -> str | None:
        """Path of a file given relative to the root, "/" between parts.

        The exact name wins; else a video of the same stem, so that a list that says `.avi` finds
        the `.mp4` it was converted to; else frames of that name: a folder, tar or zip. None when
        there is none of these. Where a server can't tell what is there, the list is trusted.

        Raises:
            AnnotationError: it is frames, and at an address.
        """
        split = split_name if is_address(relative) else os.path.split
        folder, name = split(relative)
        names, stems = self._list(folder)
        if names is None:
            return join(self.root, relative)
        if name not in names:
            stem, suffix = os.path.splitext(name)
            known = suffix.lower() in VIDEO_SUFFIXES
            stem = stem if known else name
            frames = (f"{stem}{suffix}" for suffix in ("", *ARCHIVES))
            found = stems.get(stem) or next((name for name in frames if name in names), None)
            if found is None:
                return None
            name = found
        path = join(self.root, folder, name)
        if is_address(path) and (path in self._folders or name.lower().endswith(ARCHIVES)):
            raise AnnotationError(
                f"{path} is a folder or archive of frames, which are read from local disks only; "
                "copy the data set, or encode it as video files"
            )
        return path

    def _list(self, folder: str) -> tuple[set[str] | None, dict[str, str]]:
        if folder not in self._names:
            path = join(self.root, folder)
            entries = AddressPath(path).entries() if is_address(path) else None
            inside = (entries or {}).items()
            self._folders |= {join(path, name) for name, size in inside if size is None}
            names = names_in(path) if entries is None else list(entries)
            self._names[folder] = None if names is None else set(names)
            videos = [name for name in sorted(names or (), reverse=True) if is_video_name(name)]
            self._stems[folder] = {os.path.splitext(name)[0]: name for name in videos}
        return self._names[folder], self._stems[folder]


def videos_below(folder: AnyPath) -> list[str]:
    """Sorted paths of all videos below a folder; see `files_below`."""
    return sorted(name for name in files_below(folder) if is_video_name(name.rpartition("/")[2]))


def files_below(folder: AnyPath) -> Iterator[str]:
    """Paths of all files below a folder, relative to it, "/" between parts.

    Hidden files and folders, those with a dot before their name, are passed over. Links are
    followed; a folder that they reach again is read once, and one above `folder` not at all.

    Raises:
        AnnotationError: a folder cannot be read.
    """
    if isinstance(folder, AddressPath):
        yield from (name for name in folder.files_below() if not _is_hidden(name))
        return
    seen = {str(parent) for parent in Path(os.path.realpath(folder)).parents}
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = PurePosixPath(Path(parent).relative_to(folder).as_posix())
        yield from (str(relative / name) for name in names if not name.startswith("."))


def first_dir(*candidates: AnyPath) -> AnyPath | None:
    """The first candidate that is a folder."""
    return next((path for path in candidates if path.is_dir()), None)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _refuse(error: OSError) -> None:
    raise AnnotationError(
        f"{error.filename} cannot be read ({error.strerror}); check permissions, or move it away"
    ) from error
