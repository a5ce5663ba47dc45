"""Speed and memory of one GPU, as Markdown tables for whoever has one.

Networks: clips a second of training and of inference, and the peak memory. Blocks: SNL against the
same with an N x N matrix, and nl with `scaled_dot_product_attention`. Each in float32,
TensorFloat-32 and bfloat16.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from benchmarks.block_peers import Grid, MatrixSNL
from benchmarks.blocks import ms, name_of, row
from benchmarks.timing import Step, in_turns, step
from snl_video.blocks import build_block
from snl_video.models import NonLocalSpec
from snl_video.training import OptimizerSpec, VideoClassifier
from snl_video.training.optim import build_optimizer

NO_GPU = "this machine has no GPU that PyTorch can use: nothing to measure"
NETWORKS = (("i3d_r50", 8), ("slowfast_r50_8x8", 32), ("i3d_inception", 64))
PRECISIONS = ("float32", "TF32", "bfloat16")
EXTRAS: tuple[dict[str, Any], ...] = ({}, {"activation_checkpointing": True}, {"compile": True})


@dataclass(frozen=True)
class Work:
    """What is measured, and where."""

    device: torch.device
    batch: int = 8
    size: int = 224
    width: int = 64
    rounds: int = 10
    grid: Grid = (8, 28, 28)
    channels: int = 512
    networks: Sequence[tuple[str, int]] = NETWORKS
    extras: Sequence[dict[str, Any]] = EXTRAS


class Precision:
    """Computes within it in one of `PRECISIONS`."""

    def __init__(self, name: str, device: torch.device) -> None:
        self.autocast: AbstractContextManager = torch.autocast(
            device.type, torch.bfloat16, enabled=name == "bfloat16"
        )
        self.tf32 = name == "TF32"

    def __enter__(self) -> None:
        torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = self.tf32
        self.autocast.__enter__()

    def __exit__(self, *exception: object) -> None:
        self.autocast.__exit__(*exception)  # type: ignore[arg-type]
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = True


def networks(work: Work) -> None:
    """Clips a second, and memory."""
    row("network + snl", "precision", "settings", "training", "memory", "inference", "memory")
    row(*["---"] * 7)
    for backbone, frames in work.networks:
        for precision in PRECISIONS:
            for extra in work.extras:
                train, infer = network_steps(work, backbone, frames, precision, extra)
                cells = [f"{backbone} {frames}x{work.size}²", precision, ", ".join(extra) or "-"]
                for run in (train, infer):
                    seconds, memory = measured(work, run)
                    cells += [f"{work.batch / seconds:.1f} clips/s", f"{memory / 1e9:.2f} GB"]
                row(*cells)
    print()


def network_steps(
    work: Work, backbone: str, frames: int, precision: str, extra: dict[str, Any]
) -> tuple[Step, Step]:
    """A training step and an inference of one batch."""
    spec = OptimizerSpec(fused=work.device.type != "cpu" or None)
    model = VideoClassifier(
        backbone,
        400,
        width=work.width,
        non_local=NonLocalSpec(kind="snl"),
        channels_last=True,
        **extra,
    ).to(work.device)
    optimizer = build_optimizer(model.network, spec)
    clips = torch.randint(
        256,
        (work.batch, 3, frames, work.size, work.size),
        dtype=torch.uint8,
        device=work.device,
    )
    labels = torch.arange(work.batch, device=work.device)

    def train() -> None:
        model.train()
        with Precision(precision, work.device):
            loss = model.loss(model(clips), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    def infer() -> None:
        model.eval()
        with torch.inference_mode(), Precision(precision, work.device):
            model(clips)

    return train, infer


def blocks(work: Work) -> None:
    """Forward and backward of one block, in turns within a precision."""
    kinds: dict[str, Callable[[], nn.Module]] = {
        "snl": lambda: build_block("snl", work.channels),
        "snl as N x N": lambda: MatrixSNL(work.channels),
        "nl (SDPA)": lambda: build_block("nl", work.channels),
    }
    row(f"block, {name_of(work.grid)}, C = {work.channels}", "precision", "time", "x snl", "memory")
    row(*["---"] * 5)
    for precision in PRECISIONS:
        steps = {}
        for kind, build in kinds.items():
            x = torch.randn(1, work.channels, *work.grid, device=work.device, requires_grad=True)
            steps[kind] = block_step(build().to(work.device), x, precision)
        waiting = {kind: finished(run, work.device) for kind, run in steps.items()}
        times = in_turns(waiting, work.rounds, time.perf_counter)
        for kind, run in steps.items():
            memory = f"{peak(work.device, run) / 1e6:.0f} MB"
            row(kind, precision, ms(times[kind]), f"{times[kind] / times['snl']:.2f}", memory)
    print()


def block_step(block: nn.Module, x: torch.Tensor, precision: str) -> Step:
    """Forward and backward in a precision."""
    run = step(block, x, torch.randn_like(x))

    def within() -> None:
        with Precision(precision, x.device):
            run()

    return within


def measured(work: Work, run: Step) -> tuple[float, int]:
    """Median seconds of a step, and its peak of memory in bytes."""
    seconds = in_turns({"": finished(run, work.device)}, work.rounds, time.perf_counter)[""]
    return seconds, peak(work.device, run)


def finished(run: Step, device: torch.device) -> Step:
    """The step, until the device has done it."""

    def wait() -> None:
        run()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)

    return wait


def peak(device: torch.device, run: Step) -> int:
    """Most bytes that a step holds on a CUDA device; 0 elsewhere."""
    if device.type != "cuda":
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    run()
    return torch.cuda.max_memory_allocated(device)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables, or in one sentence that there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10, help="after one that is not counted")
    options = parser.parse_args(argv)
    if not torch.cuda.is_available():
        print(NO_GPU, file=sys.stderr)
        return
    device = torch.device("cuda")
    print(
        f"torch {torch.__version__}, {torch.cuda.get_device_name(device)}, batch {options.batch},"
    )
    print(f"medians of {options.rounds} rounds\n")
    work = Work(device, options.batch, rounds=options.rounds)
    networks(work)
    blocks(work)


if __name__ == "__main__":
    main()
