"""Features of videos in a folder: computed once, kept in shards, read with three lines of NumPy.

    features.json                      what they are features of
    shard-00000000-00000063.safetensors
    shard-00000064-00000064.safetensors
    videos.csv                         which videos, in which shard

A shard maps the name of a video to its float16 features; its header has a row for each of its
videos, those without features too. A video gets a shard of its own as soon as it is known, and
full groups of such shards are joined. Every file is written whole or not at all, so a program that
is killed loses nothing but the video that it was at.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from snl_video.errors import InputError
from snl_video.whole_files import whole_file, write_whole
from snl_video.wording import cell, flatten, utf8

ABOUT = "features.json"
INDEX = "videos.csv"
VIDEOS_OF_A_SHARD = 64
_NAME = re.compile(r"shard-(\d{8})-(\d{8})\.safetensors")


@dataclass(frozen=True)
class FeatureRow:
    """One video of a folder.

    Attributes:
        video: its name.
        reason: why there are no features of it; "" where there are.
    """

    video: str
    reason: str = ""


class FeatureFiles:
    """The features in a folder.

    Args:
        folder: as `write` of another object filled it.

    Attributes:
        settings: what the features depend on.
        origin: where they come from, in words of the program that wrote them.
        rows: name of a video -> its row, in the order in which they were computed.

    Raises:
        InputError: the folder holds no features, or a file of it is damaged or of other features.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        about = self.folder / ABOUT
        try:
            content = json.loads(about.read_text(encoding="utf-8"))
            self.settings: dict[str, Any] = content["settings"]
            self.origin: dict[str, Any] = content["origin"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{about} can't be read ({type(error).__name__}: {error}); features are written by "
                "`snl-video features`"
            ) from error
        self.key = key_of(self.settings)
        self.rows: dict[str, FeatureRow] = {}
        self._shard_of: dict[str, Path] = {}
        for shard in _shards(self.folder):
            self._take_up(shard)

    @classmethod
    def begin(
        cls, folder: str | Path, settings: Mapping[str, Any], origin: Mapping[str, Any]
    ) -> "FeatureFiles":
        """Open a folder to write to, a new one or one of the same settings.

        Args:
            folder: is made.
            settings: plain values that the features depend on.
            origin: plain values that are kept beside them.

        Raises:
            InputError: the folder holds features of other settings, or is damaged.
        """
        about = Path(folder) / ABOUT
        if about.exists():
            there = cls(folder)
            ours, theirs = dict(flatten(settings)), dict(flatten(there.settings))
            differing = [
                f"{name} {theirs.get(name, 'unset')}, now {ours.get(name, 'unset')}"
                for name in sorted({*ours, *theirs})
                if ours.get(name) != theirs.get(name)
            ]
            if differing:
                raise InputError(
                    f"{folder} holds features of other settings ({'; '.join(differing[:3])}); "
                    "name another folder, or delete it"
                )
            return there
        content = {"settings": dict(settings), "origin": dict(origin)}
        write_whole(about, json.dumps(content, indent=1) + "\n")
        return cls(folder)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, video: str) -> np.ndarray:
        """Features of a video, float16, one row a view.

        Raises:
            KeyError: there are none of it.
        """
        name = utf8(video)
        if self.rows[name].reason:
            raise KeyError(video)
        with safe_open(self._shard_of[name], "np") as shard:
            return shard.get_tensor(name)

    def add(self, video: str, features: np.ndarray | None, reason: str = "") -> None:
        """Keep the features of a video, or why there are none; on the disk when this returns.

        A video of which there were no features may come again.

        Raises:
            InputError: they are not finite in float16.
        """
        row = FeatureRow(utf8(video), reason)
        tensors = {}
        if features is not None:
            tensors[row.video] = as_float16(video, features)
        number = max((last for _, last in map(_range, _shards(self.folder))), default=-1) + 1
        self._write(number, number, tensors, [row])
        if (number + 1) % VIDEOS_OF_A_SHARD == 0:
            self._join(number + 1 - VIDEOS_OF_A_SHARD, number)

    def write_index(self) -> None:
        """Write videos.csv, a line for each video: its name, its shard, and why it has none."""
        lines = ((self._shard_of[name].name, row) for name, row in self.rows.items())
        with whole_file(self.folder / INDEX) as scratch:
            scratch.write_bytes(index_text(lines).encode())

    def _write(
        self,
        first: int,
        last: int,
        tensors: Mapping[str, np.ndarray],
        rows: Sequence[FeatureRow],
    ) -> None:
        path = self.folder / shard_name(first, last)
        with whole_file(path) as scratch:
            save_file(dict(tensors), scratch, header_of(self.key, rows))
        for row in rows:
            self.rows[row.video], self._shard_of[row.video] = row, path

    def _join(self, first: int, last: int) -> None:
        """Put shards of one video each into one."""
        parts = [s for s in _shards(self.folder) if first <= _range(s)[0] and _range(s)[1] <= last]
        tensors: dict[str, np.ndarray] = {}
        rows: dict[str, FeatureRow] = {}
        for part in parts:
            with safe_open(part, "np") as shard:
                rows |= {row.video: row for row in rows_of(shard.metadata())}
                tensors |= {name: shard.get_tensor(name) for name in shard.keys()}  # noqa: SIM118
        self._write(first, last, tensors, list(rows.values()))
        for part in parts:
            part.unlink()

    def _take_up(self, path: Path) -> None:
        try:
            with safe_open(path, "np") as shard:
                header = shard.metadata()
            rows, key = list(rows_of(header)), header["key"]
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} is damaged ({type(error).__name__}: {error}); delete it, and call the "
                "same `snl-video features` again: it computes what is missing"
            ) from error
        if key != self.key:
            raise InputError(f"{path} holds features of other settings than {ABOUT} beside it")
        for row in rows:
            self.rows[row.video], self._shard_of[row.video] = row, path


def key_of(settings: Mapping[str, Any]) -> str:
    """Hash of settings: equal ones have equal hashes anywhere."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def shard_name(first: int, last: int) -> str:
    """Return the name of a shard by the numbers of its first and last video."""
    return f"shard-{first:08d}-{last:08d}.safetensors"


def header_of(key: str, rows: Sequence[FeatureRow]) -> dict[str, str]:
    """Return what a shard tells of itself: its settings' `key_of`, and its videos."""
    return {"key": key, "videos": json.dumps([asdict(row) for row in rows])}


def as_float16(video: str, features: np.ndarray) -> np.ndarray:
    """Return features as they are kept.

    Raises:
        InputError: they are not finite in float16.
    """
    half = np.ascontiguousarray(features, np.float16)
    if not np.isfinite(half).all():
        raise InputError(f"the features of {video} are not finite in float16: take another place")
    return half


def index_text(lines: Iterable[tuple[str, FeatureRow]]) -> str:
    """Return what videos.csv holds of the videos, each with the name of its shard."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["video", "shard", "reason"])
    writer.writerows([cell(row.video), shard, cell(row.reason)] for shard, row in lines)
    return text.getvalue()


def _shards(folder: Path) -> list[Path]:
    """The shards in order, without those that were joined to another one."""
    found = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    whole = [_range(path) for path in found if _range(path)[0] != _range(path)[1]]
    kept = []
    for path in found:
        first, last = _range(path)
        if first == last and any(low <= first <= high for low, high in whole):
            path.unlink()  # left by a program that was killed after joining
        else:
            kept.append(path)
    return kept


def _range(path: Path) -> tuple[int, int]:
    match = _NAME.fullmatch(path.name)
    assert match
    return int(match[1]), int(match[2])


def rows_of(header: Mapping[str, str]) -> Iterator[FeatureRow]:
    """Yield the videos of a shard, from its header."""
    yield from (FeatureRow(**row) for row in json.loads(header["videos"]))
