"""The LightningDataModule: one class for every format."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from torch.utils.data import DataLoader

from snl_video.data import list_source
from snl_video.data.clips import Short
from snl_video.data.datasets import EvalVideos, OnBadVideo, TrainVideos
from snl_video.data.decoding import Backend
from snl_video.data.formats import Missing, VideoList, read_files
from snl_video.data.list_source import Format, ListSource, Subset
from snl_video.data.manifest import NAME, VideoIndex
from snl_video.data.resumable_loader import LoaderPlace, ResumableLoader
from snl_video.data.sampler import EpochSampler
from snl_video.data.trained_videos import refuse_trained
from snl_video.data.transforms.augmentation import Augmentation, AugmentSpec
from snl_video.data.transforms.crops import EvalTransform, TrainTransform
from snl_video.data.unreadable import UnreadableReport, UnreadableVideos
from snl_video.spec import as_spec

AnySubset = Subset | Literal["predict"]
EVALUATED: dict[TrainerFn, Subset] = {
    TrainerFn.FITTING: "val",
    TrainerFn.VALIDATING: "val",
    TrainerFn.TESTING: "test",
}
"""What a run that loads a checkpoint measures."""


class VideoDataModule(pl.LightningDataModule):
    """Loaders of uint8 clips for training, validation, test and prediction.

    A training batch has `clips` (B, 1, C, T, H, W), an evaluation batch (B, V, C, T, H, W) with
    V = num_clips x num_crops, clip-major; both have `label` and `index` (B,). A mixed one has
    `target` (B, K) too. See `TrainVideos` and `EvalVideos` for the rest. Nothing is normalised
    here.

    UCF101, HMDB51 and motion have no validation set: the split's test list serves for it too.
    Kinetics is tested on its validation list, the one with labels.

    Args:
        format: how the data set is laid out; data/README.md shows each. "motion" is written to
            `root` if it is not there.
        root: the data set's folder; for "csv" the prefix of the paths.
        split: 1, 2 or 3, for formats with splits.
        annotations: folder of the lists, where it is not in the usual place under `root`.
        train_list: list file of the training set, for "csv".
        val_list: list file of the validation set, for "csv"; by default `test_list`.
        test_list: list file of the test set, for "csv"; by default `val_list`.
        class_file: class names, one a line, for "folder" and "csv", or to predict without a data
            set; by default they come from the data set.
        val_share: for "folder", share of the training videos of each class that is held out for
            validation, whole groups of clips at a time; by default 0.2 where there is neither `val`
            nor `test`, and nothing elsewhere; 0 holds out nothing.
        val_seed: which ones.
        missing: what to do about listed files that are absent: "error", "skip" with a warning, or
            "wrong": skip in training, and count as wrong in evaluation.
        num_frames: frames of a clip.
        frame_interval: step between them in frames of the video.
        short_video: a video shorter than a clip is filled by its last frame ("repeat") or starts
            again ("loop").
        crop_size: side of the clips in pixels.
        test_crop_size: side of the clips in test and prediction; by default `crop_size`.
        short_side: pixels of the shorter side before the crops of an evaluation.
        train_scale: range of the training crop's share of the frame's area.
        train_ratio: range of the training crop's aspect ratio.
        train_short_sides: when given, replaces the two above by a random short side and a square
            crop, for example [256, 320].
        flip: probability of a mirror in training; by default 0.5, and 0 for "motion", which has
            left and right as classes.
        augment: what else is done to training clips; see `AugmentSpec`. Like the flip it is done on
            the device, in `on_after_batch_transfer`.
        num_clips: clips of a video in test and prediction.
        num_crops: crops of a clip in test and prediction, 1 or 3.
        val_num_clips: clips of a video in validation.
        val_num_crops: crops of a clip in validation, 1 or 3.
        batch_size: videos in a batch of one process in training and validation.
        eval_batch_size: videos, each with all its views, in a batch of test and prediction.
        num_workers: loader processes; 0 loads in the main process.
        timeout: seconds to wait for a worker's batch before an error; 0 waits for ever.
        prefetch_factor: batches loaded ahead by each worker.
        seed: of order, clips, crops and augmentation in training.
        on_bad_video: in evaluation, "stop" at an unreadable video or count it as "wrong".
        max_replacements: in training, tries to replace an unreadable video.
        max_bad_share: training stops when more of an epoch's videos, those of all processes, than
            this share is unreadable; a single one never stops it.
        decode_timeout: seconds after which a decoder that hangs is stopped and its video counts as
            unreadable; 0 decodes in the worker itself and waits for ever.
        backend: decoder, "auto", "decord", "pyav" or "torchcodec".
        index: Parquet or CSV from `python -m snl_video.commands.check`, so that no file is opened
            to learn its length; by default video_index.parquet in `root`, where there is one.
        predict_paths: files and folders to predict, or just one; by default the test list.
        class_names: the classes in the order of their labels, to predict without a data set.
    """

    def __init__(
        self,
        format: Format = "folder",
        root: str = ".",
        *,
        split: int = 1,
        annotations: str | None = None,
        train_list: str | None = None,
        val_list: str | None = None,
        test_list: str | None = None,
        class_file: str | None = None,
        val_share: float | None = None,
        val_seed: int = 0,
        missing: Missing = "error",
        num_frames: int = 8,
        frame_interval: int = 8,
        short_video: Short = "repeat",
        crop_size: int = 224,
        test_crop_size: int | None = None,
        short_side: int = 256,
        train_scale: tuple[float, float] = (0.25, 1.0),
        train_ratio: tuple[float, float] = (3 / 4, 4 / 3),
        train_short_sides: tuple[int, int] | None = None,
        flip: float | None = None,
        augment: AugmentSpec = AugmentSpec(),  # noqa: B008
        num_clips: int = 10,
        num_crops: int = 3,
        val_num_clips: int = 1,
        val_num_crops: int = 1,
        batch_size: int = 8,
        eval_batch_size: int = 1,
        num_workers: int = 2,
        timeout: float = 120.0,
        prefetch_factor: int = 2,
        seed: int = 0,
        on_bad_video: OnBadVideo = "stop",
        max_replacements: int = 10,
        max_bad_share: float = 0.1,
        decode_timeout: float = 0.0,
        backend: Backend = "auto",
        index: str | None = None,
        predict_paths: list[str] | str | None = None,
        class_names: list[str] | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.source = ListSource(
            format=format,
            root=root,
            split=split,
            annotations=annotations,
            files={"train": train_list, "val": val_list, "test": test_list},
            class_file=class_file,
            missing=missing,
            val_share=val_share,
            val_seed=val_seed,
        )
        if flip is None:
            flip = 0.0 if format == "motion" else 0.5
        augment = as_spec(AugmentSpec, augment, "augment")
        self.hparams["augment"] = asdict(augment)
        self.augmentation = Augmentation(augment, flip=flip, seed=seed)
        self.num_frames = num_frames
        self.crop_size = crop_size
        self.test_crop_size = test_crop_size or crop_size
        self.train_transform = TrainTransform(
            crop_size, scale=train_scale, ratio=train_ratio, short_sides=train_short_sides
        )
        self.val_transform = EvalTransform(short_side, crop_size, val_num_crops)
        self.test_transform = EvalTransform(short_side, self.test_crop_size, num_crops)
        self.batch_size = batch_size
        self.num_clips = num_clips
        self.val_num_clips = val_num_clips
        self.predict_paths = predict_paths
        self.class_names = class_names
        self.unreadable = UnreadableVideos(max_bad_share, 0)
        self._reading: dict[str, Any] = {
            "num_frames": num_frames,
            "frame_interval": frame_interval,
            "short": short_video,
            "backend": backend,
            "timeout": decode_timeout,
        }
        self._loading: dict[str, Any] = {
            "num_workers": num_workers,
            "pin_memory": torch.cuda.is_available(),
        }
        if num_workers > 0:
            self._loading |= {
                "timeout": timeout,
                "persistent_workers": True,
                "prefetch_factor": prefetch_factor,
            }
        self._lists: dict[str, VideoList] = {}
        self._trained_on: set[str] = set()

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the labels. Reads annotations only, opens no video."""
        return self.class_names or self.source.classes

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def video_list(self, subset: AnySubset) -> VideoList:
        """The records of a subset, read once.

        Raises:
            AnnotationError: something about the lists or folders is wrong; says the remedy.
        """
        if subset not in self._lists:
            if subset == "predict" and self.predict_paths:
                paths = self.predict_paths
                paths = [paths] if isinstance(paths, str) else paths
                self._lists[subset] = read_files(paths, self.classes)
            elif subset == "predict":
                self._lists[subset] = self.video_list("test").present()
            else:
                videos = self.source.read(subset)
                self._lists[subset] = videos.present() if subset == "train" else videos
        return self._lists[subset]

    def video_index(self, subset: AnySubset) -> VideoIndex | None:
        """What is known of the records of a subset, if there is an index.

        Raises:
            AnnotationError: `index` names none.
        """
        file = self.hparams["index"] or Path(self.source.root) / NAME
        if self.hparams["index"] is None and not Path(file).is_file():
            return None
        return VideoIndex(file, self.video_list(subset), self.source.root)

    def describe(self) -> dict[str, Any]:
        """Counts and list hashes of every subset that the data set has, for a report."""
        return list_source.describe(self.source, self.num_classes, self.video_list)

    def prepare_data(self) -> None:
        """Write the motion data set if it is asked for and not there."""
        if self.source.format == "motion":
            from snl_video.data.synthetic.motion import write_motion  # the module is also a command

            write_motion(self.source.root)

    def setup(self, stage: str | None = None) -> None:
        """Read the lists that a stage needs, so that their errors come before training starts."""
        needed: dict[str | None, tuple[Any, ...]] = {
            "fit": ("train", "val"),
            "validate": ("val",),
            "test": ("test",),
            "predict": ("predict",),
            None: list_source.SUBSETS,
        }
        for subset in needed[stage]:
            self.video_list(subset)
        if stage != "predict" and (note := self.source.note()):
            rank_zero_info(note)
        if stage == "fit" and self.source.held_out is not None:
            self._trained_on.update(record.id for record in self.video_list("train").records)
        if stage == "fit" and self.trainer:
            ours = [UnreadableReport(self.unreadable), LoaderPlace()]
            self.trainer.callbacks[:0] = ours  # type: ignore[attr-defined]

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint: ids of the videos trained on, where others of a folder are held out."""
        return {"trained_on": sorted(self._trained_on)} if self._trained_on else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Look what a checkpoint was trained on, before anything is measured with it.

        Lightning calls it after `setup`; prediction takes any video.

        Raises:
            AnnotationError: videos that are held out now are among them.
        """
        self._trained_on.update(state_dict["trained_on"])
        subset = EVALUATED.get(self.trainer.state.fn) if self.trainer else None  # type: ignore[arg-type]
        if subset is not None and self.source.is_held_out(subset):
            refuse_trained(self.video_list(subset), state_dict["trained_on"], self.source.root)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Take the words about unreadable videos out of a training batch, and its keys.

        Raises:
            TooManyUnreadableError: see `max_bad_share`.
        """
        if isinstance(batch, dict):
            self.unreadable.add(batch.pop("unreadable", []))
            if "epoch" in batch:
                keys = zip(batch.pop("epoch").tolist(), batch["index"].tolist(), strict=True)
                batch["keys"] = list(keys)
        return batch

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Augment a training batch where it is; one that is mixed gets `target` (B, K).

        The keys come from `on_before_batch_transfer`, so that nothing waits for the device.
        """
        keys = batch.pop("keys", None) if isinstance(batch, dict) else None
        if keys is None or (self.trainer and self.trainer.state.fn != TrainerFn.FITTING):
            return batch
        clips = self.augmentation.clips(batch["clips"], keys)
        if self.augmentation.spec.mixes:
            label = batch["label"]
            clips, batch["target"] = self.augmentation.mix(clips, label, keys, self.num_classes)
        return batch | {"clips": clips}

    def train_dataloader(self) -> ResumableLoader:
        """Shuffled random clips; an incomplete last batch is left out if there is a whole one.

        A checkpoint of the middle of an epoch goes on with the batches that remain of it.
        """
        dataset = TrainVideos(
            self.video_list("train"),
            transform=self.train_transform,
            seed=self.hparams["seed"],
            max_replacements=self.hparams["max_replacements"],
            index=self.video_index("train"),
            **self._reading,
        )
        replicas, rank = (
            (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        )
        sampler = EpochSampler(dataset, num_replicas=replicas, rank=rank, seed=self.hparams["seed"])
        loader = ResumableLoader(
            dataset,
            sampler=sampler,
            drop_last=len(sampler) >= self.batch_size,
            batch_size=self.batch_size,
            **self._loading,
        )
        self.unreadable.num_videos = len(dataset)
        if self.trainer:
            progress = self.trainer.fit_loop.epoch_loop.batch_progress.current
            loader.finished = lambda: progress.processed  # type: ignore[attr-defined]
        return loader

    def val_dataloader(self) -> DataLoader:
        """Few views of the validation videos."""
        return self._eval_loader("val", self.val_num_clips, self.val_transform)

    def test_dataloader(self) -> DataLoader:
        """All views of the test videos."""
        return self._eval_loader("test", self.num_clips, self.test_transform)

    def predict_dataloader(self) -> DataLoader:
        """All views of the videos to predict."""
        return self._eval_loader("predict", self.num_clips, self.test_transform)

    def _eval_loader(
        self, subset: AnySubset, num_clips: int, transform: EvalTransform
    ) -> DataLoader:
        dataset = EvalVideos(
            self.video_list(subset),
            num_clips=num_clips,
            transform=transform,
            on_bad_video=self.hparams["on_bad_video"],
            index=self.video_index(subset),
            **self._reading,
        )
        size = self.batch_size if subset == "val" else self.hparams["eval_batch_size"]
        return DataLoader(dataset, batch_size=size, **self._loading)
