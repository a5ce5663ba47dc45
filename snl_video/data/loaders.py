"""From lists and settings to loaders: samples, batches, and the processes that load them."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader

from snl_video.data.clips import ClipSettings
from snl_video.data.datasets import EvalVideos, TrainVideos, ViewSettings
from snl_video.data.decoding import DecodingSettings
from snl_video.data.resumable_loader import ResumableLoader
from snl_video.data.sampler import EpochSampler
from snl_video.data.subset_lists import AnySubset, SubsetLists
from snl_video.data.transforms.crops import CropSettings, EvalTransform, TrainTransform
from snl_video.data.unreadable import BadVideoSettings
from snl_video.errors import InputError


@dataclass(frozen=True)
class LoaderSettings:
    """Batches and the processes that load them.

    Attributes:
        batch_size: videos in a batch of one process in training and validation.
        eval_batch_size: videos, each with all its views, in a batch of test and prediction.
        num_workers: loader processes; 0 loads in the main process.
        timeout: seconds to wait for a worker's batch before an error; 0 waits for ever.
        prefetch_factor: batches loaded ahead by each worker; fewer in an evaluation where all
            workers together would hold more than 4 GiB, but one at least.

    Raises:
        InputError: a number is too small.
    """

    batch_size: int = 8
    eval_batch_size: int = 1
    num_workers: int = 2
    timeout: float = 120.0
    prefetch_factor: int = 2

    def __post_init__(self) -> None:
        least = {"batch_size": 1, "eval_batch_size": 1, "num_workers": 0, "prefetch_factor": 1}
        for name, number in least.items():
            if getattr(self, name) < number:
                got = getattr(self, name)
                raise InputError(f"data.loader.{name} must be at least {number}, got {got}")

    def of_processes(self, batch_bytes: int = 0) -> dict[str, Any]:
        """Arguments of a `DataLoader` about its processes, for batches of this size."""
        options: dict[str, Any] = {
            "num_workers": self.num_workers,
            "pin_memory": torch.cuda.is_available(),
        }
        if self.num_workers > 0:
            options |= {
                "timeout": self.timeout,
                "persistent_workers": True,
                "prefetch_factor": self._ahead(batch_bytes),
                "worker_init_fn": leave_signals_to_main,
            }
        return options

    def _ahead(self, batch_bytes: int) -> int:
        most = MOST_HELD // max(1, self.num_workers * batch_bytes)
        return max(1, min(self.prefetch_factor, most))


MOST_HELD = 4 * 2**30
"""Bytes of loaded batches that the workers of one process hold, where more would not be needed."""
GRACE = 20
"""Seconds that a loader process lives on after SIGTERM."""


def leave_signals_to_main(worker: int) -> None:
    """Let a worker outlive signals that its whole group gets, so that a step can end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE))


@dataclass(frozen=True)
class VideoLoaders:
    """Makes the loaders of a data set.

    Attributes:
        lists: of its subsets.
        clip: frames of a clip.
        crop: pixels of a clip.
        views: clips and crops of a video in evaluation.
        loader: batches and processes.
        bad_videos: what to do about videos that cannot be read.
        decoding: with what videos are read.

    Raises:
        InputError: the crops do not fit.
    """

    lists: SubsetLists
    clip: ClipSettings
    crop: CropSettings
    views: ViewSettings
    loader: LoaderSettings
    bad_videos: BadVideoSettings
    decoding: DecodingSettings

    def __post_init__(self) -> None:
        self._eval_transform("val"), self._eval_transform("test")

    def training(self, seed: int, replicas: int, rank: int) -> ResumableLoader:
        """Shuffled random clips; an incomplete last batch is left out if there is a whole one.

        Args:
            seed: of order, clips and crops.
            replicas: number of processes.
            rank: this process.
        """
        dataset = TrainVideos(
            self.lists.read("train"),
            self.clip,
            TrainTransform(self.crop),
            seed=seed,
            **self._reading("train"),
        )
        sampler = EpochSampler(dataset, num_replicas=replicas, rank=rank, seed=seed)
        return ResumableLoader(
            dataset,
            sampler=sampler,
            drop_last=len(sampler) >= self.loader.batch_size,
            batch_size=self.loader.batch_size,
            **self.loader.of_processes(),
        )

    def evaluation(self, subset: AnySubset) -> DataLoader:
        """Few views of the validation videos; all views of those to test or predict."""
        validates = subset == "val"
        transform = self._eval_transform(subset)
        num_clips = self.views.val_num_clips if validates else self.views.num_clips
        dataset = EvalVideos(
            self.lists.read(subset), self.clip, transform, num_clips, **self._reading(subset)
        )
        size = self.loader.batch_size if validates else self.loader.eval_batch_size
        clip_bytes = 3 * self.clip.num_frames * transform.crop_size**2
        held = size * num_clips * transform.num_crops * clip_bytes
        return DataLoader(dataset, batch_size=size, **self.loader.of_processes(held))

    def _eval_transform(self, subset: AnySubset) -> EvalTransform:
        crop, views = self.crop, self.views
        if subset == "val":
            return EvalTransform(crop.short_side, crop.size, views.val_num_crops)
        return EvalTransform(crop.short_side, crop.size_in_test, views.num_crops)

    def _reading(self, subset: AnySubset) -> dict[str, Any]:
        return {
            "bad_videos": self.bad_videos,
            "decoding": self.decoding,
            "index": self.lists.index(subset, self.decoding.index),
        }
