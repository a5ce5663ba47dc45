"""Augmentation of training batches on the device: uint8 in, uint8 out.

Each clip is flipped, treated by RandAugment, jittered in colour and erased in part, in this order,
every frame of it alike; then the clips of the batch may be mixed. What a clip meets is a function
of (seed, epoch, index), what a batch meets of (seed, epoch, its indices): neither the number of
workers nor a resumed run changes it, and processes, whose indices differ, draw differently. The
global random state of torch is neither read nor written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from snl_video.data.sampler import Key, batch_generator, sample_generator
from snl_video.data.transforms.clip_operations import AUGMENTATIONS
from snl_video.data.transforms.mixing import box_share, cutmix, mixup, random_box, soft_targets
from snl_video.data.transforms.randaugment import MAX_MAGNITUDE
from snl_video.errors import InputError
from snl_video.wording import unknown_name


@dataclass(frozen=True)
class AugmentSpec:
    """What is done to training clips beside the crop; all but the flip off by default.

    Attributes:
        flip: probability of a mirror; by default 0.5, and 0 for formats that have left and right as
            classes.
        color_jitter: strengths of brightness, contrast, saturation and hue: factors are uniform in
            [1 - s, 1 + s], hue turns by up to s of the circle (at most 0.5).
        randaugment_ops: operations of RandAugment on each clip; 0 is off, 2 is usual.
        randaugment_magnitude: their strength, 0 to 30.
        erase_probability: of a grey box in all frames of a clip.
        erase_scale: range of the box's share of the frame.
        mixup_alpha: of the Beta distribution of mixup's weight; 0 is off, 0.8 is usual.
        cutmix_alpha: of CutMix's; 0 is off, 1 is usual. With both, half of the batches get each.
        mix_probability: of a batch to be mixed at all.
        others: setting by name of further rows of `AUGMENTATIONS`, done after these in this order.
    """

    flip: float | None = None
    color_jitter: tuple[float, float, float, float] | None = None
    randaugment_ops: int = 0
    randaugment_magnitude: int = 9
    erase_probability: float = 0.0
    erase_scale: tuple[float, float] = (0.02, 1 / 3)
    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    mix_probability: float = 1.0
    others: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        jitter = self.color_jitter or (0, 0, 0, 0)
        scale, magnitude = self.erase_scale, self.randaugment_magnitude
        for name, rule, right in (
            ("flip", "a probability", 0 <= (self.flip or 0) <= 1),
            (
                "color_jitter",
                "brightness, contrast, saturation (>= 0) and hue (0 to 0.5)",
                len(jitter) == 4 and min(jitter) >= 0 and jitter[3] <= 0.5,
            ),
            ("randaugment_ops", ">= 0", self.randaugment_ops >= 0),
            ("randaugment_magnitude", f"0 to {MAX_MAGNITUDE}", 0 <= magnitude <= MAX_MAGNITUDE),
            ("erase_probability", "a probability", 0 <= self.erase_probability <= 1),
            ("erase_scale", "0 < low <= high < 1", 0 < scale[0] <= scale[1] < 1),
            ("mixup_alpha", ">= 0", self.mixup_alpha >= 0),
            ("cutmix_alpha", ">= 0", self.cutmix_alpha >= 0),
            ("mix_probability", "a probability", 0 <= self.mix_probability <= 1),
        ):
            if not right:
                raise InputError(f"augment.{name} is {rule}, got {getattr(self, name)}")

    @property
    def mixes(self) -> bool:
        """Whether batches are mixed, and so have soft targets."""
        return self.mixup_alpha > 0 or self.cutmix_alpha > 0

    def steps(self) -> list[tuple[str, Any]]:
        """Names of `AUGMENTATIONS` and their settings in order; none where nothing is done."""
        steps: dict[str, Any] = {}
        if self.randaugment_ops:
            steps["randaugment"] = (self.randaugment_ops, self.randaugment_magnitude)
        if self.color_jitter:
            steps["color_jitter"] = self.color_jitter
        if self.erase_probability:
            steps["erase"] = (self.erase_probability, self.erase_scale)
        steps |= self.others
        return [("flip", self.flip or 0.0), *steps.items()] if self.flip or steps else []


class Augmentation:
    """Augments batches.

    Args:
        spec: what to do; without a `flip` nothing is mirrored.
        seed: of everything random.

    Raises:
        InputError: `spec.others` names no augmentation.
    """

    def __init__(self, spec: AugmentSpec, *, seed: int = 0) -> None:
        for name in spec.others:
            if name not in AUGMENTATIONS:
                raise InputError(unknown_name("augmentation", name, AUGMENTATIONS))
        self.spec = spec
        self.seed = seed

    def batch(self, batch: dict[str, Any], keys: Sequence[Key], num_classes: int) -> dict[str, Any]:
        """Augment the `clips` of a batch; one that is mixed gets `target` (B, num_classes).

        Args:
            batch: `clips`, and `label` or `target`; see `clips` and `mix`.
            keys: (epoch, index) of each video.
            num_classes: K.
        """
        clips = self.clips(batch["clips"], keys)
        if not self.spec.mixes:
            return batch | {"clips": clips}
        label = batch.get("target", batch["label"])
        clips, target = self.mix(clips, label, keys, num_classes)
        return batch | {"clips": clips, "target": target}

    def clips(self, clips: Tensor, keys: Sequence[Key]) -> Tensor:
        """Augment each video's clips by themselves.

        Args:
            clips: uint8 (B, V, C, T, H, W) on any device.
            keys: (epoch, index) of each of the B videos.
        """
        steps = self.spec.steps()
        if not steps:
            return clips
        out = torch.empty_like(clips)
        for number, (epoch, index) in enumerate(keys):
            generator = sample_generator(self.seed, epoch, index, stream=1)
            for view, clip in enumerate(clips[number]):
                frames = clip.transpose(0, 1)
                for name, setting in steps:
                    frames = AUGMENTATIONS[name](frames, setting, generator)
                out[number, view] = frames.transpose(0, 1)
        return out

    def mix(
        self, clips: Tensor, label: Tensor, keys: Sequence[Key], num_classes: int
    ) -> tuple[Tensor, Tensor]:
        """Mix each video with the one before it in the batch.

        Args:
            clips: uint8 (B, V, C, T, H, W).
            label: int (B,), or float (B, K) with 1 for each class.
            keys: (epoch, index) of each video.
            num_classes: K.

        Returns:
            The clips, and float32 targets (B, K), of labels such that sum to 1.
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
