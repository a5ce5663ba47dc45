"""`snl-video live`: what a camera, a URL or a file shows while it plays."""

import json
import math
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from snl_video.commands.command_parser import CommandParser
from snl_video.commands.freed_memory import keep_freed_memory
from snl_video.errors import UsageError
from snl_video.inference.recognizer import load_model


def live(
    model: str,
    source: str,
    output: Path | None = None,
    stride: float = 1.0,
    max_seconds: float = math.inf,
    timeout: float = 10.0,
    views: str | None = None,
    device: str | None = None,
    overwrite: bool = False,
) -> None:
    """Say what live video shows: a camera, an http or rtsp URL, or a file played at its own speed.

      snl-video live kinetics400 0 --stride 0.5
      snl-video live runs/mine rtsp://192.168.0.7/stream --output live.jsonl

    It looks at the newest clip again and again. A network that is slow gives fewer answers, never
    late ones: the frames that come meanwhile are dropped, and counted.

    Args:
        model: folder of a run, a checkpoint, or kinetics400.
        source: number of a camera (0 is /dev/video0), a URL, or a file.
        output: .jsonl with one object an answer: time, latency, class, score, dropped.
        stride: seconds from one answer to the next, at least.
        max_seconds: after which it ends; by default when the video does.
        timeout: seconds without a frame after which it gives up.
        views: only the crops count, as in 1x3; by default one crop on a CPU.
        device: cpu or cuda; by default a GPU if there is one.
        overwrite: replace the output.
    """
    from snl_video.inference.live_answers import watch
    from snl_video.inference.live_stream import LiveStream

    if output and output.suffix != ".jsonl":
        raise UsageError(f"{output}: answers are written as .jsonl")
    if output and output.exists() and not overwrite:
        raise UsageError(f"{output} exists; name another file, or add --overwrite true")
    recognizer = load_model(model, device=device)
    keep_freed_memory(recognizer.device)
    if views:
        recognizer = recognizer.with_views(views)
    with ExitStack() as stack:
        file = None
        if output:
            output.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(output.open("w", encoding="utf-8"))
        stream = stack.enter_context(LiveStream(source, recognizer.viewing, timeout))
        for answer in watch(recognizer, stream, stride=stride, seconds=max_seconds):
            print(answer, flush=True)
            if file:
                print(json.dumps(answer.to_dict()), file=file, flush=True)


def main(words: Sequence[str]) -> None:
    """Run the command."""
    usage = "MODEL SOURCE [--stride S] [--max_seconds S] [--output FILE]"
    CommandParser("snl-video live", live, usage, words={"model": None, "source": None}).call(words)
