"""Cheap checks of a video file before any decoder sees it: a few bytes, no decoding."""

from __future__ import annotations

import os

import av

from snl_video.data.errors import VideoError

MAX_MISSING_BYTES = 0.05
"""Share of the promised bytes that may be missing at the end before a file counts as truncated."""

EMPTY_PACKET_BYTES = 16
"""MPEG-4 packets below this size carry no picture: a dropped frame or the tail of a packed one."""


def check_file(path: str) -> None:
    """Refuse what is plainly not a whole video file.

    Raises:
        VideoError: missing, a directory, unreadable, empty, or cut short.
    """
    if not os.path.exists(path):
        raise VideoError(path, "no such file; check the path or the list that names it")
    if os.path.isdir(path):
        raise VideoError(path, "this is a directory, not a video file; name one file")
    try:
        size = os.path.getsize(path)
        promised = promised_bytes(path)
    except OSError as error:
        raise VideoError(path, f"cannot be read ({error.strerror}); check permissions") from error
    if size == 0:
        raise VideoError(path, "the file is empty (0 bytes); fetch or write it again")
    if promised * (1 - MAX_MISSING_BYTES) > size:
        raise VideoError(
            path, f"truncated: {size} bytes of the {promised} it promises; fetch it again"
        )


def promised_bytes(path: str) -> int:
    """Least size the file must have by its own MP4 boxes or RIFF header; 0 if it does not say."""
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            return 8 + int.from_bytes(head[4:8], "little")
        if head[4:8] != b"ftyp":
            return 0
        size, end = os.path.getsize(path), 0
        while end + 8 <= size:
            file.seek(end)
            box = file.read(16)
            length = int.from_bytes(box[:4], "big")
            if length == 1:
                length = int.from_bytes(box[8:16], "big")
            if length < 8:
                break
            end += length
        return end


def seeks_are_exact(path: str) -> bool:
    """Whether a decoder that seeks by packet number lands on the right frame.

    MP4, MOV, Matroska and WebM state the time of every frame. Anything else is trusted only when
    it holds no empty packet.
    """
    with open(path, "rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp" or head[:4] == b"\x1a\x45\xdf\xa3":
        return True
    try:
        with av.open(path, metadata_errors="ignore") as container:
            packets = container.demux(container.streams.video[0])
            return all(p.size >= EMPTY_PACKET_BYTES for p in packets if p.dts is not None)
    except (av.FFmpegError, IndexError, ValueError):
        return False
