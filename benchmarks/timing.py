"""Interleaved timing of forward and backward passes."""

import statistics
import time
from collections.abc import Callable

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
