"""Inception-I3D under the names of the common PyTorch port, as plain functions."""

import torch
from torch.nn import functional as F

PORT_UNITS = {  # channels of b0, b1a, b1b, b2a, b2b, b3b, an eighth of Inception-v1's
    "Mixed_3b": (8, 12, 16, 2, 4, 4),
    "Mixed_3c": (16, 16, 24, 4, 12, 8),
    "Mixed_4b": (24, 12, 26, 2, 6, 8),
    "Mixed_4c": (20, 14, 28, 3, 8, 8),
    "Mixed_4d": (16, 16, 32, 3, 8, 8),
    "Mixed_4e": (14, 18, 36, 4, 8, 8),
    "Mixed_4f": (32, 20, 40, 4, 16, 16),
    "Mixed_5b": (32, 20, 40, 4, 16, 16),
    "Mixed_5c": (48, 24, 48, 6, 16, 16),
}


class Port:
    """Inception-I3D of the port's names, written from the paper's figure in plain functions."""

    def __init__(self):
        self.weights = {}
        self.generator = torch.Generator().manual_seed(6)

    def unit(self, name, x, out, kernel, stride=1):
        def made(leaf, *shape, low=None):
            if f"{name}.{leaf}" not in self.weights:
                value = torch.randn(*shape, generator=self.generator)
                value *= (2 / max(value[0].numel(), 1)) ** 0.5 if len(shape) > 1 else 0.1
                self.weights[f"{name}.{leaf}"] = value if low is None else low + value.abs()
            return self.weights[f"{name}.{leaf}"].double()

        weight = made("conv3d.weight", out, x.shape[1], kernel, kernel, kernel)
        x = F.conv3d(same(x, kernel, stride, 0.0), weight, stride=stride)
        mean, var = made("bn.running_mean", out), made("bn.running_var", out, low=0.5)
        scale, shift = made("bn.weight", out, low=0.8), made("bn.bias", out)
        shape = (1, -1, 1, 1, 1)
        x = (x - mean.view(shape)) / (var.view(shape) + 1e-3).sqrt()
        return (x * scale.view(shape) + shift.view(shape)).clamp(min=0)

    def __call__(self, x):
        x = self.unit("Conv3d_1a_7x7", x, 8, 7, 2)
        x = pool(x, (1, 3, 3), (1, 2, 2))
        x = self.unit("Conv3d_2b_1x1", x, 8, 1)
        x = self.unit("Conv3d_2c_3x3", x, 24, 3)
        x = pool(x, (1, 3, 3), (1, 2, 2))
        for name, (b0, b1a, b1b, b2a, b2b, b3b) in PORT_UNITS.items():
            if name == "Mixed_4b":
                x = pool(x, (3, 3, 3), (2, 2, 2))
            if name == "Mixed_5b":
                x = pool(x, (2, 2, 2), (2, 2, 2))
            one = self.unit(f"{name}.b1a", x, b1a, 1)
            two = self.unit(f"{name}.b2a", x, b2a, 1)
            three = pool(x, (3, 3, 3), (1, 1, 1))
            x = torch.cat(
                [
                    self.unit(f"{name}.b0", x, b0, 1),
                    self.unit(f"{name}.b1b", one, b1b, 3),
                    self.unit(f"{name}.b2b", two, b2b, 3),
                    self.unit(f"{name}.b3b", three, b3b, 1),
                ],
                dim=1,
            )
        if "logits.conv3d.weight" not in self.weights:
            self.weights["logits.conv3d.weight"] = torch.randn(
                5, x.shape[1], 1, 1, 1, generator=self.generator
            )
            self.weights["logits.conv3d.bias"] = torch.randn(5, generator=self.generator)
        weight = self.weights["logits.conv3d.weight"].double().flatten(1)
        pairs = (x[:, :, 1:] + x[:, :, :-1]) / 2
        return pairs.mean(dim=(2, 3, 4)) @ weight.T + self.weights["logits.conv3d.bias"].double()


def same(x, kernel, stride, value):
    kernels = (kernel,) * 3 if isinstance(kernel, int) else kernel
    strides = (stride,) * 3 if isinstance(stride, int) else stride
    pads = []
    for size, k, s in zip(x.shape[2:], kernels, strides, strict=True):
        total = max(k - s, 0) if size % s == 0 else max(k - size % s, 0)
        pads = [total // 2, total - total // 2, *pads]
    return F.pad(x, pads, value=value)


def pool(x, kernel, stride):
    return F.max_pool3d(same(x, kernel, stride, -1e30), kernel, stride)
