"""The head at test time as a protocol has it: windows over the last feature map, then their mean.

    last feature map (B, C, T', 8, 8) of a crop of 256 pixels
      mean over T' and windows of 7x7        (B, C, 1, 2, 2)
      dropout, linear                        (B, K, 1, 2, 2)
      softmax of each, then the mean         (B, K)

A crop of 224 pixels has one window, so that training is the same under every protocol.
"""

import math
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from snl_video.errors import NetworkError
from snl_video.models.network import VideoNetwork
from snl_video.protocol import PROTOCOLS, ProtocolName


class WindowPool(nn.Module):
    """Mean over all times and over windows of ``side`` x ``side`` positions, stride 1.

    A map that is narrower than a window has one window over all of that axis.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, 1, H', W') with H' = max(H - side + 1, 1)."""
        window = [x.shape[2], *(min(self.side, size) for size in x.shape[3:])]
        return F.avg_pool3d(x, window, stride=1)


class WindowMean(nn.Module):
    """Logits at windows to the logits of a clip.

    The mean of logits; with an ``activation``, at test time, the logits of the mean probability, so
    that whoever takes the same activation of them gets that mean.
    """

    def __init__(self, activation: Literal["softmax", "sigmoid"] | None) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(B, K, T, H, W) -> (B, K)."""
        x = x.flatten(2)
        windows = x.shape[2]
        if self.training or self.activation is None or windows == 1:
            return x.mean(dim=2)
        x = x.float()
        if self.activation == "softmax":
            return x.log_softmax(dim=1).logsumexp(dim=2) - math.log(windows)
        return F.logsigmoid(x).logsumexp(dim=2) - F.logsigmoid(-x).logsumexp(dim=2)


def use_protocol(
    network: VideoNetwork,
    name: ProtocolName,
    *,
    activation: Literal["softmax", "sigmoid"] = "softmax",
) -> VideoNetwork:
    """Let the head of ``network`` average as a protocol does, in place; weights keep their names.

    Args:
        network: from `build_model` or a loader of weights.
        name: of the protocol.
        activation: what makes probabilities of the logits: softmax, or sigmoid where a video may
            show several classes.

    Returns:
        The network, whose ``protocol`` is ``name``.

    Raises:
        NetworkError: no such protocol, or one that averages over windows, and this head does not
            average as residual networks do.
    """
    if name not in PROTOCOLS:
        raise NetworkError(f"unknown protocol {name!r}; choose from {', '.join(PROTOCOLS)}")
    protocol = PROTOCOLS[name]
    if not network.head_pools and protocol.window is not None:
        raise NetworkError(
            f"protocol {name} averages over windows of {protocol.window}x{protocol.window} "
            "positions, and the head of this network averages in its own way; use another protocol"
        )
    for path in network.head_pools:
        window = protocol.window
        pool = nn.AdaptiveAvgPool3d(1) if window is None else WindowPool(window)
        network.trunk.set_submodule(path, pool)
    if network.head_pools:
        head = network.head.rpartition(".")[0]
        network.trunk.set_submodule(
            f"{head}.output_pool", WindowMean(activation if protocol.softmax == "window" else None)
        )
    network.protocol = name
    return network
