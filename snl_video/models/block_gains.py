"""How far blocks have moved from the identity that they start as."""

from typing import cast

import torch
from torch import Tensor

from snl_video.blocks import NonLocalBlock
from snl_video.blocks.unit import Unit
from snl_video.models.insertion import inserted_blocks
from snl_video.models.network import VideoNetwork


def block_gain(block: NonLocalBlock) -> float:
    """Return the mean absolute gain of a block: of its last norms' gamma, or of its scalar gains.

    It is 0 at the start, where the block is the identity.
    """
    gains = [_gain(cast(Unit, unit)) for unit in block.units]
    return float(torch.cat([gain.detach().abs().flatten() for gain in gains]).mean())


def block_gains(network: VideoNetwork) -> dict[str, float]:
    """Return place -> `block_gain` of every block of a network."""
    return {place: block_gain(block) for place, block in inserted_blocks(network).items()}


def _gain(unit: Unit) -> Tensor:
    return unit.gain if unit.gain is not None else cast(Tensor, unit.norm.weight)
