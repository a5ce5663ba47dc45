"""A timeline as a file: segments as CSV, JSON or subtitles, all classes over time as a picture."""

import csv
import json
from pathlib import Path
from typing import BinaryIO

from snl_video.errors import UsageError
from snl_video.inference.video_timeline import Segment, Timeline, clock
from snl_video.whole_files import whole_file, write_whole
from snl_video.wording import cell, utf8

SUFFIXES = (".csv", ".json", ".vtt", ".png")


def check_suffix(file: Path) -> None:
    """Raise UsageError unless `write_timeline` knows the suffix."""
    if file.suffix not in SUFFIXES:
        raise UsageError(f"{file}: a timeline is written as {', '.join(SUFFIXES)}")


def write_timeline(
    file: Path, timeline: Timeline, *, smooth: int = 3, min_score: float = 0.0
) -> None:
    """Write a timeline in the form that the suffix of the file names; see `SUFFIXES`.

    Args:
        file: .csv and .vtt (WebVTT, for players) hold the segments, .json the windows too, and
            .png draws the scores of the classes over time.
        timeline: what is written.
        smooth: see `Timeline.segments`, as the next.
        min_score: see there.
    """
    check_suffix(file)
    segments = timeline.segments(smooth=smooth, min_score=min_score)
    if file.suffix == ".png":
        with whole_file(file) as scratch:
            draw(scratch, timeline, segments, smooth)
        return
    if file.suffix == ".csv":
        with whole_file(file) as scratch, scratch.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(["start", "end", "class", "score"])
            writer.writerows(
                [f"{s.start:.3f}", f"{s.end:.3f}", cell(s.label), f"{s.score:.6f}"]
                for s in segments
            )
        return
    if file.suffix == ".json":
        values = timeline.to_dict(smooth=smooth, min_score=min_score)
        text = json.dumps(values, indent=1)
    else:
        text = subtitles(segments)
    write_whole(file, utf8(text) + "\n")


def subtitles(segments: list[Segment]) -> str:
    """Return WebVTT: one cue a segment, with its class and its score in percent."""
    cues = [
        f"{clock(s.start)} --> {clock(s.end)}\n{_cue(s.label)} {100 * s.score:.0f} %"
        for s in segments
    ]
    return "\n\n".join(["WEBVTT", *cues])


def draw(
    file: Path | BinaryIO,
    timeline: Timeline,
    segments: list[Segment],
    smooth: int,
    shown: int = 8,
) -> None:
    """Draw the scores of the classes that lead somewhere, at most `shown`, over time."""
    from matplotlib.figure import Figure

    weight: dict[str, float] = {}
    for segment in segments:
        time = segment.score * (segment.end - segment.start)
        weight[segment.label] = weight.get(segment.label, 0.0) + time
    names = sorted(weight, key=lambda name: -weight[name])[:shown]
    edges = timeline.edges()
    unit, length = ("seconds", 1) if edges[-1] < 120 else ("minutes", 60)
    edges = [second / length for second in edges]
    scores = timeline.smoothed(smooth)
    figure = Figure(figsize=(10, 1.2 + 0.5 * max(len(names), 1)), layout="constrained")
    axes = figure.add_subplot()
    rows = [scores[:, timeline.classes.index(name)].tolist() for name in names]
    if rows:
        mesh = axes.pcolormesh(
            edges, [i - 0.5 for i in range(len(rows) + 1)], rows, cmap="Blues", vmin=0, vmax=1
        )
        figure.colorbar(mesh, ax=axes, label="probability")
    axes.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names])
    axes.invert_yaxis()
    axes.set(xlabel=unit, title=Path(timeline.path).name.replace("$", r"\$"))
    figure.savefig(file, dpi=120)


def _cue(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
