"""Optimisers without weight decay on norms and biases, and schedules that move every step."""

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import pytorch_lightning as pl
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from snl_video.errors import InputError
from snl_video.training.parameter_groups import parameter_groups


@dataclass
class OptimizerSpec:
    """Which optimiser, and its settings.

    Attributes:
        name: ``sgd`` or ``adamw``.
        lr: peak learning rate, for the global batch that is trained with (it is never rescaled).
        momentum: of SGD.
        nesterov: of SGD.
        betas: of AdamW.
        weight_decay: on weights of two or more dimensions; norms, biases and gains have none.
        backbone_lr: factor of ``lr`` for all but the inserted blocks and the head.
        block_lr: factor of ``lr`` for the inserted blocks.
        head_lr: factor of ``lr`` for what comes after the last place, the classifier.
        layer_decay: factor of ``lr`` from one place to the one before it, counted from the head,
            in (0, 1]; a block has the depth of its place; 1 gives all the same.
        fused: True updates all parameters in one kernel a type; not with 16-mixed and clipped
            gradients. By default torch chooses.
    """

    name: Literal["sgd", "adamw"] = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4
    backbone_lr: float = 1.0
    block_lr: float = 1.0
    head_lr: float = 1.0
    layer_decay: float = 1.0
    fused: bool | None = None


@dataclass
class ScheduleSpec:
    """How the learning rate moves, per optimiser step; lengths are in epochs.

    Attributes:
        name: ``cosine`` (to ``final_factor`` of the peak at the end of training), ``multistep``
            or ``constant``.
        warmup_epochs: linear rise from ``warmup_factor`` of the peak; may be a fraction.
        warmup_factor: share of the peak at step 0.
        final_factor: share of the peak that a cosine ends at.
        milestones: epochs at which ``multistep`` multiplies by ``gamma``.
        gamma: factor of ``multistep``.
    """

    name: Literal["cosine", "multistep", "constant"] = "cosine"
    warmup_epochs: float = 0.0
    warmup_factor: float = 0.1
    final_factor: float = 0.0
    milestones: list[float] = field(default_factory=list)
    gamma: float = 0.1


def build_optimizer(module: nn.Module, spec: OptimizerSpec) -> Optimizer:
    """Build the optimiser over all parameters of ``module``, in named groups.

    Those that are frozen have no gradient, and the optimisers of torch pass over them: no step, no
    weight decay, no state.

    Args:
        module: what is trained; see `parameter_groups`.
        spec: the settings.

    Raises:
        InputError: a learning rate or a factor of it that is not positive, or a ``layer_decay``
            outside (0, 1].
    """
    groups = parameter_groups(
        module,
        lr=spec.lr,
        weight_decay=spec.weight_decay,
        factors={"backbone": spec.backbone_lr, "blocks": spec.block_lr, "head": spec.head_lr},
        layer_decay=spec.layer_decay,
    )
    if spec.name == "sgd":
        return SGD(
            groups,
            lr=spec.lr,
            momentum=spec.momentum,
            nesterov=spec.nesterov and spec.momentum > 0,
            fused=spec.fused,
        )
    return AdamW(groups, lr=spec.lr, betas=spec.betas, fused=spec.fused)


def build_schedule(
    optimizer: Optimizer, spec: ScheduleSpec, *, num_steps: int, steps_per_epoch: int
) -> LambdaLR:
    """Build the per-step schedule; see `learning_rate_factor`."""
    return LambdaLR(optimizer, learning_rate_factor(spec, num_steps, steps_per_epoch))


def optimizer_of_run(
    module: nn.Module, optimizer: OptimizerSpec, schedule: ScheduleSpec, trainer: pl.Trainer
) -> OptimizerLRSchedulerConfig:
    """Build both for a run, as Lightning wants them: the schedule moves after every step."""
    num_steps, steps_per_epoch = steps_of(trainer)
    built = build_optimizer(module, optimizer)
    moving = build_schedule(built, schedule, num_steps=num_steps, steps_per_epoch=steps_per_epoch)
    return {"optimizer": built, "lr_scheduler": {"scheduler": moving, "interval": "step"}}


def steps_of(trainer: pl.Trainer) -> tuple[int, int]:
    """Count the optimiser steps of a run, and those of one whole epoch.

    Where there is no telling how long an epoch is, it is the run.

    Raises:
        InputError: neither ``max_epochs`` nor ``max_steps`` ends the run.
    """
    if trainer.train_dataloader is None:
        trainer.fit_loop.setup_data()
    total = trainer.estimated_stepping_batches
    if math.isinf(total):
        raise InputError(
            "the learning-rate schedule needs to know the length of the run; set "
            "trainer.max_epochs or trainer.max_steps"
        )
    steps = max(int(total), 1)
    batches = trainer.num_training_batches
    if math.isinf(batches):
        return steps, steps
    return steps, max(math.ceil(batches / trainer.accumulate_grad_batches), 1)


def learning_rate_factor(
    spec: ScheduleSpec, num_steps: int, steps_per_epoch: int
) -> Callable[[int], float]:
    """Return step -> share of the peak learning rate.

    The warm-up ends on the curve it leads into, as in PySlowFast: its target is the value of the
    main curve at its end.

    Args:
        spec: the settings.
        num_steps: optimiser steps of the run, which may end in the middle of an epoch.
        steps_per_epoch: optimiser steps of a whole epoch.

    Raises:
        InputError: a warm-up longer than the run, or milestones that do not rise.
    """
    num_epochs = num_steps / steps_per_epoch
    if spec.warmup_epochs > num_epochs:
        raise InputError(
            f"schedule.warmup_epochs={spec.warmup_epochs} is longer than the run of "
            f"{num_epochs:.3g} epochs ({num_steps} steps of {steps_per_epoch} an epoch); shorten "
            "the warm-up, or train longer"
        )
    if sorted(spec.milestones) != list(spec.milestones):
        raise InputError(f"schedule.milestones must rise, got {spec.milestones}")
    warmup_steps = spec.warmup_epochs * steps_per_epoch
    milestones = [epoch * steps_per_epoch for epoch in spec.milestones]

    def curve(step: float) -> float:
        if spec.name == "cosine":
            wave = 0.5 * (1 + math.cos(math.pi * min(step / num_steps, 1.0)))
            return spec.final_factor + (1 - spec.final_factor) * wave
        if spec.name == "multistep":
            return spec.gamma ** bisect_right(milestones, step)
        return 1.0

    def factor(step: int) -> float:
        if step >= warmup_steps:
            return curve(step)
        rise = step / warmup_steps
        return (1 - rise) * spec.warmup_factor + rise * curve(warmup_steps)

    return factor
