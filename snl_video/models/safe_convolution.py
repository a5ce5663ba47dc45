"""Convolutions that stay right in bfloat16 on a CPU, where oneDNN computes some shapes wrongly."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def safe_conv3d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1, 1, 1),
    padding: Sequence[int] | str = (0, 0, 0),
    dilation: Sequence[int] = (1, 1, 1),
    groups: int = 1,
) -> Tensor:
    """`torch.nn.functional.conv3d`, in float32 where oneDNN computes bfloat16 wrongly on a CPU.

    Which shapes these are says `is_faulty_in_bfloat16`. The output has the type that it would have
    had. In other precisions, and on a GPU, it is the function of torch.
    """
    if x.device.type == "cpu":
        mixed = torch.is_autocast_enabled("cpu")
        dtype = torch.get_autocast_dtype("cpu") if mixed else x.dtype
        size = tuple(x.shape[2:])
        if dtype == torch.bfloat16 and is_faulty_in_bfloat16(tuple(weight.shape), stride, size):
            bias = None if bias is None else bias.float()
            with torch.autocast("cpu", enabled=False):
                y = F.conv3d(x.float(), weight.float(), bias, stride, padding, dilation, groups)
            return y.to(dtype)
    return F.conv3d(x, weight, bias, stride, padding, dilation, groups)


def is_faulty_in_bfloat16(
    weight: Sequence[int], stride: Sequence[int], size: Sequence[int]
) -> bool:
    """Say whether oneDNN may compute a convolution wrongly in bfloat16.

    Seen with torch 2.14 by comparing with float64 (``tests/models/convolution_fuzz.py``):

    * with AVX512_BF16 the weight gradient, seldom the output, where the input is smaller than the
      kernel along T or H; memory of others is overwritten, so the process may crash;
    * with AMX the weight gradient where the input is narrower than the stride along W, and the
      input gradient with an odd number of output channels, W of 20 and more and a stride in time.

    Args:
        weight: shape of the weight, (C', C, T, H, W).
        stride: (T, H, W).
        size: of the input, (T, H, W).
    """
    cut = any(k > 1 and n < max(k, s) for n, k, s in zip(size, weight[2:], stride, strict=True))
    return cut or (weight[0] % 2 == 1 and size[2] >= 20 and stride[0] > 1)


class SafeConv3d(nn.Conv3d):
    """`torch.nn.Conv3d` by way of `safe_conv3d`."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.padding_mode != "zeros":
            return super()._conv_forward(input, weight, bias)
        return safe_conv3d(
            input, weight, bias, self.stride, self.padding, self.dilation, self.groups
        )


def use_safe_convolutions(module: nn.Module) -> None:
    """Make every `torch.nn.Conv3d` in a module a `SafeConv3d`, in place: the same parameters."""
    for layer in module.modules():
        if type(layer) is nn.Conv3d:
            layer.__class__ = SafeConv3d
