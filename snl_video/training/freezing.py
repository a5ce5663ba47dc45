"""Which part of the backbone is frozen, epoch by epoch."""

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from snl_video.models import VideoNetwork
from snl_video.training.layout import STEM, module_spots, parameter_spots, place_position

NOTHING = -2


class FreezeSchedule:
    """Freezes the backbone up to a place, and moves that place towards the input over the epochs.

    A frozen layer keeps its weights and its batch-norm statistics, which it also uses in training;
    the forward pass up to there leaves no graph behind. Inserted blocks and the head are always
    trained: from a block at a frozen place on, gradients do flow through the frozen layers.

    Args:
        network: checked for the names.
        until: the last frozen place (``res4.2``, ``slow.res4.2``, ``Mixed_4f``), the end of a stage
            (``res4``, of both pathways), ``stem``, or None for nothing.
        unfreeze: epoch -> the last frozen place from the start of that epoch on, or None.
        norm: no batch norm of the backbone ever updates its statistics; its weights are trained.

    Raises:
        ValueError: an unknown place, an epoch before 1, or a place that is not before the last.
    """

    def __init__(
        self,
        network: VideoNetwork,
        until: str | None = None,
        unfreeze: Mapping[int, str | None] | None = None,
        norm: bool = False,
    ) -> None:
        self.norm = norm
        self.steps = {0: _index(network, until, "freeze_until")}
        for epoch, place in sorted((unfreeze or {}).items()):
            if epoch < 1:
                raise ValueError(
                    f"unfreeze: epoch {epoch} is before 1; what is frozen from the start is "
                    "freeze_until"
                )
            index = _index(network, place, f"unfreeze at epoch {epoch}")
            if index >= list(self.steps.values())[-1]:
                raise ValueError(
                    f"unfreeze at epoch {epoch}: {place!r} frees nothing that was not free before; "
                    "every step must be nearer to the input than the one before it"
                )
            self.steps[epoch] = index
        self.frozen = NOTHING

    def frozen_at(self, epoch: int) -> int:
        """Position of the last frozen place in ``epoch``; -1 is the stem, -2 is nothing."""
        return next(index for start, index in reversed(self.steps.items()) if start <= epoch)

    def describe(self, network: VideoNetwork) -> str:
        """What is frozen now, in words."""
        if self.frozen == NOTHING:
            return "nothing is frozen"
        place = STEM if self.frozen < 0 else list(network.places)[self.frozen]
        return f"frozen up to {place}"

    def apply(self, network: VideoNetwork, epoch: int) -> bool:
        """Freeze what is frozen in ``epoch`` and free the rest; return whether that is a change."""
        before, self.frozen = self.frozen, self.frozen_at(epoch)
        parameters = dict(network.named_parameters())
        for name, spot in parameter_spots(network).items():
            if spot.part == "backbone":
                parameters[name].requires_grad_(spot.position > self.frozen)
        return before != self.frozen

    def held_norms(self, network: VideoNetwork) -> list[nn.Module]:
        """Return the batch norms whose statistics stay as they are."""
        modules = dict(network.named_modules())
        return [
            modules[path]
            for path, spot in module_spots(network).items()
            if isinstance(modules[path], _BatchNorm)
            and spot.part == "backbone"
            and (self.norm or spot.position <= self.frozen)
        ]

    def set_norms(self, network: VideoNetwork) -> None:
        """Put the batch norms of a network in training into the mode of this epoch."""
        held = {id(module) for module in self.held_norms(network)}
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.train(id(module) not in held)

    def later(self, network: VideoNetwork) -> list[nn.Parameter]:
        """Return the parameters that are frozen at first and trained in a later epoch."""
        first, last = self.steps[0], list(self.steps.values())[-1]
        parameters = dict(network.named_parameters())
        return [
            parameters[name]
            for name, spot in parameter_spots(network).items()
            if spot.part == "backbone" and last < spot.position <= first
        ]


def average_gradients(parameters: list[nn.Parameter]) -> None:
    """Average the gradients over all processes, in place.

    ``DistributedDataParallel`` knows only the parameters that needed a gradient when it was made,
    so those that are freed later would go their own way in every process.
    """
    world = torch.distributed.get_world_size()
    for parameter in parameters:
        if parameter.grad is not None:
            torch.distributed.all_reduce(parameter.grad)
            parameter.grad /= world


def _index(network: VideoNetwork, place: str | None, setting: str) -> int:
    return NOTHING if place is None else place_position(network, place, setting)
