"""Interleaved timing and peak memory of one forward and backward pass."""

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor, nn

Step = Callable[[], object]


def step(block: nn.Module, x: Tensor, seed: Tensor) -> Step:
    """Forward and backward of the block on x, `seed` being the gradient of the output."""

    def run() -> None:
        x.grad = None
        block.zero_grad(set_to_none=True)
        block(x).backward(seed)

    return run


def in_turns(
    steps: dict[str, Step], rounds: int, clock: Callable[[], float] | None = None
) -> dict[str, float]:
    """Median seconds of each step over interleaved rounds, after one that is not counted.

    By default and with one thread these are seconds of the processor, which other programs do not
    lengthen.
    """
    if clock is None:
        clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name, run in steps.items():
            start = clock()
            run()
            if number:
                seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def extra_memory(make: Callable[..., Step], *arguments: object) -> int:
    """Bytes that the step `make(*arguments)` adds to the peak of a fresh process."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(sender, make, arguments))
    process.start()
    sender.close()
    try:
        return int(receiver.recv())
    finally:
        process.join()


def _measure(sender: Connection, make: Callable[..., Step], arguments: tuple[object, ...]) -> None:
    run = make(*arguments)
    before = _peak_bytes()
    run()
    sender.send(_peak_bytes() - before)


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():  # getrusage also counts the parent's peak there
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
