"""Seconds of a fine-tuning step on a CPU, as a Markdown table.

The step is that of ``ucf101/finetune_cpu`` with an snl block: Inception-I3D, 8 clips of 32 frames
at 160 pixels, frozen up to Mixed_3c. Its settings are compared in one run, in turns: with freed
memory given back and kept, which need a process each, in float32 and in bfloat16.
"""

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import torch
from torch import Tensor

from snl_video.commands.freed_memory import keep_freed_memory
from snl_video.commands.video_trainer import bfloat16_unit
from snl_video.models import NonLocalSpec
from snl_video.training import OptimizerSpec, VideoClassifier
from snl_video.training.freeze_schedule import FreezeSchedule
from snl_video.training.optim import build_optimizer
from snl_video.weights import load_pretrained

PARTS = ("frozen forward", "trained forward", "backward", "optimiser")
FROZEN = "Mixed_3c"


@dataclass(frozen=True)
class Work:
    """The size of a step."""

    batch: int = 8
    frames: int = 32
    size: int = 160
    width: int = 64
    threads: int = 1
    weights: str | None = None
    """To start from; random ones by default."""


class FineTuning:
    """Steps on the same random clips, from the same weights.

    Args:
        work: its size.
        bfloat16: train in bf16-mixed.
    """

    def __init__(self, work: Work, bfloat16: bool) -> None:
        torch.manual_seed(0)
        spec = OptimizerSpec("adamw", lr=2e-4, weight_decay=0.05, block_lr=5.0, head_lr=10.0)
        self.model = VideoClassifier(
            "i3d_inception",
            10,
            width=work.width,
            dropout=0.0,
            non_local=NonLocalSpec(kind="snl"),
            optimizer=spec,
            channels_last=True,
        )
        if work.weights:
            load_pretrained(self.model.network, work.weights)
        self.schedule = FreezeSchedule(self.model.network, FROZEN, norm=True)
        self.schedule.apply(0)
        self.schedule.hold_norms()
        self.optimizer = build_optimizer(self.model.network, spec)
        shape = (work.batch, 3, work.frames, work.size, work.size)
        self.clips = torch.randint(256, shape, dtype=torch.uint8)
        self.labels = torch.arange(work.batch) % 10
        self.bfloat16 = bfloat16
        self.clock: Callable[[], float] = (
            time.process_time if work.threads == 1 else time.perf_counter
        )
        path = self.model.network.places[FROZEN].path
        self.model.network.trunk.get_submodule(path).register_forward_hook(self._note)
        self.times: list[float] = []

    def step(self) -> tuple[list[float], float]:
        """Return the seconds of each of `PARTS`, and the loss."""
        self.times = [self.clock()]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            loss: Tensor = self.model.loss(self.model(self.clips), self.labels)
        self._note()
        loss.backward()
        self._note()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._note()
        return [b - a for a, b in zip(self.times, self.times[1:], strict=False)], loss.item()

    def _note(self, *_: object) -> None:
        self.times.append(self.clock())


def serve_steps(connection: Connection, work: Work, keep: bool) -> None:
    """In a process of its own: answer each ``bfloat16`` with a step, until None comes."""
    torch.set_num_threads(work.threads)
    if keep:
        keep_freed_memory(torch.device("cpu"))
    steps = {bfloat16: FineTuning(work, bfloat16) for bfloat16 in (False, True)}
    while (bfloat16 := connection.recv()) is not None:
        connection.send(steps[bfloat16].step())


def measure(work: Work, rounds: int) -> dict[tuple[bool, bool], tuple[list[float], float]]:
    """Return (keep memory, bfloat16) -> median seconds of each of `PARTS`, and the first loss."""
    context = multiprocessing.get_context("spawn")
    workers = {}
    for keep in (False, True):
        ours, theirs = context.Pipe()
        process = context.Process(target=serve_steps, args=(theirs, work, keep), daemon=True)
        process.start()
        workers[keep] = process, ours
    found: dict[tuple[bool, bool], list[tuple[list[float], float]]] = {}
    for _ in range(rounds + 1):
        for keep, (_, connection) in workers.items():
            for bfloat16 in (False, True):
                connection.send(bfloat16)
                found.setdefault((keep, bfloat16), []).append(connection.recv())
    for process, connection in workers.values():
        connection.send(None)
        process.join()
    return {
        setting: (
            [statistics.median(part) for part in zip(*(s for s, _ in steps[1:]), strict=True)],
            steps[0][1],
        )
        for setting, steps in found.items()
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="after one that is not counted")
    for name, default in vars(Work()).items():
        kind = str if name == "weights" else int
        parser.add_argument(f"--{name}", type=kind, default=default)
    options = vars(parser.parse_args(argv))
    rounds = options.pop("rounds")
    work = Work(**options)
    clock = "of the processor" if work.threads == 1 else "of the clock"
    unit = bfloat16_unit() or "no instructions for bfloat16"
    print(f"torch {torch.__version__}, {work.threads} CPU thread(s), {unit}; i3d_inception + snl,")
    print(f"{work.batch} clips of {work.frames}x{work.size}x{work.size}, frozen up to {FROZEN};")
    print(f"seconds {clock}, medians of {rounds} interleaved rounds\n")
    print("| precision | freed memory | step | times faster |", *(f"{p} |" for p in PARTS), end="")
    print(" first loss |")
    print("|---" * (5 + len(PARTS)) + "|")
    found = measure(work, rounds)
    slowest = sum(found[False, False][0])
    for (keep, bfloat16), (parts, loss) in found.items():
        precision, memory = (
            "bf16-mixed" if bfloat16 else "32-true",
            "kept" if keep else "given back",
        )
        step = sum(parts)
        shares = "".join(f" {part:.2f} s, {part / step:.0%} |" for part in parts)
        print(
            f"| {precision} | {memory} | {step:.2f} s | {slowest / step:.2f} |{shares} {loss:.5f} |"
        )


if __name__ == "__main__":
    main()
