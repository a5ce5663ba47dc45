"""One cell of the table on relations: a small network trained from scratch on generated clips."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.relation_networks import BLOCK_RATE, build_row
from snl_video.data.synthetic.relations import RelationsSettings, clip_frames
from snl_video.models import VideoNetwork, inserted_blocks
from snl_video.models.summary import summarise

BATCH = 16
LEARNING_RATE = 5e-3
"""At its peak. With 1e-2 networks lost in the middle of training what they had learnt."""

WEIGHT_DECAY = 0.01
LARGEST_NORM = 1.0
"""Of the gradient of a step."""

EVERY = 50
"""Steps from one look at the validation clips to the next."""

VALIDATION, TEST = 200, 500
"""Clips."""

SOLVED = 0.99
"""Training ends early where two looks in a row have at least this share right."""

TRAINING_SEED, VALIDATION_SEED, TEST_SEED = 1000, 1, 2
"""Of the generator: seed s trains on clips of TRAINING_SEED + s. No clip is in two lists."""


@dataclass(frozen=True)
class Question:
    """What is asked of the clips, and how many steps it may be trained for."""

    settings: RelationsSettings
    steps: int


def _question(steps: int, **settings: Any) -> Question:
    return Question(RelationsSettings(num_frames=8, **settings), steps)


GRADED = {
    "two colours": _question(300, task="same_different", colours=2),
    "four colours": _question(600, task="same_different", colours=4),
    "eight colours": _question(600, task="same_different", colours=8),
    "rings": _question(600, task="same_different", colours=4, distractors=2),
    "varied grounds": _question(600, task="same_different", colours=4, ground="varied"),
}
"""Are the two squares of one colour? Every row is asked these."""

HARDER = {
    "odd one out": _question(600, task="odd_one_out", colours=2),
    "recall": _question(600, task="recall", colours=2),
    "counting": _question(600, task="counting", colours=2, size=48, side=8),
    "binding": _question(600, task="binding", colours=2),
    "sequence": _question(600, task="sequence", colours=2),
    "order": _question(1000, task="order", colours=3),
}
"""Three places or more have to be compared, or two features of each: a few rows are asked these."""

QUESTIONS = {**GRADED, **HARDER}


@dataclass(frozen=True)
class Cell:
    """One training."""

    backbone: str
    place: str
    question: str
    row: str
    seed: int

    @property
    def name(self) -> str:
        """Of its file, without the suffix."""
        words = (self.backbone, self.place, self.question, self.row, f"seed{self.seed}")
        return "-".join(words).replace(" ", "_")

    def settings(self) -> dict[str, Any]:
        """What a result depends on, beside the code."""
        return {
            **asdict(self),
            **asdict(QUESTIONS[self.question]),
            "learning_rate": LEARNING_RATE,
            "validation": VALIDATION,
            "test": TEST,
        }


@dataclass
class Result:
    """What came of a cell.

    Attributes:
        right: of `TEST` fresh clips.
        looks: share right of the validation clips after each `EVERY` steps.
        seconds_per_step: of the processor, clips included.
        gmacs: multiply-adds of one clip, 1e9.
        parameters: of the network.
        gain: mean magnitude of the gains of the block's last norm; None without a block.
    """

    right: int
    looks: list[float] = field(default_factory=list)
    seconds_per_step: float = math.nan
    gmacs: float = math.nan
    parameters: int = 0
    gain: float | None = None

    def steps_to(self, share: float) -> int | None:
        """Steps to the first look with at least this share right; None where there is none."""
        there = (number for number, seen in enumerate(self.looks, start=1) if seen >= share)
        return next((EVERY * number for number in there), None)


def train_cell(cell: Cell) -> Result:
    """Train and test one cell; the same cell gives the same result."""
    question = QUESTIONS[cell.question]
    settings = question.settings
    torch.manual_seed(cell.seed)
    network = build_row(cell.row, cell.backbone, len(settings.classes), cell.place)
    groups = parameter_groups(network, BLOCK_RATE.get(cell.row, 1.0))
    optimizer = torch.optim.AdamW(groups, LEARNING_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        [group["lr"] for group in groups],
        total_steps=question.steps,
        pct_start=0.25,
        cycle_momentum=False,
    )
    own = replace(settings, seed=TRAINING_SEED + cell.seed)
    validation = draw_clips(replace(settings, seed=VALIDATION_SEED), 0, VALIDATION)
    looks: list[float] = []
    seconds = 0.0
    for step in range(question.steps):
        start = time.process_time()
        clips, label = draw_clips(own, step * BATCH, BATCH)
        network.train()
        loss = F.cross_entropy(network(network.normalise(clips)), label)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_NORM)
        optimizer.step()
        schedule.step()
        seconds += time.process_time() - start
        if (step + 1) % EVERY == 0:
            looks.append(count_right(network, *validation) / VALIDATION)
            if min(looks[-2:]) >= SOLVED and len(looks) > 1:
                break
    cost = summarise(network, settings.num_frames, settings.size, settings.size)
    return Result(
        right=count_right(network, *draw_clips(replace(settings, seed=TEST_SEED), 0, TEST)),
        looks=looks,
        seconds_per_step=seconds / (EVERY * len(looks)),
        gmacs=cost.gmacs,
        parameters=cost.parameters,
        gain=_gain(network),
    )


def parameter_groups(network: VideoNetwork, block_rate: float) -> list[dict[str, Any]]:
    """Blocks and the rest, matrices with decay and vectors without, each with its learning rate."""
    in_blocks = {id(p) for block in inserted_blocks(network).values() for p in block.parameters()}
    groups = []
    for rate, inside in ((1.0, False), (block_rate, True)):
        own = [p for p in network.parameters() if (id(p) in in_blocks) == inside]
        for decay, matrix in ((WEIGHT_DECAY, True), (0.0, False)):
            some = [p for p in own if (p.ndim > 1) == matrix]
            if some:
                groups.append({"params": some, "lr": LEARNING_RATE * rate, "weight_decay": decay})
    return groups


def draw_clips(settings: RelationsSettings, first: int, count: int) -> tuple[Tensor, Tensor]:
    """Clips number `first` and on, uint8 (count, 3, T, H, W), and their labels (count,)."""
    numbers = range(first, first + count)
    frames = np.stack([clip_frames(settings, number) for number in numbers])
    label = torch.tensor(numbers) % len(settings.classes)
    return torch.from_numpy(frames).movedim(-1, 1), label


@torch.no_grad()
def count_right(network: VideoNetwork, clips: Tensor, label: Tensor) -> int:
    """How many clips a network in evaluation mode has right."""
    network.eval()
    scores = torch.cat([network(network.normalise(some)) for some in clips.split(100)])
    return int((scores.argmax(1) == label).sum())


def _gain(network: VideoNetwork) -> float | None:
    gains = [
        weight.detach().abs().mean()
        for block in inserted_blocks(network).values()
        for name, weight in block.named_parameters()
        if name.endswith(("norm.weight", "gain"))
    ]
    return float(torch.stack(gains).mean()) if gains else None
