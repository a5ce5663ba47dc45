"""What a file is, without keeping a frame of it: for the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import av

from snl_video.data.decoding.backends import look
from snl_video.data.decoding.containers import check_file
from snl_video.data.decoding.frame_files import holds_frames
from snl_video.data.decoding.frames_reader import FramesReader
from snl_video.data.decoding.reader import NOT_A_VIDEO
from snl_video.data.decoding.streams import is_data, open_stream, packets
from snl_video.errors import VideoError


@dataclass(frozen=True)
class Facts:
    """What a container says about its first video stream, and what was found in it.

    Attributes:
        codec: FFmpeg's name of it; "pictures" for a folder or archive of frames.
        frames: promised by the container: its packets, or the pictures there are.
        decoded: frames that decode, or None when that was not tried.
        fps: mean frames per second; 0 where nothing tells it, as for pictures.
        width: pixels, before any rotation.
        height: pixels, before any rotation.
        seconds: duration; 0 where nothing tells it.
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
        VideoError: it cannot be read; with `full`, also when nothing in it decodes, or a picture
            of a frame is damaged.
    """
    if holds_frames(path):
        return _of_pictures(FramesReader(path), full)
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


def _of_pictures(reader: FramesReader, full: bool) -> Facts:
    frames, width, height = reader.num_frames, reader.width, reader.height
    decoded = sum(1 for _ in reader) if full else None
    return Facts("pictures", frames, decoded, 0.0, width, height, 0.0, seekable=True)


def _count(packet: av.Packet) -> int:
    try:
        return len(packet.decode())
    except av.FFmpegError:
        return 0
