"""Rows that come a few at a time and stay in memory."""

import torch
from torch import Tensor


class RowBuffer:
    """Rows (N, C) in one growing piece of memory.

    A list of their tensors would keep the heap from giving back what was freed between them: an
    evaluation that drops the scores of each batch would still grow as if it kept them.

    Args:
        dtype: of the rows.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._bytes = bytearray()
        self._width = 1

    def append(self, rows: Tensor) -> None:
        """Add rows (n, C), on the CPU, at the end."""
        self._width = rows.shape[1]
        self._bytes += rows.to(self.dtype).contiguous().numpy().data

    def rows(self) -> Tensor:
        """Return a copy of all rows; (0, 1) where there are none."""
        if not self._bytes:
            return torch.empty(0, self._width, dtype=self.dtype)
        return torch.frombuffer(self._bytes, dtype=self.dtype).view(-1, self._width).clone()
