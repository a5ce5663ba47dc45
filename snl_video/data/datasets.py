"""Map-style data sets: one random clip of a video for training, all its views for evaluation."""

from __future__ import annotations

import logging
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from snl_video.data.clips import Short, clip_span, random_clip, uniform_clips
from snl_video.data.decoding import Backend, Video, open_video
from snl_video.data.formats import VideoList
from snl_video.data.manifest import VideoIndex
from snl_video.data.sampler import Key, sample_generator
from snl_video.data.transforms.crops import EvalTransform, TrainTransform
from snl_video.data.unreadable import encode
from snl_video.errors import VideoError

logger = logging.getLogger(__name__)

OnBadVideo = Literal["stop", "wrong"]

ABSENT = "is in the list and not on disk; fetch it, or leave such videos out with missing=skip"


class TrainVideos(Dataset):
    """One random clip of each video.

    A sample is a dict:

    * `clips`: uint8 (1, C, T, H, W)
    * `label`: int
    * `index`: int, the record that was asked for
    * `epoch`: int
    * `replaced`: int, how many unreadable videos were passed over to get this sample; 0 is normal
    * `unreadable`: str, which and why; "" when there were none; see `unreadable.encode`

    An unreadable video is replaced by another one of its class. Everything random is a function of
    (seed, epoch, index).

    Args:
        videos: the list.
        num_frames: frames of a clip.
        frame_interval: step between them, in frames of the video.
        transform: crop and scale.
        seed: of everything random.
        max_replacements: tries before giving up on a sample.
        short: what to do with videos shorter than a clip; see `sampling`.
        backend: see `decoding`.
        timeout: seconds after which a decoder that hangs is stopped, 0 for never; see `decoding`.
        index: what is known of the files; see `catalogue`.
    """

    def __init__(
        self,
        videos: VideoList,
        *,
        num_frames: int,
        frame_interval: int,
        transform: TrainTransform,
        seed: int = 0,
        max_replacements: int = 10,
        short: Short = "repeat",
        backend: Backend = "auto",
        timeout: float = 0,
        index: VideoIndex | None = None,
    ) -> None:
        clip_span(num_frames, frame_interval)
        self.videos = videos
        self.num_frames = num_frames
        self.frame_interval = frame_interval
        self.transform = transform
        self.seed = seed
        self.max_replacements = max_replacements
        self.short = short
        self.backend = backend
        self.timeout = timeout
        self.index = index
        self._by_class = np.argsort(videos.labels, kind="stable").astype(np.int32)

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, key: Key | int) -> dict[str, Any]:
        """A sample by (epoch, index), or by index for epoch 0.

        Raises:
            VideoError: `max_replacements` other videos of the class cannot be read either.
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
                if len(unreadable) == self.max_replacements or not untried:
                    raise VideoError(
                        record.path,
                        f"{error.reason}; {len(unreadable)} replacements of the class "
                        f"{self.videos.classes[record.label]!r} could not be read either, and "
                        f"{'no more are allowed' if untried else 'it has no other video'}",
                    ) from error
                unreadable.append((record.id, str(error)))
                choice = int(torch.randint(len(untried), (), generator=generator))
                current = untried.pop(choice)
        return {
            "clips": clip.unsqueeze(0),
            "label": record.label,
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
        video = _open(self, number)
        indices = random_clip(
            video.num_frames, self.num_frames, self.frame_interval, generator, self.short
        )
        frames = video.get_frames(indices).permute(0, 3, 1, 2)
        return self.transform(frames, generator)


class EvalVideos(Dataset):
    """All views of each video, decoded once.

    A sample is a dict:

    * `clips`: uint8 (V, C, T, H, W), V = num_clips x num_crops; crops of a clip stand together
    * `label`: int, -1 where there is none
    * `index`: int, the record
    * `failed`: bool, the video could not be read and `clips` is zeros
    * `reason`: str, why; "" when it could

    Args:
        videos: the list.
        num_frames: frames of a clip.
        frame_interval: step between them, in frames of the video.
        num_clips: clips spread evenly over the video.
        transform: short side and crops.
        on_bad_video: "stop" raises the error, "wrong" gives zeros and `failed`, so that the metric
            can name the video and count it as wrong. A record without a path is always "wrong".
        short: what to do with videos shorter than a clip; see `sampling`.
        backend: see `decoding`.
        timeout: seconds after which a decoder that hangs is stopped, 0 for never; see `decoding`.
        index: what is known of the files; see `catalogue`.
    """

    def __init__(
        self,
        videos: VideoList,
        *,
        num_frames: int,
        frame_interval: int,
        num_clips: int,
        transform: EvalTransform,
        on_bad_video: OnBadVideo = "stop",
        short: Short = "repeat",
        backend: Backend = "auto",
        timeout: float = 0,
        index: VideoIndex | None = None,
    ) -> None:
        clip_span(num_frames, frame_interval)
        if num_clips < 1:
            raise ValueError(f"num_clips must be at least 1, got {num_clips}")
        if on_bad_video not in ("stop", "wrong"):
            raise ValueError(f"on_bad_video must be 'stop' or 'wrong', got {on_bad_video!r}")
        self.videos = videos
        self.num_frames = num_frames
        self.frame_interval = frame_interval
        self.num_clips = num_clips
        self.transform = transform
        self.on_bad_video = on_bad_video
        self.short = short
        self.backend = backend
        self.timeout = timeout
        self.index = index

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """All views of one video.

        Raises:
            VideoError: it is there, cannot be read, and `on_bad_video` is "stop".
            StaleIndexError: the file is not the one that was indexed.
        """
        record = self.videos.records[index]
        reason = ""
        try:
            clips = self._views(index)
        except VideoError as error:
            if self.on_bad_video == "stop" and record.path:
                raise
            logger.warning("an unreadable video will be counted as wrong: %s", error)
            reason = str(error)
            size = self.transform.crop_size
            views = self.num_clips * self.transform.num_crops
            clips = torch.zeros(views, 3, self.num_frames, size, size, dtype=torch.uint8)
        return {
            "clips": clips,
            "label": record.label,
            "index": index,
            "failed": bool(reason),
            "reason": reason,
        }

    def _views(self, number: int) -> Tensor:
        video = _open(self, number)
        indices = uniform_clips(
            video.num_frames, self.num_frames, self.frame_interval, self.num_clips, self.short
        )
        distinct, place = indices.unique(return_inverse=True)
        frames = video.get_frames(distinct).permute(0, 3, 1, 2)
        crops = self.transform(frames)
        views = crops[:, :, place.flatten()].unflatten(2, indices.shape)
        return views.permute(2, 0, 1, 3, 4, 5).flatten(0, 1).contiguous()


def _open(dataset: TrainVideos | EvalVideos, number: int) -> Video:
    path = dataset.videos.records[number].path
    if not path:
        raise VideoError(dataset.videos.records[number].id, ABSENT)
    known = dataset.index.known(number, path) if dataset.index is not None else None
    return open_video(path, dataset.backend, dataset.timeout, known)
