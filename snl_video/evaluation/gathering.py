"""What the processes of an evaluation have found, put together."""

from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

Row = TypeVar("Row")


def several_processes() -> bool:
    """Whether this process is one of several that work together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def merge_across_processes(rows: dict[int, Row]) -> dict[int, Row]:
    """Union of the rows of all processes, keyed by video; the rows themselves in a single one."""
    if not several_processes():
        return rows
    shards: list[dict[int, Row] | None] = [None] * dist.get_world_size()
    dist.all_gather_object(shards, rows)
    merged: dict[int, Row] = {}
    for shard in shards:
        merged.update(shard or {})
    return merged


def gather_rows(rows: Tensor) -> Tensor:
    """Concatenate rows (n, C) and those of all other processes, with one tensor of each process.

    Args:
        rows: on the CPU; (0, 1) where the process had no work.

    Returns:
        (N, C), on the CPU, in the order of the processes; (0, 1) where nobody has a row.
    """
    if not several_processes():
        return rows
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    shapes = torch.zeros(dist.get_world_size(), 2, dtype=torch.int64, device=device)
    shapes[dist.get_rank()] = torch.tensor(rows.shape, device=device)
    dist.all_reduce(shapes)
    most, width = shapes.amax(dim=0).tolist()
    if not most:
        return rows
    own = torch.zeros(most, width, dtype=rows.dtype, device=device)
    own[: len(rows), : rows.shape[1]] = rows.to(device)
    everyone = [torch.empty_like(own) for _ in shapes]
    dist.all_gather(everyone, own)
    counts = shapes[:, 0].tolist()
    return torch.cat([part[:n].cpu() for part, n in zip(everyone, counts, strict=True)])
