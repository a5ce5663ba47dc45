"""How a recogniser looks at a video: which frames, which crops, and how their scores are joined."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from snl_video.data.clips import ClipSettings
from snl_video.data.transforms.crops import EvalTransform
from snl_video.evaluation.views import Activation, Average, ViewSetting, join_views


@runtime_checkable
class FrameSource(Protocol):
    """What has frames: an open video, or `Frames`."""

    @property
    def num_frames(self) -> int:
        """How many."""

    @property
    def fps(self) -> float:
        """Frames a second; 0 where that is not known."""

    def get_frames(self, indices: Tensor) -> Tensor:
        """Frames by index: uint8 (T, H, W, 3)."""


@dataclass(frozen=True)
class Frames:
    """Frames that are in memory already, uint8 (T, H, W, 3), RGB, `fps` of them a second."""

    pixels: Tensor
    fps: float = 0

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self.pixels)

    def get_frames(self, indices: Tensor) -> Tensor:
        """Frames by index: uint8 (T', H, W, 3)."""
        return self.pixels[indices]


@dataclass(frozen=True)
class Viewing:
    """Which views of a video a network sees.

    Attributes:
        clip: which frames make a clip.
        short_side: pixels of the shorter side before the crops.
        size: side of the crops in pixels.
        views: clips x crops.
        average: of the views: their `probabilities` or their `logits`.
        activation: from logits to probabilities: `sigmoid` where a video may show several classes.
        views_per_forward: how many views go through the network at a time.
    """

    clip: ClipSettings = field(default_factory=ClipSettings)
    short_side: int = 256
    size: int = 224
    views: ViewSetting = field(default_factory=lambda: ViewSetting(1, 1))
    average: Average = "probabilities"
    activation: Activation = "softmax"
    views_per_forward: int = 1

    @classmethod
    def of_training(cls, data: Mapping[str, Any], evaluation: Mapping[str, Any]) -> "Viewing":
        """Return what the settings of a run say: its `data` and its `model.evaluation`."""
        crop, views = data.get("crop", {}), data.get("views", {})
        usual = cls()
        size = crop.get("test_size") or crop.get("size", usual.size)
        return cls(
            clip=ClipSettings(**data.get("clip", {})),
            short_side=crop.get("short_side", usual.short_side),
            size=size,
            views=ViewSetting(views.get("num_clips", 10), views.get("num_crops", 3)),
            average=evaluation.get("average", usual.average),
        )

    def few(self) -> "Viewing":
        """Return the same with two clips of one crop at most, for a CPU."""
        return replace(self, views=ViewSetting(min(self.views.num_clips, 2), 1))

    @property
    def transform(self) -> EvalTransform:
        """Scales and crops frames (T, 3, H, W) to (num_crops, 3, T, size, size)."""
        return EvalTransform(self.short_side, self.size, self.views.num_crops)

    def batches(self, source: FrameSource) -> Iterator[Tensor]:
        """Yield the views of a video, uint8 (views_per_forward or fewer, 3, T, size, size).

        Clip by clip, the crops of a clip together; every frame is decoded once.
        """
        clips = self.views.num_clips
        indices = self.clip.uniform(source.num_frames, clips, fps=source.fps)
        distinct, place = indices.unique(return_inverse=True)
        transform = self.transform
        frames = transform.scale(source.get_frames(distinct).permute(0, 3, 1, 2))
        yield from self.split(transform.cut(frames, of_clip[None])[0] for of_clip in place)

    def split(self, clips: Iterator[Tensor]) -> Iterator[Tensor]:
        """Yield crops (num_crops, 3, T, S, S) of several clips as batches of a forward pass."""
        waiting: list[Tensor] = []
        for clip in clips:
            for crop in clip:
                waiting.append(crop)
                if len(waiting) == self.views_per_forward:
                    yield torch.stack(waiting)
                    waiting = []
        if waiting:
            yield torch.stack(waiting)

    def join(self, logits: Tensor) -> Tensor:
        """Average the logits (V, K) of the views to the probabilities (K,) of the video."""
        return join_views(logits, self.average, self.activation)
