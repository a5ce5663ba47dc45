"""An evaluation by Lightning whose network another engine runs."""

import time
from dataclasses import dataclass, field
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console
from torch import Tensor

from snl_video.errors import UsageError
from snl_video.inference.engines.build_engine import build_engine
from snl_video.inference.engines.engine import Backend, Engine, Precision
from snl_video.inference.engines.torch_engine import TorchEngine
from snl_video.training.batch import Batch
from snl_video.training.module import VideoClassifier
from snl_video.wording import markdown_table

BESIDE = 32
"""Videos of a test that the network in torch sees too."""


@dataclass
class Runner:
    """An engine with its clock; the first forward pass, in which it gets ready, does not count."""

    engine: Engine
    seconds: float = 0.0
    clips: int = 0
    right: int = 0
    logits: list[Tensor] = field(default_factory=list)
    _ready: bool = False

    @property
    def speed(self) -> float:
        """Clips a second, 0 where there was one forward pass only."""
        return self.clips / self.seconds if self.seconds else 0.0

    def __call__(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (V, 3, T, S, S) to logits (V, K)."""
        start = time.perf_counter()
        logits = self.engine(clips)
        if self._ready:
            self.seconds += time.perf_counter() - start
            self.clips += len(clips)
        self._ready = True
        return logits


class OtherEngine(pl.Callback):
    """Lets an engine run the network of an evaluation; in a test, torch in float32 beside it.

    Torch sees the first `BESIDE` videos too.

    Args:
        backend: see `build_engine`.
        precision: of it.

    Attributes:
        facts: what ran and, after a test, how it compares, for the report.
    """

    def __init__(self, backend: Backend, precision: Precision) -> None:
        self.backend, self.precision = backend, precision
        self.facts: dict[str, Any] = {"backend": f"{backend} {precision}"}
        self._runners: list[Runner] = []
        self._videos = self._agreed = 0

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the place of the module's forward pass, with the weights that it has by now.

        Raises:
            UsageError: the trainer has a precision of its own.
        """
        assert isinstance(pl_module, VideoClassifier)
        if trainer.precision != "32-true":
            raise UsageError(
                "with --backend the precision is that of --precision: add "
                "--trainer.precision 32-true"
            )
        network, testing = pl_module.network, trainer.testing

        def forward(clips: Tensor) -> Tensor:
            if not self._runners:
                sizes = {"num_frames": clips.shape[2], "size": clips.shape[3]}
                device = clips.device
                engine = build_engine(network, self.backend, self.precision, device=device, **sizes)
                self._runners = [Runner(engine), Runner(TorchEngine(network, device))]
            if not testing or self._videos >= BESIDE:
                return self._runners[0](clips).to(clips.device)
            for runner in self._runners:
                runner.logits.append(runner(clips))
            return self._runners[0].logits[-1].to(clips.device)

        pl_module.forward = forward  # type: ignore[method-assign]

    on_validation_start = on_predict_start = on_test_start

    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count what both say of the videos of a batch that both saw."""
        assert isinstance(pl_module, VideoClassifier)
        if self._videos >= BESIDE:
            return
        answers = []
        for runner in self._runners:
            logits = torch.cat(runner.logits).unflatten(0, batch["clips"].shape[:2])
            answers.append(pl_module.scores.average(logits).argmax(1))
            runner.right += num_right(answers[-1], batch)
            runner.logits.clear()
        self._agreed += int((answers[0] == answers[1]).sum())
        self._videos += len(answers[0])

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the comparison, and keep it for the report."""
        own, in_torch = self._runners
        self.facts |= {
            "videos_in_torch_too": self._videos,
            "same_best_class": self._agreed,
            "right": own.right,
            "right_in_torch": in_torch.right,
            "clips_per_second": round(own.speed, 3),
            "clips_per_second_in_torch": round(in_torch.speed, 3),
        }
        head = ["engine", f"right of the first {self._videos} videos", "clips/s"]
        rows = [(r.engine.name, str(r.right), f"{r.speed:.2f}") for r in self._runners]
        Console().print(markdown_table(head, rows), markup=False)


def num_right(answers: Tensor, batch: Batch) -> int:
    """How many of the classes (B,) are those of their videos, or among them."""
    answers = answers.to(batch["label"].device)
    if "target" in batch:
        return int(batch["target"].gather(1, answers[:, None]).sum())
    return int((answers == batch["label"]).sum())
