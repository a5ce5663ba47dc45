"""What large lists and many scores cost, by simulation.

    python -m benchmarks.scaling
    python -m benchmarks.scaling --records 10000000 --videos 400000 --classes 700

Lists are of addresses that are never opened. Scores are gathered by two processes on this machine.
Each row is measured in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from benchmarks.blocks import row
from snl_video.data.formats.csv_list import read_csv
from snl_video.evaluation.gathering import gather_rows

ROOT = "https://none.invalid/videos"
"""A web server can't tell what is in a folder, so a list of it is read without asking."""


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000, help="of the list")
    parser.add_argument("--videos", type=int, default=100_000, help="whose scores are gathered")
    parser.add_argument("--classes", type=int, default=400, help="scores of a video")
    options = parser.parse_args()
    row("what", "seconds", "peak of memory, GB", "kept, GB")
    row(*["---"] * 4)
    with tempfile.TemporaryDirectory() as folder:
        file = write_list(Path(folder) / "list.csv", options.records)
        row(f"read a list of {options.records:,} videos", *alone(read_list, file))
        scores = (options.videos // 2, options.classes)
        words = f"gather scores of {options.videos:,} videos x {options.classes}, two processes"
        row(words, *alone(gather, *scores))


def write_list(file: Path, count: int) -> Path:
    """Write "path,class" lines with names like those of Kinetics."""
    with file.open("w") as out:
        for number in range(count):
            label = number % 400
            out.write(f"class{label:03d}/{number:011d}_000010_000020.mp4,class{label:03d}\n")
    return file


def read_list(file: Path) -> float:
    """GB that the records of a list take in the end."""
    return read_csv(file, ROOT).records.nbytes / 1e9  # type: ignore[attr-defined]


def gather(rows: int, classes: int) -> float:
    """Gather random scores in two processes; GB of all of them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    other = mp.get_context("spawn").Process(target=gather_one, args=(1, port, rows, classes))
    other.start()
    size = gather_one(0, port, rows, classes)
    other.join()
    return size


def gather_one(rank: int, port: int, rows: int, classes: int) -> float:
    """One of two processes."""
    where = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=where, rank=rank, world_size=2)
    scores = torch.rand(rows, classes)
    dist.barrier()
    start = time.perf_counter()
    everything = gather_rows(list(scores.split(16)), torch.float32)
    seconds = time.perf_counter() - start
    dist.destroy_process_group()
    os.environ["SECONDS"] = str(seconds)
    return everything.nbytes / 1e9


def alone(work: Callable[..., float], *arguments: object) -> list[str]:
    """Seconds, peak of memory and what is kept, of work in a process of its own."""
    context = mp.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=measured, args=(results, work, *arguments))
    process.start()
    seconds, peak, kept = results.get()
    process.join()
    return [f"{seconds:.1f}", f"{peak:.2f}", f"{kept:.2f}"]


def measured(results: mp.Queue, work: Callable[..., float], *arguments: object) -> None:
    """Put seconds, peak of memory above that of the imports, and what work returns."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    kept = work(*arguments)
    seconds = float(os.environ.pop("SECONDS", time.perf_counter() - start))
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e9
    results.put((seconds, peak, kept))


if __name__ == "__main__":
    main()
