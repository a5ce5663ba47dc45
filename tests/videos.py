"""Tiny real videos for tests, whose frames show their own number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch

BITS = 8
DARK, BRIGHT = 40, 210


def numbered_frames(num_frames: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    """uint8 (T, H, W, 3); frame i shows the bits of i as dark and bright columns, lowest left."""
    height, width = size
    bits = (np.arange(num_frames)[:, None] >> np.arange(BITS)) & 1
    column = np.arange(width) * BITS // width
    gray = np.where(bits[:, column] == 1, BRIGHT, DARK).astype(np.uint8)
    return np.ascontiguousarray(
        np.broadcast_to(gray[:, None, :, None], (num_frames, height, width, 3))
    )


def read_numbers(frames: torch.Tensor | np.ndarray) -> list[int]:
    """The numbers that frames (T, H, W, 3) of any size show, which must not have been cropped."""
    gray = np.asarray(frames, dtype=np.float32).mean(axis=(1, 3))
    width = gray.shape[1]
    middles = [(2 * bit + 1) * width // (2 * BITS) for bit in range(BITS)]
    bits = gray[:, middles] > (DARK + BRIGHT) / 2
    return [int(number) for number in (bits << np.arange(BITS)).sum(axis=1)]


def write_video(
    path: str | Path,
    num_frames: int = 40,
    size: tuple[int, int] = (48, 64),
    fps: int = 25,
    codec: str = "libx264",
    audio: bool = False,
    frames: np.ndarray | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    times: Sequence[int] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a video whose frames are numbered, or the given frames.

    Args:
        path: the file; its suffix chooses the container.
        num_frames: at most 256.
        size: (height, width), even.
        fps: frames per second.
        codec: an FFmpeg encoder, "libx264" or "mpeg4" for example.
        audio: add a silent AAC track.
        frames: uint8 (T, H, W, 3) instead of numbered frames.
        options: of the encoder.
        container_options: of the container.
        pix_fmt: FFmpeg's name of the pixel format.
        times: presentation time of each frame in milliseconds, for a variable rate.
        metadata: tags of the container.

    Returns:
        The path.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if frames is None:
        frames = numbered_frames(num_frames, size)
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        stream.options = options or {}
        sound = container.add_stream("aac", rate=44100) if audio else None
        container.metadata.update(metadata or {})
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            _mux_silence(container, sound)
    return path


def write_audio(path: str | Path) -> Path:
    """Write a file with a silent AAC track and nothing else."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        _mux_silence(container, container.add_stream("aac", rate=44100))
    return path


def _mux_silence(container: av.container.OutputContainer, stream: av.AudioStream) -> None:
    for block in range(20):
        samples = np.zeros((1, 1024), dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 44100
        frame.pts = block * 1024
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def write_ucf101(
    root: str | Path, classes: tuple[str, ...] = ("Jump", "Run"), per_class: int = 3, **video: int
) -> Path:
    """Write a data set in UCF101's layout: in split 1, group 1 is the test set.

    Args:
        root: the folder.
        classes: class names.
        per_class: groups of one clip each.
        **video: arguments of `write_video`.
    """
    root = Path(root)
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    numbered = [f"{number} {name}" for number, name in enumerate(classes, 1)]
    (lists / "classInd.txt").write_text("\n".join(numbered) + "\n")
    names = []
    for name in classes:
        for group in range(1, per_class + 1):
            names.append(f"{name}/v_{name}_g{group:02d}_c01.mp4")
            write_video(root / "videos" / names[-1], **video)
    for split in (1, 2, 3):
        held_out = f"_g{split:02d}_"
        train = [
            f"{file} {classes.index(file.split('/')[0]) + 1}"
            for file in names
            if held_out not in file
        ]
        test = [file for file in names if held_out in file]
        (lists / f"trainlist{split:02d}.txt").write_text("\n".join(train) + "\n")
        (lists / f"testlist{split:02d}.txt").write_text("\n".join(test) + "\n")
    return root
