"""What a file is, without keeping a frame of it: for the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import av

from snl_video.data.decoding.backends import look
from snl_video.data.decoding.containers import check_file
from snl_video.data.decoding.reader import NOT_A_VIDEO
from snl_video.data.decoding.streams import is_data, open_stream, packets
from snl_video.errors import VideoError


@dataclass(frozen=True)
class Facts:
    """What a container says about its first video stream, and what was found in it.

    Attributes:
        codec: FFmpeg's name of it.
        frames: promised by the container: its packets.
        decoded: frames that decode, or None when that was not tried.
        fps: mean frames per second.
        width: pixels, before any rotation.
        height: pixels, before any rotation.
        seconds: duration.
        seekable: `backends.look`.
    """

    codec: str
    frames: int
    decoded: int | None
    fps: float
    width: int
    height: int
    seconds: float
    seekable: bool


def inspect(path: str, full: bool = False) -> Facts:
    """Read a file's packets, and decode them all if `full`.

    Raises:
        VideoError: it cannot be read; with `full`, also when nothing in it decodes.
    """
    check_file(path)
    with open_stream(path, None) as (container, stream):
        frames = decoded = 0
        for packet in packets(container, stream):
            frames += is_data(packet)
            if full:
                decoded += _count(packet)
        fps = float(stream.average_rate or 0)
        width, height, codec = stream.width, stream.height, stream.codec_context.name
        if not (frames and width and height) or (full and not decoded):
            raise VideoError(path, f"{NOT_A_VIDEO} (none of its frames decodes)")
    return Facts(
        codec=codec,
        frames=frames,
        decoded=decoded if full else None,
        fps=fps,
        width=width,
        height=height,
        seconds=frames / fps if fps else 0.0,
        seekable=look(path, None)[0],
    )


def _count(packet: av.Packet) -> int:
    try:
        return len(packet.decode())
    except av.FFmpegError:
        return 0
