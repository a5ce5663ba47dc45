"""Random convolutions in bfloat16 against the same in float64.

A faulty one may write beyond its memory, so every case runs in a child process. As a program
(`python -m tests.models.convolution_fuzz 3000 --plain`) it prints the faults of this machine.
"""

import argparse
import math
import multiprocessing
import random
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import conv3d

from snl_video.models.safe_convolution import SafeConv3d, is_faulty_in_bfloat16

TOLERANCE = 0.015
"""Largest difference over the largest number; rounding to bfloat16 gives at most about 0.004."""

CONTEXT = multiprocessing.get_context("forkserver")
"""A child of this process would lose its threads, and may wait for them for ever."""
CONTEXT.set_forkserver_preload(["snl_video.models.safe_convolution"])


@dataclass(frozen=True)
class Case:
    """A convolution and its input (batch, in_channels, *size)."""

    batch: int
    in_channels: int
    out_channels: int
    kernel: tuple[int, int, int]
    stride: tuple[int, int, int]
    padding: tuple[int, int, int]
    size: tuple[int, int, int]
    channels_last: bool = False

    def layer(self, kind=nn.Conv3d):
        shape = self.in_channels, self.out_channels, self.kernel, self.stride, self.padding
        return kind(*shape, bias=False)

    @property
    def work(self):
        """About how many multiplications."""
        outputs = (max(1, n // s) for n, s in zip(self.size, self.stride, strict=True))
        channels = self.batch * self.in_channels * self.out_channels
        return channels * math.prod(self.kernel) * math.prod(outputs)

    @property
    def faulty(self):
        shape = self.out_channels, self.in_channels, *self.kernel
        return is_faulty_in_bfloat16(shape, self.stride, self.size)


def random_case(rng):
    """A case of at most 15 million multiplications."""
    while True:
        kernel = tuple(rng.choice([1, 1, 3, 3, 5, 7]) for _ in range(3))
        padding = tuple(rng.choice([0, k // 2, k // 2]) for k in kernel)
        size = (
            rng.choice([1, 2, 3, 4, 6, 8]),
            rng.choice([1, 2, 3, 5, 7, 8, 12, 16]),
            rng.choice([1, 2, 3, 4, 5, 7, 8, 12, 14, 16, 19, 20, 21, 24, 28, 32, 40]),
        )
        case = Case(
            batch=rng.choice([1, 2, 3]),
            in_channels=rng.choice([1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 32, 64]),
            out_channels=rng.choice([1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 32, 33, 64]),
            kernel=kernel,
            stride=tuple(rng.choice([1, 1, 2, 2, 3, 4]) for _ in range(3)),
            padding=padding,
            size=tuple(max(n, k - 2 * p) for n, k, p in zip(size, kernel, padding, strict=True)),
            channels_last=rng.random() < 0.5,
        )
        if case.work < 1.5e7:
            return case


def worst_error(case, kind=nn.Conv3d):
    """Largest relative error of output, input gradient and weight gradient; inf after a crash."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    child = CONTEXT.Process(target=_send_error, args=(theirs, case, kind))
    child.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        return math.inf
    finally:
        child.join()
        ours.close()


def _send_error(theirs, case, kind):
    torch.set_num_threads(1)
    theirs.send(_error(case, kind))


def _error(case, kind):
    """The same in this process."""
    torch.manual_seed(0)
    layout = torch.channels_last_3d if case.channels_last else torch.contiguous_format
    layer = case.layer(kind)
    weight = torch.randn(layer.weight.shape).bfloat16().float()
    x = torch.randn(case.batch, case.in_channels, *case.size).bfloat16()
    x = x.to(memory_format=layout).requires_grad_()
    layer.weight = nn.Parameter(weight.to(memory_format=layout))
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(x)
    above = torch.randn(output.shape).bfloat16().to(memory_format=layout)
    found = [output, *torch.autograd.grad(output, (x, layer.weight), above)]
    exact = x.detach().double().requires_grad_(), weight.double().requires_grad_()
    output = conv3d(*exact, None, case.stride, case.padding)
    true = [output, *torch.autograd.grad(output, exact, above.double())]
    errors = [
        ((a.double() - b).abs().max() / b.abs().max().clamp_min(1e-30)).nan_to_num(math.inf).item()
        for a, b in zip(found, true, strict=True)
    ]
    return max(errors)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="torch.nn.Conv3d, without the guard")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    counts = {True: [0, 0], False: [0, 0]}
    for _ in range(options.count):
        case = random_case(rng)
        wrong = worst_error(case, nn.Conv3d if options.plain else SafeConv3d) > TOLERANCE
        counts[case.faulty][wrong] += 1
        if wrong:
            print(case, "known" if case.faulty else "NOT KNOWN", flush=True)
    for known, (right, wrong) in counts.items():
        print(f"{'guarded' if known else 'other'} shapes: {right} right, {wrong} wrong")


if __name__ == "__main__":
    main()
