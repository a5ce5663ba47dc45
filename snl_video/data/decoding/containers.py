"""Cheap checks of a video file before any decoder sees it: a few bytes, no decoding."""

from __future__ import annotations

import os
from typing import BinaryIO

from snl_video.data.addresses import is_address, open_address, why_unreadable
from snl_video.errors import VideoError

MAX_MISSING_BYTES = 0.05
"""Share of the promised bytes that may be missing at the end before a file counts as truncated."""

OTHERS = {
    b"\x89PNG": "a picture (PNG), not a video; remove it",
    b"\xff\xd8\xff": "a picture (JPEG), not a video; remove it",
    b"GIF8": "a picture (GIF), not a video; remove it",
    b"#EXTM3U": "a playlist (HLS), not a video; name a video file",
    b"ffconcat": "a list of files to join, not a video; name a video file",
}
"""First bytes of files that FFmpeg would read: as a video of one frame, or by other files."""

MATROSKA = b"\x1a\x45\xdf\xa3"
MATROSKA_SEGMENT = b"\x18\x53\x80\x67"


def check_file(path: str) -> None:
    """Refuse what is plainly not a whole video file.

    Raises:
        VideoError: missing, no file but a directory or a pipe, unreadable, empty, a picture, a
            playlist, or cut short.
    """
    if reason := _fault(path):
        raise VideoError(path, reason)


def _fault(path: str) -> str:
    """Why a file is not a whole video, "" where nothing is seen."""
    if is_address(path):
        return _fault_at_address(path)
    if not os.path.exists(path):
        return "no such file; check the path or the list that names it"
    if os.path.isdir(path):
        return "this is a directory, not a video file; name one file"
    if not os.path.isfile(path):
        return "this is a pipe or a device, not a video file; name one file"
    try:
        with open(path, "rb") as file:
            return _fault_of_content(file)
    except OSError as error:
        return f"cannot be read ({error.strerror}); check permissions"


def _fault_at_address(path: str) -> str:
    try:
        with open_address(path) as file:
            return _fault_of_content(file)
    except Exception as error:  # each kind of storage has errors of its own
        return why_unreadable(error)


def _fault_of_content(file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    promised = promised_bytes(file)
    if size == 0:
        return "the file is empty (0 bytes); fetch or write it again"
    for start, what in OTHERS.items():
        if head.startswith(start):
            return f"this is {what}"
    if promised is None:
        return "truncated: an MP4 without its index (moov box); fetch it again"
    if promised * (1 - MAX_MISSING_BYTES) > size:
        return f"truncated: {size} bytes of the {promised} it promises; fetch it again"
    return ""


def promised_bytes(file: BinaryIO) -> int | None:
    """Least size a file must have by its own header.

    Returns:
        bytes by an MP4's boxes, a RIFF header or a Matroska segment; 0 for other formats and files
        that do not say; None for an MP4 whose index is absent.
    """
    head = file.read(4096)
    if head[:4] == b"RIFF":
        return 8 + int.from_bytes(head[4:8], "little")
    if head[:4] == MATROSKA:
        return _matroska_bytes(head)
    return _mp4_bytes(file) if head[4:8] == b"ftyp" else 0


def _mp4_bytes(file: BinaryIO) -> int | None:
    size = file.seek(0, os.SEEK_END)
    end, kinds = 0, set()
    while end + 8 <= size:
        file.seek(end)
        box = file.read(16)
        length = int.from_bytes(box[:4], "big")
        if length == 1:
            length = int.from_bytes(box[8:16], "big")
        if length < 8:  # 0 means to the end of the file
            length = size - end
        end += length
        if end <= size:
            kinds.add(box[4:8])
    return end if b"moov" in kinds else None


def _matroska_bytes(head: bytes) -> int:
    """Size by the first two elements: the EBML header, and the segment that holds all else."""
    place = 4
    for _ in range(2):
        if place >= len(head) or head[place] == 0:
            return 0
        width = 9 - head[place].bit_length()
        value = int.from_bytes(head[place : place + width], "big") - (1 << 7 * width)
        place += width
        if value == (1 << 7 * width) - 1:  # unknown: written as a stream
            return 0
        place += value
        if head[place : place + 4] == MATROSKA_SEGMENT:
            place += 4
    return place
