"""What the spectral block is compared with: other forms of it, other blocks, bare products."""

import math
from collections.abc import Callable
from unittest import mock

import torch
from pytorchvideo.layers.nonlocal_net import create_nonlocal
from torch import Tensor, nn

from benchmarks.timing import Step
from snl_video.blocks import block as block_module
from snl_video.blocks import build_block

Grid = tuple[int, int, int]
Forward = Callable[[Tensor], Tensor]


class MatrixSNL(nn.Module):
    """SNL with the affinity as a matrix: what the formula says, word for word."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.theta, self.phi, self.g = (nn.Conv3d(channels, inner, 1, bias=False) for _ in range(3))
        self.w_1, self.w_2 = (nn.Conv3d(inner, channels, 1, bias=False) for _ in range(2))
        self.norm = nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        t, p = (conv(x).flatten(2).relu() for conv in (self.theta, self.phi))
        m = t.transpose(1, 2) @ p
        m = (m + m.transpose(1, 2)) / 2
        d = m.sum(2).rsqrt()
        z = self.g(x)
        az = (d[:, :, None] * m * d[:, None, :]) @ z.flatten(2).transpose(1, 2)
        az = az.transpose(1, 2).reshape(z.shape)
        return x + self.norm(self.w_1(z) + self.w_2(az))


class Unfused(nn.Module):
    """The package's own block in ordinary operations, as it is compiled and exported."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = build_block("snl", channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        with mock.patch.object(block_module, "can_fuse", return_value=False):
            return self.block(x)


PEERS: dict[str, Callable[[int], nn.Module]] = {
    "snl": lambda channels: build_block("snl", channels),
    "snl, not fused": Unfused,
    "snl, N x N": MatrixSNL,
    "nl (SDPA)": lambda channels: build_block("nl", channels),
    "NonLocal of PyTorchVideo": lambda channels: create_nonlocal(
        dim_in=channels, dim_inner=channels // 2
    ),
}


def block_products(grid: Grid, channels: int) -> list[tuple[int, int, int]]:
    """Sizes (rows, inner, columns) of the matrix products of SNL's forward pass."""
    n, inner = math.prod(grid), channels // 2
    return [
        (3 * inner, channels, n),
        *[(inner, n, inner)] * 2,
        *[(inner, inner, n)] * 2,
        *[(channels, inner, n)] * 2,
    ]


def bare_products(grid: Grid, channels: int, dtype: torch.dtype) -> Step:
    """Those products alone, three times each, as forward and backward need them."""
    pairs = [
        (torch.randn(a, b).to(dtype), torch.randn(b, c).to(dtype))
        for a, b, c in block_products(grid, channels)
    ]

    def run() -> None:
        for _ in range(3):
            for left, right in pairs:
                torch.mm(left, right)

    return run


def kept_bytes(forward: Forward, x: Tensor) -> int:
    """Memory that a forward pass keeps for its gradient, the input included."""
    storages: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)
        return tensor

    alive: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        forward(x)
    return sum(storages.values())
