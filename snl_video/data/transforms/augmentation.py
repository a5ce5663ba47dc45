"""Augmentation of training batches on the device: uint8 in, uint8 out.

Each clip is flipped, treated by RandAugment, jittered in colour and erased in part, in this order,
every frame of it alike; then the clips of the batch may be mixed. What a clip meets is a function
of (seed, epoch, index), what a batch meets of (seed, epoch, its indices): neither the number of
workers nor a resumed run changes it, and processes, whose indices differ, draw differently. The
global random state of torch is neither read nor written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from snl_video.data.sampler import Key, batch_generator, sample_generator
from snl_video.data.transforms.crops import random_area_box
from snl_video.data.transforms.mixing import box_share, cutmix, mixup, random_box, soft_targets
from snl_video.data.transforms.randaugment import MAX_MAGNITUDE, as_one_picture, rand_augment

ERASED = 114
"""Grey level of erased boxes: 0.45 x 255, the mean of Kinetics."""

ERASED_RATIO = (0.3, 1 / 0.3)
"""Range of their aspect ratio (Zhong et al., "Random Erasing", AAAI 2020)."""


@dataclass(frozen=True)
class AugmentSpec:
    """What is done to training clips beside crop and flip; all off by default.

    Attributes:
        color_jitter: strengths of brightness, contrast, saturation and hue: factors are uniform in
            [1 - s, 1 + s], hue turns by up to s of the circle (at most 0.5).
        randaugment_ops: operations of RandAugment on each clip; 0 is off, 2 is usual.
        randaugment_magnitude: their strength, 0 to 30.
        erase_probability: of a grey box in all frames of a clip.
        erase_scale: range of the box's share of the frame.
        mixup_alpha: of the Beta distribution of mixup's weight; 0 is off, 0.8 is usual.
        cutmix_alpha: of CutMix's; 0 is off, 1 is usual. With both, half of the batches get each.
        mix_probability: of a batch to be mixed at all.
    """

    color_jitter: tuple[float, float, float, float] | None = None
    randaugment_ops: int = 0
    randaugment_magnitude: int = 9
    erase_probability: float = 0.0
    erase_scale: tuple[float, float] = (0.02, 1 / 3)
    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    mix_probability: float = 1.0

    def __post_init__(self) -> None:
        jitter = self.color_jitter or (0, 0, 0, 0)
        if len(jitter) != 4 or min(jitter) < 0 or jitter[3] > 0.5:
            raise ValueError(
                "color_jitter is brightness, contrast, saturation (>= 0) and hue (0 to 0.5), "
                f"got {self.color_jitter}"
            )
        if self.randaugment_ops < 0:
            raise ValueError(f"randaugment_ops must be >= 0, got {self.randaugment_ops}")
        if not 0 <= self.randaugment_magnitude <= MAX_MAGNITUDE:
            raise ValueError(
                f"randaugment_magnitude is 0 to {MAX_MAGNITUDE}, got {self.randaugment_magnitude}"
            )
        for name in ("erase_probability", "mix_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability, got {getattr(self, name)}")
        if not 0 < self.erase_scale[0] <= self.erase_scale[1] < 1:
            raise ValueError(f"erase_scale must be 0 < low <= high < 1, got {self.erase_scale}")
        for name in ("mixup_alpha", "cutmix_alpha"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)}")

    @property
    def mixes(self) -> bool:
        """Whether batches are mixed, and so have soft targets."""
        return self.mixup_alpha > 0 or self.cutmix_alpha > 0


class Augmentation:
    """Augments batches.

    Args:
        spec: what to do.
        flip: probability of a horizontal mirror; 0 where left and right are classes.
        seed: of everything random.
    """

    def __init__(self, spec: AugmentSpec, *, flip: float = 0.0, seed: int = 0) -> None:
        if not 0 <= flip <= 1:
            raise ValueError(f"flip is a probability, got {flip}")
        self.spec = spec
        self.flip = flip
        self.seed = seed

    def clips(self, clips: Tensor, keys: Sequence[Key]) -> Tensor:
        """Augment each video's clips by themselves.

        Args:
            clips: uint8 (B, V, C, T, H, W) on any device.
            keys: (epoch, index) of each of the B videos.
        """
        spec = self.spec
        if not (self.flip or spec.randaugment_ops or spec.color_jitter or spec.erase_probability):
            return clips
        out = torch.empty_like(clips)
        for number, (epoch, index) in enumerate(keys):
            generator = sample_generator(self.seed, epoch, index, stream=1)
            for view, clip in enumerate(clips[number]):
                frames = self._clip(clip.transpose(0, 1), generator)
                out[number, view] = frames.transpose(0, 1)
        return out

    def mix(
        self, clips: Tensor, label: Tensor, keys: Sequence[Key], num_classes: int
    ) -> tuple[Tensor, Tensor]:
        """Mix each video with the one before it in the batch.

        Args:
            clips: uint8 (B, V, C, T, H, W).
            label: int (B,).
            keys: (epoch, index) of each video.
            num_classes: K.

        Returns:
            The clips, and float32 targets (B, K) that sum to 1; one-hot where nothing was mixed.
        """
        spec = self.spec
        rng = batch_generator(self.seed, keys[0][0], [index for _, index in keys])
        weight = 1.0
        if spec.mixes and rng.random() < spec.mix_probability:
            both = spec.mixup_alpha > 0 and spec.cutmix_alpha > 0
            if spec.mixup_alpha == 0 or (both and rng.random() < 0.5):
                height, width = clips.shape[-2:]
                area = 1 - rng.beta(spec.cutmix_alpha, spec.cutmix_alpha)
                box = random_box(height, width, area, rng)
                clips, weight = cutmix(clips, box), 1 - box_share(box, height, width)
            else:
                weight = float(rng.beta(spec.mixup_alpha, spec.mixup_alpha))
                clips = mixup(clips, weight)
        return clips, soft_targets(label, num_classes, weight)

    def _clip(self, frames: Tensor, generator: torch.Generator) -> Tensor:
        spec = self.spec
        if _draw(generator) < self.flip:
            frames = F.horizontal_flip(frames)
        if spec.randaugment_ops:
            magnitude = spec.randaugment_magnitude
            frames = rand_augment(frames, spec.randaugment_ops, magnitude, generator)
        if spec.color_jitter:
            frames = jitter_colours(frames, spec.color_jitter, generator)
        if spec.erase_probability and _draw(generator) < spec.erase_probability:
            height, width = frames.shape[-2:]
            box = random_area_box(height, width, spec.erase_scale, ERASED_RATIO, generator)
            frames = F.erase(frames, *box, torch.tensor(ERASED, dtype=torch.uint8))
        return frames


def jitter_colours(
    frames: Tensor, strengths: Sequence[float], generator: torch.Generator
) -> Tensor:
    """Brightness, contrast, saturation and hue in a random order: uint8 (T, C, H, W) to the same.

    As `torchvision.transforms.v2.ColorJitter` on the clip as one picture, so that contrast is
    measured over all frames, with equal draws in equal order.

    Args:
        frames: one clip.
        strengths: see `AugmentSpec.color_jitter`.
        generator: on the CPU.
    """
    adjusts = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
    order = torch.randperm(4, generator=generator).tolist()
    factors: list[float | None] = []
    for place, strength in enumerate(strengths):
        low, high = (-strength, strength) if place == 3 else (max(0, 1 - strength), 1 + strength)
        factor = torch.empty(1).uniform_(low, high, generator=generator) if strength else None
        factors.append(None if factor is None else factor.item())

    def adjust(picture: Tensor) -> Tensor:
        for place in order:
            if factors[place] is not None:
                picture = adjusts[place](picture, factors[place])
        return picture

    return as_one_picture(frames, adjust)


def _draw(generator: torch.Generator) -> float:
    return torch.rand((), generator=generator, dtype=torch.float64).item()
