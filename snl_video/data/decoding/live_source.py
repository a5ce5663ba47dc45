"""Where live video comes from: a camera, a URL that the user named, or a file played as if live."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import av

from snl_video.data.decoding.containers import check_file
from snl_video.data.decoding.reader import NOT_A_VIDEO, video_errors
from snl_video.data.decoding.streams import CONTAINERS, open_stream, video_stream
from snl_video.errors import VideoError

PROTOCOLS = {
    "http": "http,https,httpproxy,tcp,tls,crypto,data",
    "https": "http,https,httpproxy,tcp,tls,crypto,data",
    "rtsp": "rtsp,rtp,srtp,udp,tcp",
    "rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
}
"""Scheme of a URL -> the protocols that FFmpeg may use for it; no playlist may name a file."""


def is_live(source: str) -> bool:
    """Whether a source is a camera or a URL, no file."""
    return source.isdigit() or "://" in source


@contextmanager
def open_live(
    source: str, timeout: float
) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a source of live video and its first video stream.

    Args:
        source: number of a camera (0 is /dev/video0), an http or rtsp URL, or a file.
        timeout: seconds that a network may be silent.

    Raises:
        VideoError: there is no such source, it is no video, or it falls silent.
    """
    if not is_live(source):
        check_file(source)
        with open_stream(source) as opened:
            yield opened
        return
    try:
        with (
            video_errors(source, NOT_A_VIDEO, "PyAV"),
            _open_network(source, timeout) if "://" in source else _open_camera(source) as live,
        ):
            yield live, video_stream(live, source)
    except VideoError as error:
        if isinstance(error.__cause__, av.error.ExitError):  # PyAV's name of a timeout
            raise silent(source, timeout) from error
        raise


def silent(source: str, timeout: float) -> VideoError:
    """Return the error of a source that sends no frame."""
    return VideoError(
        source, f"no frame came in time for {timeout:g} s; is it switched on and fast enough?"
    )


def _open_camera(number: str) -> av.container.InputContainer:
    path = f"/dev/video{number}"
    if not os.path.exists(path):
        raise VideoError(f"camera {number}", f"there is no {path}; `ls /dev/video*` lists them")
    return av.open(path, format="v4l2")


def _open_network(url: str, timeout: float) -> av.container.InputContainer:
    scheme = url.partition("://")[0].lower()
    if scheme not in PROTOCOLS:
        raise VideoError(url, f"live video comes by {', '.join(PROTOCOLS)}, not by {scheme}")
    options = {
        "protocol_whitelist": PROTOCOLS[scheme],
        "format_whitelist": f"{CONTAINERS} hls rtsp rtp sdp".replace(" ", ","),
    }
    if scheme.startswith("rtsp"):
        options["rtsp_transport"] = "tcp"
    return av.open(url, timeout=timeout, metadata_errors="ignore", options=options)
