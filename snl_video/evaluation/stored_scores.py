"""Scores of very many videos, in a file instead of in memory."""

import tempfile
import weakref
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from snl_video.evaluation.gathering import gather_rows, several_processes

ROWS = 2048
"""Videos whose scores are in memory at a time: 6 MB of 700 classes."""


class RowFile:
    """Rows (N, K) float32 in a file without a name, which is gone with this object.

    Args:
        folder: of the file; it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._shape = (0, 1)

    def __len__(self) -> int:
        return self._shape[0]

    def __deepcopy__(self, memo: object) -> "RowFile":
        """Return itself: a module is copied, for its moving average, with all that it holds."""
        return self

    def append(self, rows: Tensor) -> None:
        """Add rows (n, K) at the end."""
        self._file.write(rows.float().contiguous().numpy().data)
        self._shape = (len(self) + len(rows), rows.shape[1])

    def read(self, numbers: Tensor) -> Tensor:
        """Return the rows (n, K) of these numbers (n,)."""
        if not len(numbers):
            return torch.empty(0, self._shape[1])
        self._file.flush()
        # mapped for this read alone: what was read before takes no memory
        rows = np.memmap(self._file, np.float32, "r", shape=self._shape)
        return torch.from_numpy(np.asarray(rows[numbers.numpy()]))


class StoredScores:
    """Rows of a file in an order of their own; ``scores[start:end]`` reads some, (n, K) float32.

    Args:
        file: the rows.
        order: (N,) int64, their numbers in the file.
    """

    def __init__(self, file: RowFile, order: Tensor) -> None:
        self.file = file
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, places: slice) -> Tensor:
        return self.file.read(self.order[places])


def gather_stored(own: RowFile, order: Tensor) -> StoredScores | None:
    """Put the rows of all processes in one order; each process must call this.

    The first process takes those of the others through the process group, some thousands at a time,
    so machines need no common disk. A single process copies nothing.

    Args:
        own: the rows of this process.
        order: (N,) numbers of rows, counted from the first row of the first process on.

    Returns:
        The rows in the first process, None in the others.
    """
    if not several_processes():
        return StoredScores(own, order)
    rank = dist.get_rank()
    counts = gather_rows(torch.tensor([[len(own)]]))[:, 0]
    starts = counts.cumsum(0) - counts
    whole = RowFile(own.folder) if rank == 0 else None
    for part in order.split(ROWS):
        owner = torch.searchsorted(starts, part, right=True) - 1
        arrived = gather_rows(own.read(part[owner == rank] - starts[rank]))
        if whole is not None:
            rows = torch.empty_like(arrived)
            rows[owner.argsort(stable=True)] = arrived
            whole.append(rows)
    return None if whole is None else StoredScores(whole, torch.arange(len(order)))
