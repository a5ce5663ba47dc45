"""Crop and scale clips: uint8 (T, C, H, W) in, uint8 out, one crop for the whole clip.

Flips and the rest of `augmentation` happen on the device, as normalisation does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from snl_video.errors import InputError


@dataclass(frozen=True)
class CropSettings:
    """Which part of the frames a network sees, and how large.

    Attributes:
        size: side of the clips in pixels.
        test_size: side of the clips in test and prediction; by default `size`.
        short_side: pixels of the shorter side before the crops of an evaluation.
        scale: range of the training crop's share of the frame's area.
        ratio: range of the training crop's aspect ratio, width / height.
        short_sides: when given, replaces the two above: the short side is scaled to a random length
            in this range and a square is cut, for example [256, 320].
    """

    size: int = 224
    test_size: int | None = None
    short_side: int = 256
    scale: tuple[float, float] = (0.25, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    short_sides: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if min(self.size, self.short_side) < 1:
            raise InputError(
                f"crop.size and crop.short_side must be at least 1 pixel, got {self.size} and "
                f"{self.short_side}"
            )
        low, high = self.short_sides or (self.size, self.size)
        for name, rule, right in (
            ("scale", "0 < low <= high <= 1", 0 < self.scale[0] <= self.scale[1] <= 1),
            ("ratio", "0 < low <= high", 0 < self.ratio[0] <= self.ratio[1]),
            ("short_sides", f"{self.size} (size) <= low <= high", self.size <= low <= high),
        ):
            if not right:
                raise InputError(f"crop.{name} must be {rule}, got {tuple(getattr(self, name))}")

    @property
    def size_in_test(self) -> int:
        """Side of the clips in test and prediction."""
        return self.test_size or self.size


def _uniform(low: float, high: float, generator: torch.Generator | None) -> float:
    return low + (high - low) * torch.rand((), generator=generator, dtype=torch.float64).item()


def _randint(count: int, generator: torch.Generator | None) -> int:
    return int(torch.randint(count, (), generator=generator))


def random_area_box(
    height: int,
    width: int,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: torch.Generator | None = None,
) -> tuple[int, int, int, int]:
    """Box (top, left, height, width) of a random share of the area and a random aspect ratio.

    The Inception crop: area share uniform in `scale`, log aspect ratio uniform in `ratio`
    (width / height); after ten boxes that do not fit, the largest centred one within `ratio`.
    """
    for _ in range(10):
        area = height * width * _uniform(*scale, generator)
        aspect = math.exp(_uniform(math.log(ratio[0]), math.log(ratio[1]), generator))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return _randint(height - h + 1, generator), _randint(width - w + 1, generator), h, w
    aspect = min(max(width / height, ratio[0]), ratio[1])
    w = max(1, min(width, round(height * aspect)))
    h = max(1, min(height, round(width / aspect)))
    return (height - h) // 2, (width - w) // 2, h, w


def random_short_side_box(
    height: int,
    width: int,
    crop_size: int,
    short_sides: tuple[int, int],
    generator: torch.Generator | None = None,
) -> tuple[int, int, int, int]:
    """Box whose resize to `crop_size` equals scaling the short side, then a random square crop.

    The short side is uniform between the two `short_sides` (pixels), as in the schedules of the
    SlowFast family (256 to 320, crop 224).
    """
    short_side = short_sides[0] + _randint(short_sides[1] - short_sides[0] + 1, generator)
    side = max(1, min(round(min(height, width) * crop_size / short_side), height, width))
    top, left = _randint(height - side + 1, generator), _randint(width - side + 1, generator)
    return top, left, side, side


def scale_short_side(frames: Tensor, short_side: int) -> Tensor:
    """Resize (T, C, H, W) so that its shorter side is `short_side` pixels, keeping the aspect."""
    height, width = frames.shape[-2:]
    factor = short_side / min(height, width)
    size = [max(short_side, round(height * factor)), max(short_side, round(width * factor))]
    return frames if size == [height, width] else F.resize(frames, size, antialias=True)


def crop_offsets(height: int, width: int, crop_size: int, num_crops: int) -> list[tuple[int, int]]:
    """(top, left) of 1 centre crop, or of 3 crops spread along the longer side.

    Raises:
        InputError: `num_crops` is not 1 or 3, or the crop does not fit.
    """
    if num_crops not in (1, 3) or crop_size > min(height, width):
        raise InputError(
            f"num_crops must be 1 or 3 and a crop at most {height}x{width} pixels, got num_crops "
            f"{num_crops} and crop size {crop_size}"
        )
    rows, columns = height - crop_size, width - crop_size
    if num_crops == 1:
        return [(rows // 2, columns // 2)]
    if columns >= rows:
        return [(rows // 2, left) for left in (0, columns // 2, columns)]
    return [(top, columns // 2) for top in (0, rows // 2, rows)]


class TrainTransform:
    """One random crop, resized: (T, C, H, W) -> (C, T, S, S), S = crop.size.

    The crop is cut first and resized after, on uint8.
    """

    def __init__(self, crop: CropSettings) -> None:
        self.crop = crop

    def __call__(self, frames: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """uint8 (T, C, H, W) -> uint8 (C, T, S, S), contiguous."""
        height, width = frames.shape[-2:]
        crop = self.crop
        if crop.short_sides is None:
            box = random_area_box(height, width, crop.scale, crop.ratio, generator)
        else:
            box = random_short_side_box(height, width, crop.size, crop.short_sides, generator)
        pixels = F.resized_crop(frames, *box, size=[crop.size] * 2, antialias=True).numpy()
        clip = np.empty((pixels.shape[1], len(pixels), crop.size, crop.size), np.uint8)
        for time, picture in enumerate(pixels):  # a third of the time of one copy by torch
            clip[:, time] = picture
        return torch.from_numpy(clip)


class EvalTransform:
    """Scale the short side, then take 1 centre crop or 3 crops along the long side.

    Args:
        short_side: pixels of the shorter side after scaling.
        crop_size: side of the crops in pixels, at most `short_side`.
        num_crops: 1 or 3.

    Raises:
        InputError: see `crop_offsets`.
    """

    def __init__(self, short_side: int, crop_size: int, num_crops: int = 1) -> None:
        crop_offsets(short_side, short_side, crop_size, num_crops)
        self.short_side = short_side
        self.crop_size = crop_size
        self.num_crops = num_crops

    def __call__(self, frames: Tensor) -> Tensor:
        """uint8 (T, C, H, W) -> uint8 (num_crops, C, T, S, S), S = crop_size."""
        return self.cut(self.scale(frames), torch.arange(len(frames))[None])[0]

    def scale(self, frames: Tensor) -> Tensor:
        """uint8 (T, C, H, W) -> the same with a short side of `short_side` pixels."""
        return scale_short_side(frames, self.short_side)

    def cut(self, frames: Tensor, places: Tensor) -> Tensor:
        """Crops of several clips; every pixel of them is copied once.

        Args:
            frames: uint8 (N, C, H, W), scaled.
            places: int64 (num_clips, T), which of the frames make each clip.

        Returns:
            uint8 (num_clips, num_crops, C, T, S, S), S = crop_size.
        """
        size = self.crop_size
        height, width = frames.shape[-2:]
        offsets = crop_offsets(height, width, size, self.num_crops)
        shape = (len(places), len(offsets), frames.shape[1], places.shape[1], size, size)
        pixels = frames.numpy()  # torch takes three times as long for copies of such slices
        views = np.empty(shape, np.uint8)
        for clip, row in enumerate(places.tolist()):
            for time, number in enumerate(row):
                for crop, (top, left) in enumerate(offsets):
                    cut = pixels[number, :, top : top + size, left : left + size]
                    views[clip, crop, :, time] = cut
        return torch.from_numpy(views)
