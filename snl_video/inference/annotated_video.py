"""A copy of a video on which its segments are written, with its sound."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageFont

from snl_video.data.decoding.streams import frames_of, open_stream, packets, rgb
from snl_video.errors import InputError
from snl_video.inference.video_timeline import Segment

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def write_annotated(path: str | Path, segments: Sequence[Segment], file: Path) -> None:
    """Write a video as H.264 with class and score in its lower left corner; the sound is copied.

    Frames are read, drawn on and written one by one.

    Args:
        path: the video.
        segments: what is written when.
        file: the copy; its suffix chooses the container, .mp4 for example.

    Raises:
        InputError: the copy would be the video itself, or its container can't hold the sound.
        VideoError: the video cannot be read.
    """
    if file.resolve() == Path(path).resolve():
        raise InputError(f"{file} is the video itself; name another file to write to")
    file.parent.mkdir(parents=True, exist_ok=True)
    with open_stream(str(path)) as (source, stream), av.open(str(file), "w") as target:
        rate = stream.average_rate or Fraction(25)
        start = float((stream.start_time or 0) * (stream.time_base or 0))
        width, height = stream.width - stream.width % 2, stream.height - stream.height % 2
        picture = target.add_stream("libx264", rate=rate, options={"crf": "20"})
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        sounds = source.streams.audio[:1]
        copies = {sound.index: target.add_stream_from_template(sound) for sound in sounds}
        font = ImageFont.load_default(size=max(height // 18, 10))
        for packet in packets(source, stream, *sounds):
            if packet.stream.index in copies:
                if packet.dts is not None:
                    packet.stream = copies[packet.stream.index]
                    target.mux(packet)
                continue
            for frame in frames_of(packet):
                image = Image.fromarray(rgb(frame, (stream.width, stream.height)))
                image = image.resize((width, height)) if image.size != (width, height) else image
                time = float(frame.time or 0) - start
                _write(image, _at(segments, time), font)
                drawn = av.VideoFrame.from_image(image)
                drawn.pts, drawn.time_base = frame.pts, frame.time_base
                target.mux(picture.encode(drawn))
        target.mux(picture.encode())


def _at(segments: Sequence[Segment], time: float) -> Segment | None:
    return next((s for s in segments if s.start <= time < s.end), None)


def _write(image: Image.Image, segment: Segment | None, font: Font) -> None:
    if segment is None:
        return
    draw = ImageDraw.Draw(image, "RGBA")
    text = f"{segment.label}  {100 * segment.score:.0f} %"
    margin = max(image.height // 60, 3)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    y = image.height - (bottom - top) - 4 * margin
    box = (margin, y, 3 * margin + right - left, image.height - margin)
    draw.rectangle(box, fill=(0, 0, 0, 170))
    draw.text((2 * margin - left, y + margin - top), text, font=font, fill="white")
