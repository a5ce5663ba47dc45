"""Files that are not whole videos, by the word that their error must hold."""

import os
from collections.abc import Callable
from pathlib import Path

from videos import write_audio, write_video


def _truncated(suffix: str, codec: str, share: float) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        whole = write_video(folder / f"whole{suffix}", codec=codec).read_bytes()
        path = folder / f"truncated{suffix}"
        path.write_bytes(whole[: int(len(whole) * share)])
        return path

    return write


def _with_bytes(data: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "bad.mp4"
        path.write_bytes(data)
        return path

    return write


def _directory(folder: Path) -> Path:
    path = folder / "folder.mp4"
    path.mkdir()
    return path


def _dangling(folder: Path) -> Path:
    path = folder / "dangling.mp4"
    path.symlink_to(folder / "nowhere.mp4")
    return path


def _pipe(folder: Path) -> Path:
    path = folder / "pipe.mp4"
    os.mkfifo(path)
    return path


BAD_FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "mp4 cut at 10 %": (_truncated(".mp4", "libx264", 0.1), "truncated"),
    "mp4 cut at 90 %": (_truncated(".mp4", "libx264", 0.9), "truncated"),
    "avi cut at 50 %": (_truncated(".avi", "mpeg4", 0.5), "truncated"),
    "mkv cut at 50 %": (_truncated(".mkv", "libx264", 0.5), "truncated"),
    "zero bytes": (_with_bytes(b""), "empty"),
    "text": (_with_bytes(b"this is not a video\n" * 100), "no video stream"),
    "noise": (_with_bytes(bytes(range(7, 256)) * 40), "no video stream"),
    "two bytes": (_with_bytes(b"RI"), "no video stream"),
    "audio only": (lambda folder: write_audio(folder / "sound.mp4"), "no video stream"),
    "directory": (_directory, "directory"),
    "named pipe": (_pipe, "pipe or a device"),
    "dangling link": (_dangling, "no such file"),
    "missing": (lambda folder: folder / "nowhere.mp4", "no such file"),
}
