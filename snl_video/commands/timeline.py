"""`snl-video timeline`: what happens when in a long video."""

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from snl_video.commands.command_parser import CommandParser
from snl_video.commands.freed_memory import keep_freed_memory
from snl_video.errors import UsageError
from snl_video.inference.engines.engine import Backend, Precision
from snl_video.inference.recognizer import load_model


def timeline(
    model: str,
    video: Path,
    output: list[Path] | None = None,
    annotate: Path | None = None,
    window: float | None = None,
    stride: float | None = None,
    smooth: int = 3,
    min_score: float = 0.0,
    views: str | None = None,
    device: str | None = None,
    backend: Backend | None = None,
    precision: Precision = "fp32",
    overwrite: bool = False,
) -> None:
    """Say what happens when in a video, of any length: a window slides over it.

      snl-video timeline kinetics400 film.mp4 --output [film.vtt,film.png] --annotate out.mp4

    It prints the segments. The video is read once and never kept, so hours need no more memory than
    a minute.

    Args:
        model: folder of a run, a checkpoint, a file of `snl-video export`, or kinetics400.
        video: the file.
        output: files to write: .csv, .json or .vtt (subtitles) of the segments, .png of the scores.
        annotate: a copy of the video with class and score on it, and with its sound.
        window: seconds; by default what one clip of the model spans.
        stride: seconds from one window to the next; by default half a window.
        smooth: windows that are averaged, an odd number.
        min_score: segments of a lower probability are left out.
        views: of each window, clips x crops; by default few on a CPU.
        device: cpu or cuda; by default a GPU if there is one.
        backend: torch, compile, openvino or onnxruntime; see predict.
        precision: fp32, or bf16 for a CPU or a GPU that has it.
        overwrite: replace files that exist.
    """
    from snl_video.inference.annotated_video import write_annotated
    from snl_video.inference.timeline_files import check_suffix, write_timeline

    files = output or []
    for file in files:
        check_suffix(file)
    for file in filter(None, [*files, annotate]):
        if file.exists() and not overwrite:
            raise UsageError(f"{file} exists; name another file, or add --overwrite true")
    recognizer = load_model(model, device=device, backend=backend, precision=precision)
    keep_freed_memory(recognizer.device)
    if views:
        recognizer = recognizer.with_views(views)
    console = Console(stderr=True)
    begin = time.monotonic()
    with console.status(f"reading {video}"):
        found = recognizer.timeline(video, window=window, stride=stride)
    seconds = found.seconds[-1][1]
    took = time.monotonic() - begin
    console.print(f"{len(found.seconds)} windows of {seconds:.0f} s of video in {took:.0f} s")
    segments = found.segments(smooth=smooth, min_score=min_score)
    for segment in segments:
        print(segment)
    for file in files:
        write_timeline(file, found, smooth=smooth, min_score=min_score)
        print(file)
    if annotate:
        write_annotated(video, segments, annotate)
        print(annotate)


def main(words: Sequence[str]) -> None:
    """Run the command."""
    usage = "MODEL VIDEO [--output [FILE,...]] [--annotate FILE] [--window S] [--stride S]"
    CommandParser("snl-video timeline", timeline, usage, words={"model": None, "video": None}).call(
        words
    )
