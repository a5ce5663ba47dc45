"""Map-style data sets: one random clip of a video for training, all its views for evaluation."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from snl_video.data.clips import ClipSettings
from snl_video.data.decoding import DecodingSettings, Video, open_video
from snl_video.data.kept_copies import kept_copy
from snl_video.data.manifest import VideoIndex
from snl_video.data.sampler import Key, sample_generator
from snl_video.data.segments import VideoSegment
from snl_video.data.transforms.crops import EvalTransform, TrainTransform
from snl_video.data.unreadable import BadVideoSettings, encode
from snl_video.data.video_list import VideoList
from snl_video.errors import InputError, VideoError

logger = logging.getLogger(__name__)

ABSENT = (
    "is in the list and not on disk; fetch it, or leave such videos out with lists.missing=skip"
)


@dataclass(frozen=True)
class ViewSettings:
    """How many views of a video are evaluated; views = clips x crops.

    Attributes:
        num_clips: clips of a video in test and prediction.
        num_crops: crops of a clip in test and prediction, 1 or 3.
        val_num_clips: clips of a video in validation.
        val_num_crops: crops of a clip in validation, 1 or 3.
    """

    num_clips: int = 10
    num_crops: int = 3
    val_num_clips: int = 1
    val_num_crops: int = 1

    def __post_init__(self) -> None:
        if self.num_clips < 1 or self.val_num_clips < 1:
            raise InputError(
                "num_clips and val_num_clips must be at least 1, got "
                f"{self.num_clips} and {self.val_num_clips}"
            )


class ListedVideos(Dataset):
    """The videos of a list, each opened when it is asked for.

    Args:
        videos: the list.
        clip: which frames.
        bad_videos: what to do where a video cannot be read.
        decoding: with what it is read.
        index: what is known of the files, so that their lengths need no look.
    """

    def __init__(
        self,
        videos: VideoList,
        clip: ClipSettings,
        *,
        bad_videos: BadVideoSettings,
        decoding: DecodingSettings,
        index: VideoIndex | None,
    ) -> None:
        self.videos = videos
        self.clip = clip
        self.bad_videos = bad_videos
        self.decoding = decoding
        self.index = index

    def __len__(self) -> int:
        return len(self.videos)

    def target(self, number: int) -> dict[str, Tensor]:
        """`target` (K,) of a video that may show several classes, 1 for each; else nothing."""
        labels = self.videos.records[number].labels
        if labels is None:
            return {}
        target = torch.zeros(len(self.videos.classes))
        target[list(labels)] = 1
        return {"target": target}

    def open(self, number: int) -> Video | VideoSegment:
        """Open the video of a record, or the segment that it is.

        Raises:
            VideoError: it is absent or cannot be read, or ends before its segment starts.
            StaleIndexError: the file is not the one that was indexed.
        """
        record = self.videos.records[number]
        if not record.path:
            raise VideoError(record.id, ABSENT)
        how = self.decoding
        path = kept_copy(record.path, how.cache) if how.cache else record.path
        known = self.index.known(number, path) if self.index is not None else None
        more = how.max_pixels, how.max_sample_pixels, how.frames_fps
        video = open_video(path, how.backend, how.timeout, known, *more)
        segment = record.segment
        return VideoSegment(video, segment.frames(video)) if segment else video


class TrainVideos(ListedVideos):
    """One random clip of each video.

    A sample is a dict:

    * `clips`: uint8 (1, C, T, H, W)
    * `label`: int; -1 where a video may show several classes
    * `target`: float32 (K,), only there: 1 for each class
    * `index`: int, the record that was asked for
    * `epoch`: int
    * `replaced`: int, how many unreadable videos were passed over to get this sample; 0 is normal
    * `unreadable`: str, which and why; "" when there were none; see `unreadable.encode`

    An unreadable video is replaced by another one of its class. Everything random is a function of
    (seed, epoch, index).

    Args:
        videos: the list.
        clip: which frames.
        transform: crop and scale.
        seed: of everything random.
        bad_videos: how often a video is replaced.
        decoding: see `ListedVideos`.
        index: see `ListedVideos`.
    """

    def __init__(
        self,
        videos: VideoList,
        clip: ClipSettings,
        transform: TrainTransform,
        *,
        seed: int = 0,
        bad_videos: BadVideoSettings = BadVideoSettings(),
        decoding: DecodingSettings = DecodingSettings(),
        index: VideoIndex | None = None,
    ) -> None:
        super().__init__(videos, clip, bad_videos=bad_videos, decoding=decoding, index=index)
        self.transform = transform
        self.seed = seed
        self._by_class = np.argsort(videos.labels, kind="stable").astype(np.int32)

    def __getitem__(self, key: Key | int) -> dict[str, Any]:
        """A sample by (epoch, index), or by index for epoch 0.

        Raises:
            VideoError: no replacement that is allowed can be read either.
            StaleIndexError: the file is not the one that was indexed.
        """
        epoch, index = key if isinstance(key, tuple) else (0, key)
        generator = sample_generator(self.seed, epoch, index)
        untried: list[int] | None = None
        current = index
        unreadable: list[tuple[str, str]] = []
        while True:
            record = self.videos.records[current]
            try:
                clip = self._clip(current, generator)
                break
            except VideoError as error:
                if untried is None:
                    untried = self._others_of_class(record.label, index)
                if len(unreadable) == self.bad_videos.max_replacements or not untried:
                    name = repr(self.videos.classes[record.label]) if record.label >= 0 else "any"
                    raise VideoError(
                        record.path,
                        f"{error.reason}; {len(unreadable)} replacements of the class "
                        f"{name} could not be read either, and "
                        f"{'no more are allowed' if untried else 'it has no other video'}",
                    ) from error
                unreadable.append((record.id, str(error)))
                choice = int(torch.randint(len(untried), (), generator=generator))
                current = untried.pop(choice)
        return {
            "clips": clip.unsqueeze(0),
            "label": record.label,
            **self.target(current),
            "index": index,
            "epoch": epoch,
            "replaced": len(unreadable),
            "unreadable": encode(unreadable),
        }

    def _others_of_class(self, label: int, index: int) -> list[int]:
        ordered = self.videos.labels[self._by_class]
        first, last = np.searchsorted(ordered, [label, label + 1])
        return [i for i in self._by_class[first:last].tolist() if i != index]

    def _clip(self, number: int, generator: torch.Generator) -> Tensor:
        video = self.open(number)
        indices = self.clip.random(video.num_frames, generator, fps=video.fps)
        return self.transform(video.get_frames(indices).permute(0, 3, 1, 2), generator)


class EvalVideos(ListedVideos):
    """All views of each video, decoded once.

    A sample is a dict:

    * `clips`: uint8 (V, C, T, H, W), V = num_clips x num_crops; crops of a clip stand together
    * `label`: int, -1 where there is none or may be several
    * `target`: float32 (K,), only where a video may show several classes: 1 for each
    * `index`: int, the record
    * `failed`: bool, the video could not be read and `clips` is zeros
    * `reason`: str, why; "" when it could

    Args:
        videos: the list. A record without a path is always counted as wrong.
        clip: which frames.
        transform: short side and crops.
        num_clips: clips spread evenly over the video.
        bad_videos: whether a video that cannot be read stops the evaluation.
        decoding: see `ListedVideos`.
        index: see `ListedVideos`.
    """

    def __init__(
        self,
        videos: VideoList,
        clip: ClipSettings,
        transform: EvalTransform,
        num_clips: int,
        *,
        bad_videos: BadVideoSettings = BadVideoSettings(),
        decoding: DecodingSettings = DecodingSettings(),
        index: VideoIndex | None = None,
    ) -> None:
        super().__init__(videos, clip, bad_videos=bad_videos, decoding=decoding, index=index)
        self.transform = transform
        self.num_clips = num_clips

    def __getitem__(self, index: int) -> dict[str, Any]:
        """All views of one video.

        Raises:
            VideoError: it is there, cannot be read, and that stops an evaluation.
            StaleIndexError: the file is not the one that was indexed.
        """
        record = self.videos.records[index]
        reason = ""
        try:
            clips = self._views(index)
        except VideoError as error:
            if self.bad_videos.evaluation == "stop" and record.path:
                raise
            logger.warning("an unreadable video will be counted as wrong: %s", error)
            reason = str(error)
            size = self.transform.crop_size
            views = self.num_clips * self.transform.num_crops
            clips = torch.zeros(views, 3, self.clip.num_frames, size, size, dtype=torch.uint8)
        return {
            "clips": clips,
            "label": record.label,
            **self.target(index),
            "index": index,
            "failed": bool(reason),
            "reason": reason,
        }

    def _views(self, number: int) -> Tensor:
        video = self.open(number)
        indices = self.clip.uniform(video.num_frames, self.num_clips, fps=video.fps)
        distinct, place = indices.unique(return_inverse=True)
        frames = self.transform.scale(video.get_frames(distinct).permute(0, 3, 1, 2))
        return self.transform.cut(frames, place).flatten(0, 1)
