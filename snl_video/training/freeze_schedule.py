"""Which part of the backbone is frozen, epoch by epoch."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from snl_video.errors import InputError
from snl_video.models import VideoNetwork
from snl_video.training.layout import STEM, module_spots, parameter_spots, place_position

NOTHING = -2


class FreezeSchedule:
    """Freezes a network up to a place, and moves that place towards the input over the epochs.

    A frozen layer keeps its weights and its batch-norm statistics, which it also uses in training;
    the forward pass up to there leaves no graph behind. Inserted blocks and the head are always
    trained: from a block at a frozen place on, gradients do flow through the frozen layers.

    Args:
        network: whose backbone is frozen.
        until: the last frozen place (``res4.2``, ``slow.res4.2``, ``Mixed_4f``), the end of a stage
            (``res4``, of both pathways), ``stem``, or None for nothing.
        norm: no batch norm of the backbone ever updates its statistics; its weights are trained.
        unfreeze: epoch -> the last frozen place from the start of that epoch on, or None; an epoch
            may be text, as a command line and its checkpoint have it.

    Raises:
        InputError: an unknown place, an epoch before 1, or a place that is not before the last.
    """

    def __init__(
        self,
        network: VideoNetwork,
        until: str | None = None,
        norm: bool = False,
        unfreeze: Mapping[Any, str | None] | None = None,
    ) -> None:
        self.network = network
        self.norm = norm
        self.frozen = NOTHING
        self.steps = {0: self._position(until, "freeze.until")}
        for epoch, place in sorted((int(key), value) for key, value in (unfreeze or {}).items()):
            setting = f"freeze.unfreeze at epoch {epoch}"
            position = self._position(place, setting)
            if epoch < 1 or position >= list(self.steps.values())[-1]:
                raise InputError(
                    f"{setting}: {place!r} frees nothing that was not free before; epochs count "
                    "from 1, what is frozen at first is freeze.until, and every step must be "
                    "nearer to the input than the one before it"
                )
            self.steps[epoch] = position
        first, last = self.steps[0], list(self.steps.values())[-1]
        self.later = self._parameters(last + 1, first)
        """Parameters that are frozen at first and trained in a later epoch."""

    def frozen_at(self, epoch: int) -> int:
        """Position of the last frozen place in ``epoch``; -1 is the stem, -2 is nothing."""
        return next(place for start, place in reversed(self.steps.items()) if start <= epoch)

    def describe(self) -> str:
        """What is frozen now, in words."""
        if self.frozen == NOTHING:
            return "nothing is frozen"
        place = STEM if self.frozen < 0 else list(self.network.places)[self.frozen]
        return f"frozen up to {place}"

    def apply(self, epoch: int) -> bool:
        """Freeze what is frozen in ``epoch`` and free the rest; return whether that is a change."""
        before, self.frozen = self.frozen, self.frozen_at(epoch)
        for parameter in self._parameters(-1, self.frozen):
            parameter.requires_grad_(False)
        for parameter in self._parameters(self.frozen + 1, len(self.network.places)):
            parameter.requires_grad_(True)
        return before != self.frozen

    def hold_norms(self) -> None:
        """Put every batch norm of a network in training into the mode of this epoch."""
        held = {id(norm) for norm in self.held_norms()}
        for module in self.network.modules():
            if isinstance(module, _BatchNorm):
                module.train(id(module) not in held)

    def held_norms(self) -> list[nn.Module]:
        """Return the batch norms whose statistics stay as they are."""
        modules = dict(self.network.named_modules())
        return [
            modules[path]
            for path, spot in module_spots(self.network).items()
            if isinstance(modules[path], _BatchNorm)
            and spot.part == "backbone"
            and (self.norm or spot.position <= self.frozen)
        ]

    def _parameters(self, first: int, last: int) -> list[nn.Parameter]:
        """Parameters of the backbone at these positions, both included."""
        spots = parameter_spots(self.network)
        return [
            parameter
            for name, parameter in self.network.named_parameters()
            if spots[name].part == "backbone" and first <= spots[name].position <= last
        ]

    def _position(self, place: str | None, setting: str) -> int:
        return NOTHING if place is None else place_position(self.network, place, setting)
