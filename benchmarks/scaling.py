"""What large lists and many scores cost, by simulation.

    python -m benchmarks.scaling
    python -m benchmarks.scaling --records 10000000 --videos 1000000 --classes 700

Lists are of addresses that are never opened. Scores are drawn at random, in two processes on this
machine, and made into a report as after a test. Lists and scores have a process of their own each,
so that their peaks of memory are their own.
"""

from __future__ import annotations

import argparse
import resource
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from benchmarks.blocks import row
from snl_video.data.formats import Shards
from snl_video.data.formats.csv_list import read_csv
from snl_video.data.sharding.shard_index import NAME, SCHEMA, ShardIndex
from snl_video.evaluation import Evaluation, VideoScores
from snl_video.evaluation.comparison import read_report
from snl_video.evaluation.report.write_report import write_report
from snl_video.evaluation.results import ScoredVideos

ROOT = "https://none.invalid/videos"
"""A web server can't tell what is in a folder, so a list of it is read without asking."""

BATCH = 64


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000, help="of the list")
    parser.add_argument("--videos", type=int, default=100_000, help="that are scored")
    parser.add_argument("--classes", type=int, default=400, help="scores of a video")
    options = parser.parse_args()
    row("what", "seconds", "peak of memory, GB", "kept in memory, GB", "on disk, GB")
    row(*["---"] * 5)
    with tempfile.TemporaryDirectory() as folder:
        file = write_list(Path(folder) / "list.csv", options.records)
        alone(read_list, file)
        alone(write_shards, Path(folder), options.records)
        alone(read_shards, Path(folder))
        alone(evaluate, Path(folder), options.videos, options.classes)


class Laps:
    """Prints a row a lap: its seconds, and the peak so far above that of the imports."""

    def __init__(self) -> None:
        self.before = peak()
        self.start = time.perf_counter()

    def end(self, what: str, kept: int = 0, disk: int = 0) -> None:
        """End a lap of which so many bytes are kept in memory and so many are on disk."""
        seconds = f"{time.perf_counter() - self.start:.1f}"
        row(what, seconds, *(f"{size / 1e9:.2f}" for size in (peak() - self.before, kept, disk)))
        self.start = time.perf_counter()


def peak() -> int:
    """Most bytes that this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def write_list(file: Path, count: int) -> Path:
    """Write "path,class" lines with names like those of Kinetics."""
    with file.open("w") as out:
        for number in range(count):
            label = number % 400
            out.write(f"class{label:03d}/{number:011d}_000010_000020.mp4,class{label:03d}\n")
    return file


def read_list(laps: Laps, file: Path) -> None:
    """Read a list."""
    records = read_csv(file, ROOT).records
    kept = records.nbytes  # type: ignore[attr-defined]
    laps.end(f"read a list of {len(records):,} videos", kept, file.stat().st_size)


def write_shards(_: Laps, root: Path, count: int) -> None:
    """Write the index of a training set in shards of 1,000 videos of 1 MB, and empty shards."""
    train, numbers = root / "train", np.arange(count)
    train.mkdir()
    size, more = 1_000_000, 2_048  # headers, .json and what fills up a block
    columns = {
        "id": [f"class{n % 400:03d}/{n:011d}_000010_000020.mp4" for n in range(count)],
        "label": numbers % 400,
        "shard": [f"{n // 1000:06d}.tar" for n in range(count)],
        "member": [f"{n:09d}.mp4" for n in range(count)],
        "offset": (numbers % 1000 * (size + more) + 1_536) // 512 * 512,
        "bytes": np.full(count, size),
        "frames": np.full(count, 300),
        "width": np.full(count, 340),
        "height": np.full(count, 256),
        "seekable": np.full(count, True),
    }
    rows = pa.table({f.name: columns.get(f.name, pa.nulls(count, f.type)) for f in SCHEMA})
    index = ShardIndex(rows.cast(SCHEMA), [f"class{n:03d}" for n in range(400)], flip=0.5)
    (train / NAME).write_bytes(index.to_bytes())
    for name, least in index.least_sizes().items():
        with (train / name).open("wb") as shard:
            shard.truncate(least)


def read_shards(laps: Laps, root: Path) -> None:
    """Read the index of shards, as a list and as what is known of its files."""
    shards = Shards(str(root))
    videos = shards.read("train")
    known = shards.index(videos, None)
    assert known is not None
    assert len(known) == len(videos)
    tables = sum(index.table.nbytes for index in shards._read.values())
    kept = videos.records.nbytes + known.nbytes + tables  # type: ignore[attr-defined]
    file = (root / "train" / NAME).stat().st_size
    laps.end(f"read the shards of {len(videos):,} videos, and their index", kept, file)


def evaluate(laps: Laps, folder: Path, videos: int, classes: int) -> None:
    """Score videos in two processes, write their report and read it for a comparison."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = (folder, videos, classes, port)
    other = mp.get_context("spawn").Process(target=scored, args=(1, *arguments))
    other.start()
    results = scored(0, *arguments)
    other.join()
    stored = 4 * videos * classes
    laps.end(f"score {videos:,} videos x {classes}, two processes", disk=2 * stored)
    names = [f"v_{number}" for number in range(videos)]
    case = Evaluation(results, names[:classes], names)
    report = write_report(folder / "report", case, {})
    laps.end("write their report", disk=sum(file.stat().st_size for file in report.iterdir()))
    read_report(report, "report")
    laps.end("read it for a comparison")


def scored(rank: int, folder: Path, videos: int, classes: int, port: int) -> ScoredVideos:
    """Score each second video, and gather."""
    where = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=where, rank=rank, world_size=2)
    scores = VideoScores(folder)
    for index in torch.arange(rank, videos, 2).split(BATCH):
        rows = torch.rand(len(index), classes)
        scores.update(index, index % classes, rows / rows.sum(1, True), torch.zeros(len(index)))
    results = scores.results(videos)
    dist.destroy_process_group()
    return results


def alone(work: Callable[..., None], *arguments: object) -> None:
    """Do work in a process of its own."""
    process = mp.get_context("spawn").Process(target=measured, args=(work, *arguments))
    process.start()
    process.join()


def measured(work: Callable[..., None], *arguments: object) -> None:
    """Do work, with laps that start here."""
    work(Laps(), *arguments)


if __name__ == "__main__":
    main()
