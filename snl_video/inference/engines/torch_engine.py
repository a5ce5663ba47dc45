"""A network in torch: as it is, compiled, in float32 or in bfloat16."""

import copy
import os
import shutil
from collections.abc import Callable

import torch
from torch import Tensor, nn

from snl_video.errors import InputError
from snl_video.inference.engines.engine import Precision
from snl_video.models.network import VideoNetwork


class TorchEngine:
    """A network in torch.

    Args:
        network: it is moved to the device; bf16 works with a copy.
        device: where it runs; by default a GPU if there is one.
        precision: in "bf16" convolutions and products are computed in bfloat16, channels innermost;
            pixels are normalised, and batch norms and sums over positions computed, in float32.
        compiled: by `torch.compile`, which takes minutes at the first clips.

    Raises:
        InputError: there is no C++ compiler to compile with.
    """

    def __init__(
        self,
        network: VideoNetwork,
        device: str | torch.device | None = None,
        *,
        precision: Precision = "fp32",
        compiled: bool = False,
    ) -> None:
        gpu = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device or gpu)
        self.network = network.to(self.device).eval()
        self.precision = precision
        self.name = f"{'compile' if compiled else 'torch'} {precision}"
        self._forward: Callable[[Tensor], Tensor] = self.network
        if precision == "bf16":
            self._forward = in_bfloat16(self.network)
        if compiled:
            _check_compiler()
            self._forward = torch.compile(self._forward)

    @torch.inference_mode()
    def __call__(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (V, 3, T, S, S) to logits (V, K), float32 on the CPU."""
        pixels = self.network.normalise(clips.to(self.device, non_blocking=True))
        if self.precision == "bf16":
            pixels = pixels.to(torch.bfloat16, memory_format=torch.channels_last_3d)
        return self._forward(pixels).float().cpu()


def in_bfloat16(network: nn.Module) -> nn.Module:
    """Return a copy whose weights, but for those of norms, are bfloat16 with channels innermost."""
    half = copy.deepcopy(network).to(torch.bfloat16)
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm3d | nn.GroupNorm):
            half.get_submodule(name).float().load_state_dict(module.state_dict())
    return half.to(memory_format=torch.channels_last_3d)


def _check_compiler() -> None:
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise InputError(
            f"torch.compile needs a C++ compiler, and there is no {compiler}: install one, name it "
            "in the variable CXX, or use --backend torch"
        )
