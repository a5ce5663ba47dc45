"""Files that are not whole videos, by the word that their error must hold."""

import os
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.videos import write_audio, write_video


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


def _header_only(folder: Path) -> Path:
    path = folder / "header.avi"
    path.write_bytes(write_video(folder / "whole.avi", codec="mpeg4").read_bytes()[:2048])
    return path


def _without_moov(folder: Path) -> Path:
    whole = write_video(folder / "whole.mp4").read_bytes()
    path = folder / "bad.mp4"
    path.write_bytes(whole[: whole.index(b"moov") - 4])
    return path


def _png(folder: Path) -> Path:
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = 64, 48, "rgb24", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
    path = folder / "picture.mp4"
    path.write_bytes(b"".join(bytes(packet) for packet in codec.encode(frame)))
    return path


def _no_frames(folder: Path) -> Path:
    path = folder / "nothing.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    return path


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
    "mp4 cut at 50 %": (_truncated(".mp4", "libx264", 0.5), "truncated"),
    "mp4 cut at 90 %": (_truncated(".mp4", "libx264", 0.9), "truncated"),
    "avi cut at 50 %": (_truncated(".avi", "mpeg4", 0.5), "truncated"),
    "mkv cut at 50 %": (_truncated(".mkv", "libx264", 0.5), "truncated"),
    "header only": (_header_only, "truncated"),
    "moov missing": (_without_moov, "without its index"),
    "zero frames": (_no_frames, "no video stream"),
    "PNG renamed": (_png, "this is a picture"),
    "zero bytes": (_with_bytes(b""), "empty"),
    "text": (_with_bytes(b"this is not a video\n" * 100), "no video stream"),
    "random bytes": (_with_bytes(random.Random(0).randbytes(20000)), "no video stream"),
    "two bytes": (_with_bytes(b"RI"), "no video stream"),
    "audio only": (lambda folder: write_audio(folder / "sound.mp4"), "no video stream"),
    "directory": (_directory, "directory"),
    "named pipe": (_pipe, "pipe or a device"),
    "dangling link": (_dangling, "no such file"),
    "missing": (lambda folder: folder / "nowhere.mp4", "no such file"),
}
