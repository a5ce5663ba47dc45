"""Files that attack or confuse a reader of videos."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.videos import numbered_frames, write_audio, write_video


def late_sound(folder: Path) -> Path:
    """An MPEG-TS of 150 frames whose sound begins after what FFmpeg looks at when it opens it."""
    noise = np.random.default_rng(0).integers(0, 255, (6, 240, 320, 3), dtype=np.uint8)
    mute = write_video(folder / "mute.ts", frames=noise, options={"qp": "1"}).read_bytes()
    sound = write_video(folder / "sound.ts", frames=noise, audio=True).read_bytes()
    path = folder / "late.ts"
    path.write_bytes(mute * 12 + sound + mute * 12)
    return path


def with_cover(path: Path, first: bool = False) -> Path:
    """An MP4 of 24 numbered frames and a cover picture, which is the first stream if `first`."""
    from av.stream import Disposition

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 320, 240, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        container.start_encoding()
        picture = av.Packet(_jpeg())
        picture.stream, picture.pts, picture.dts = cover, 0, 0
        picture.time_base = Fraction(1, 25)
        container.mux(picture)
        for image in numbered_frames(24):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(video.encode())
    if first:
        path.write_bytes(_tracks_last(path.read_bytes()))
    return path


def sound_with_cover(path: Path) -> Path:
    """An MP4 of sound alone with a cover picture."""
    from av.stream import Disposition

    with av.open(str(write_audio(path.with_name("plain.mp4")))) as plain:
        packets = [packet for packet in plain.demux(audio=0) if packet.size]
        with av.open(str(path), "w") as container:
            sound = container.add_stream_from_template(plain.streams.audio[0])
            cover = container.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 320, 240, "yuvj420p"
            cover.disposition = Disposition.attached_pic
            container.start_encoding()
            picture = av.Packet(_jpeg())
            picture.stream, picture.pts, picture.dts = cover, 0, 0
            picture.time_base = Fraction(1, 25)
            container.mux(picture)
            for packet in packets:
                packet.stream = sound
                container.mux(packet)
    return path


def growing(path: Path, size: tuple[int, int], codec: str = "libx264") -> Path:
    """An MPEG-TS whose second half has frames of another size."""
    small = write_video(path.with_name("small.ts"), 12, (48, 64), codec=codec)
    large = write_video(path.with_name("large.ts"), 12, size, codec=codec)
    path.write_bytes(small.read_bytes() + large.read_bytes())
    return path


def _jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (320, 240), (200, 30, 30)).save(buffer, "JPEG")
    return buffer.getvalue()


def _tracks_last(data: bytes) -> bytes:
    """An MP4 whose tracks stand behind its metadata, where the cover is."""
    start = data.index(b"moov") - 4
    end = start + int.from_bytes(data[start : start + 4], "big")
    boxes, place = [], start + 8
    while place < end:
        length = int.from_bytes(data[place : place + 4], "big")
        boxes.append(data[place : place + length])
        place += length
    boxes.sort(key=lambda box: box[4:8] == b"trak")
    return data[: start + 8] + b"".join(boxes) + data[end:]
