"""Filters: which powers of the affinity A a block uses, and with which weights.

A filter maps (graph, z, x) to (B, N, out): z (B, keys, C_z) is the node feature Z, x (B, N, C) the
unit's own input, which only filters with a map of their own read.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from snl_video.blocks.graphs.graph import Graph
from snl_video.blocks.pointwise import Pointwise
from snl_video.blocks.polynomial import MONOMIAL, Basis


class PolynomialFilter(nn.Module):
    """F(A, Z) = sum_k B_k(A) Z W_{k+1} over the given powers k, B_k those of the `basis`.

    NL is `powers=(1,)`, SNL `(0, 1)`, order K `range(K)`. W_{k+1} is the parameter `w_{k+1}`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        powers: Sequence[int],
        basis: Basis = MONOMIAL,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.powers, self.basis = tuple(powers), basis
        for i, k in enumerate(self.powers):
            self.add_module(
                f"w_{k + 1}", Pointwise(in_channels, out_channels, bias=bias and i == 0)
            )

    def forward(self, graph: Graph, z: Tensor, x: Tensor) -> Tensor:
        """(B, keys, in) -> (B, N, out)."""
        y = graph.polynomial(z, self.weights(), self.basis)
        return y if self.bias is None else y + self.bias

    @property
    def bias(self) -> Tensor | None:
        """(out,), or None: the bias of the lowest power, the only one that has one."""
        return self.convs()[0].bias

    def weights(self) -> dict[int, Tensor]:
        """{k: W_{k+1} (out, in)}."""
        return {k: c.weight.flatten(1) for k, c in zip(self.powers, self.convs(), strict=True)}

    def convs(self) -> list[Pointwise]:
        """The weights, lowest power first."""
        return [self.get_submodule(f"w_{k + 1}") for k in self.powers]  # type: ignore[misc]

    def extra_repr(self) -> str:
        """Powers and basis, for `print(block)`."""
        return f"powers={self.powers}, basis={self.basis}"


class DifferenceFilter(nn.Module):
    """F(A, Z) = (A - I) Z W = -L_rw Z W, the filter of NS (Tao et al., NeurIPS 2018)."""

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = False) -> None:
        super().__init__()
        self.w_2 = Pointwise(in_channels, out_channels, bias=bias)

    def forward(self, graph: Graph, z: Tensor, x: Tensor) -> Tensor:
        """(B, N, in) -> (B, N, out)."""
        return self.w_2(graph.propagate(z) - z)


class UnaryFilter(nn.Module):
    """F(A, Z) = (A Z + 1 u^T Z) W with u = softmax(X w_m) (Yin et al., ECCV 2020)."""

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = False) -> None:
        super().__init__()
        self.w_m = Pointwise(out_channels, 1)
        self.w_2 = Pointwise(in_channels, out_channels, bias=bias)

    def forward(self, graph: Graph, z: Tensor, x: Tensor) -> Tensor:
        """(B, N, in) -> (B, N, out)."""
        u = self.w_m(x).softmax(dim=1)
        return self.w_2(graph.propagate(z) + u.transpose(1, 2) @ z)


class PropagationFilter(nn.Module):
    """F(A, Z) = A Z, the filter of CC (Huang et al., ICCV 2019)."""

    def forward(self, graph: Graph, z: Tensor, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, C)."""
        return graph.propagate(z)


class CompactFilter(nn.Module):
    """F(A, Z) = A vec(Z), then one W per channel group, the filter of CGNL (Yue et al., 2018)."""

    def __init__(
        self, in_channels: int, out_channels: int, *, groups: int = 1, bias: bool = False
    ) -> None:
        super().__init__()
        self.groups = groups
        self.w_2 = Pointwise(in_channels, out_channels, groups=groups, bias=bias)

    def forward(self, graph: Graph, z: Tensor, x: Tensor) -> Tensor:
        """(B, N, in) -> (B, N, out)."""
        vec = z.transpose(1, 2).reshape(z.shape[0], -1, 1)
        y = graph.propagate(vec).view(z.shape[0], z.shape[2], z.shape[1])
        return self.w_2(y.transpose(1, 2))
