"""One shard: a tar file as WebDataset reads it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from snl_video.data.sharding.shard_index import BLOCK


class ShardFile:
    """A tar that is being written.

    A video is two members that follow each other, `000000012.json` and `000000012.mp4`: WebDataset
    takes for one sample what has the same name up to its first dot. The headers hold no time and no
    user, so that equal videos give equal shards.

    Args:
        path: the file to write.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def add(self, key: str, suffix: str, video: Path, told: Mapping[str, Any]) -> tuple[str, int]:
        """Copy a video, byte for byte.

        Args:
            key: name of the two members, without a dot.
            suffix: of the video's.
            video: the file.
            told: what the `.json` says of it.

        Returns:
            name of the video's member, and the offset of its first byte.
        """
        content = json.dumps(told).encode()
        self._tar.addfile(_header(f"{key}.json", len(content)), io.BytesIO(content))
        member, size = f"{key}.{suffix}", video.stat().st_size
        with video.open("rb") as file:
            self._tar.addfile(_header(member, size), file)
        return member, self._file.tell() - -(-size // BLOCK) * BLOCK

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._file.tell()

    def close(self) -> None:
        """Write the end."""
        self._tar.close()
        self._file.close()


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size = size
    header.mode = 0o444
    return header
