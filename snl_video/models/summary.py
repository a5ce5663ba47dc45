"""What a network costs, and what was inserted into it."""

import copy
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from snl_video.models.insertion import inserted_blocks
from snl_video.models.network import VideoNetwork


@dataclass(frozen=True)
class BlockSummary:
    """One inserted block: N positions of C channels, C_s inner channels, its size and its cost."""

    place: str
    kind: str
    positions: int
    in_channels: int
    inner_channels: int
    parameters: int
    gmacs: float


@dataclass(frozen=True)
class NetworkSummary:
    """A whole network on one clip of ``clip_shape`` = (3, T, H, W), blocks included."""

    clip_shape: tuple[int, ...]
    parameters: int
    gmacs: float
    blocks: tuple[BlockSummary, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain types only, fit for JSON and for a checkpoint."""
        return {**asdict(self), "clip_shape": list(self.clip_shape)}

    def table(self) -> Table:
        """Render the blocks and the totals for the terminal."""
        clip = "x".join(map(str, self.clip_shape))
        table = Table(
            title=f"{self.parameters:,} parameters, {self.gmacs:.2f} GMACs for a clip of {clip}",
            title_justify="left",
        )
        columns = ("place", "kind", "N", "C", "C_s", "parameters", "GMACs")
        for column in columns:
            table.add_column(column, justify="left" if column in ("place", "kind") else "right")
        for block in self.blocks:
            table.add_row(
                block.place,
                block.kind,
                str(block.positions),
                str(block.in_channels),
                str(block.inner_channels),
                f"{block.parameters:,}",
                f"{block.gmacs:.3f}",
            )
        if not self.blocks:
            table.add_row("no non-local block", *[""] * (len(columns) - 1))
        return table


def summarise(network: VideoNetwork, num_frames: int, height: int, width: int) -> NetworkSummary:
    """Count parameters and multiply-adds of ``network`` on one clip, without computing anything.

    The clip runs through a copy on the meta device. GMACs are 1e9 multiply-adds of convolutions
    and matrix products: half of what ``torch.utils.flop_counter`` counts.
    """
    ghost = copy.deepcopy(network).to("meta").eval()
    positions: dict[str, int] = {}
    blocks = inserted_blocks(ghost)
    for place, block in blocks.items():
        block.register_forward_hook(partial(_count_positions, positions, place))
    clip_shape = (3, num_frames, height, width)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        ghost(torch.empty(1, *clip_shape, device="meta"))
    names = {module: f"{type(ghost).__name__}.{name}" for name, module in ghost.named_modules()}
    counts = counter.get_flop_counts()
    return NetworkSummary(
        clip_shape=clip_shape,
        parameters=_num_parameters(ghost),
        gmacs=counter.get_total_flops() / 2e9,
        blocks=tuple(
            BlockSummary(
                place=place,
                kind=block.kind,
                positions=positions[place],
                in_channels=block.in_channels,
                inner_channels=block.inner_channels,
                parameters=_num_parameters(block),
                gmacs=sum(counts[names[block]].values()) / 2e9,
            )
            for place, block in blocks.items()
        ),
    )


def _count_positions(
    positions: dict[str, int], place: str, block: nn.Module, inputs: Any, output: Tensor
) -> None:
    positions[place] = output.shape[2:].numel()


def _num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
