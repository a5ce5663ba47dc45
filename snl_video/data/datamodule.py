"""The LightningDataModule: one class for every format."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from torch.utils.data import DataLoader

from snl_video.data.clips import ClipSettings
from snl_video.data.datasets import ViewSettings
from snl_video.data.decoding import DecodingSettings
from snl_video.data.formats import SUBSETS, ListSettings, open_data_set
from snl_video.data.holdout import HoldoutSettings
from snl_video.data.loaders import LoaderSettings, VideoLoaders
from snl_video.data.overlap import tell_overlap
from snl_video.data.resumable_loader import ResumableLoader
from snl_video.data.subset_lists import AnySubset, SubsetLists
from snl_video.data.trained_videos import refuse_trained
from snl_video.data.transforms.augmentation import Augmentation, AugmentSpec
from snl_video.data.transforms.crops import CropSettings
from snl_video.data.unlabelled import PredictSettings
from snl_video.data.unreadable import BadVideoSettings, UnreadableVideos
from snl_video.data.video_list import VideoList
from snl_video.spec import as_spec

OF_STAGE: dict[str | None, tuple[AnySubset, ...]] = {
    "fit": ("train", "val"),
    "validate": ("val",),
    "test": ("test",),
    "predict": ("predict",),
    None: SUBSETS,
}
"""What a stage of Lightning reads; the last one is what it measures."""


class VideoDataModule(pl.LightningDataModule):
    """Loaders of uint8 clips for training, validation, test and prediction.

    A training batch has `clips` (B, 1, C, T, H, W), an evaluation batch (B, V, C, T, H, W) with
    V = num_clips x num_crops, clip-major; both have `label` and `index` (B,). A mixed one has
    `target` (B, K) too. See `TrainVideos` and `EvalVideos` for the rest. Nothing is normalised
    here.

    The command line trains with two more callbacks. `UnreadableReport` names the videos that were
    replaced and adds up those of all processes; `LoaderPlace` lets a run with a learning-rate
    schedule go on in the middle of an epoch. A `Trainer` without them trains on the same batches.

    Args:
        format: how the data set is laid out: a name of `snl_video.data.formats.FORMATS`;
            data/README.md shows each.
        root: the data set's folder, or its address; for "csv" the prefix of the paths.
        split: 1, 2 or 3, for formats with official splits.
        seed: of order, clips, crops and augmentation in training.
        lists: where the lists are.
        holdout: a validation set taken out of the training set.
        clip: frames of a clip.
        crop: pixels of a clip.
        augment: what else is done to training clips, on the device.
        views: clips and crops of a video in evaluation.
        loader: batches and loader processes.
        bad_videos: what to do about videos that cannot be read.
        decoding: with what videos are read.
        predict: what is predicted.
    """

    def __init__(
        self,
        format: str = "folder",
        root: str = ".",
        *,
        split: int = 1,
        seed: int = 0,
        lists: ListSettings = ListSettings(),
        holdout: HoldoutSettings = HoldoutSettings(),
        clip: ClipSettings = ClipSettings(),
        crop: CropSettings = CropSettings(),
        augment: AugmentSpec = AugmentSpec(),
        views: ViewSettings = ViewSettings(),
        loader: LoaderSettings = LoaderSettings(),
        bad_videos: BadVideoSettings = BadVideoSettings(),
        decoding: DecodingSettings = DecodingSettings(),
        predict: PredictSettings = PredictSettings(),
    ) -> None:
        super().__init__()
        lists = as_spec(ListSettings, lists, "lists")
        holdout = as_spec(HoldoutSettings, holdout, "holdout")
        augment = as_spec(AugmentSpec, augment, "augment")
        predict = as_spec(PredictSettings, predict, "predict")
        clip = as_spec(ClipSettings, clip, "clip")
        crop = as_spec(CropSettings, crop, "crop")
        loader = as_spec(LoaderSettings, loader, "loader")
        views = as_spec(ViewSettings, views, "views")
        bad_videos = as_spec(BadVideoSettings, bad_videos, "bad_videos")
        decoding = as_spec(DecodingSettings, decoding, "decoding")
        plain = {"format": format, "root": root, "split": split, "seed": seed}
        groups: dict[str, Any] = {
            **{"lists": lists, "holdout": holdout, "clip": clip, "crop": crop},
            **{"augment": augment, "views": views, "loader": loader},
            **{"bad_videos": bad_videos, "decoding": decoding, "predict": predict},
        }
        self.save_hyperparameters(plain | {name: asdict(group) for name, group in groups.items()})
        self.data_set = open_data_set(format, root, split, lists, holdout)
        if augment.flip is None:
            augment = replace(augment, flip=self.data_set.mirror())
        self.augmentation = Augmentation(augment, seed=seed)
        self.lists = SubsetLists(self.data_set, predict)
        self.loaders = VideoLoaders(self.lists, clip, crop, views, loader, bad_videos, decoding)
        self.unreadable = UnreadableVideos(bad_videos.max_share, 0)
        self.seed = seed
        self._trained_on: set[str] = set()

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the labels. Reads annotations only, opens no video."""
        return self.lists.classes

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def video_list(self, subset: AnySubset) -> VideoList:
        """The records of a subset; see `SubsetLists.read`."""
        return self.lists.read(subset)

    def describe(self) -> dict[str, Any]:
        """Counts and list hashes of every subset that the data set has, for a report."""
        return {"format": self.hparams["format"], **self.lists.describe()}

    def prepare_data(self) -> None:
        """Write the data set if its format is one that the package writes."""
        self.data_set.prepare()

    def setup(self, stage: str | None = None) -> None:
        """Read the lists that a stage needs, so that their errors come before training starts.

        Raises:
            AnnotationError: something is wrong with them, or training and evaluation share videos.
        """
        for subset in OF_STAGE[stage]:
            self.video_list(subset)
        if stage != "predict":
            overlap = self.lists.overlap(OF_STAGE[stage][-1])  # type: ignore[arg-type]
            tell_overlap(overlap, stop=self.data_set.lists.overlap == "error")
            if note := self.data_set.note():
                rank_zero_info(note)
        if stage == "fit" and self.data_set.held_out is not None:
            self._trained_on.update(record.id for record in self.video_list("train").records)

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint: ids of the videos trained on, where others of a folder are held out."""
        return {"trained_on": sorted(self._trained_on)} if self._trained_on else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Look what a checkpoint was trained on, before anything is measured with it.

        Lightning calls it after `setup`; prediction takes any video.

        Raises:
            AnnotationError: videos that are held out now are among them.
        """
        trained_on = state_dict["trained_on"]
        self._trained_on.update(trained_on)
        subset = OF_STAGE[self.trainer.state.fn][-1] if self.trainer else "predict"
        if subset != "predict" and self.data_set.is_held_out(subset):
            refuse_trained(self.video_list(subset), trained_on, str(self.data_set.root))

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Take the words about unreadable videos out of a training batch, and its keys.

        Raises:
            TooManyUnreadableError: see `BadVideoSettings.max_share`.
        """
        if isinstance(batch, dict) and "epoch" in batch:
            epochs = batch.pop("epoch").tolist()
            self.unreadable.add(batch.pop("unreadable"), epochs[0])
            batch["keys"] = list(zip(epochs, batch["index"].tolist(), strict=True))
        return batch

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Augment a training batch where it is; one that is mixed gets `target` (B, K).

        The keys come from `on_before_batch_transfer`, so that nothing waits for the device.
        """
        keys = batch.pop("keys", None) if isinstance(batch, dict) else None
        if keys is None or (self.trainer and self.trainer.state.fn != TrainerFn.FITTING):
            return batch
        return self.augmentation.batch(batch, keys, self.num_classes)

    def train_dataloader(self) -> ResumableLoader:
        """See `VideoLoaders.training`.

        A checkpoint of the middle of an epoch goes on with the batches that remain of it.
        """
        trainer = self.trainer
        processes, rank = (trainer.world_size, trainer.global_rank) if trainer else (1, 0)
        loader = self.loaders.training(self.seed, processes, rank)
        self.unreadable.num_videos = len(self.video_list("train"))
        if trainer:
            progress = trainer.fit_loop.epoch_loop.batch_progress.current
            loader.finished = lambda: progress.processed  # type: ignore[attr-defined]
        return loader

    def val_dataloader(self) -> DataLoader:
        """Few views of the validation videos."""
        return self.loaders.evaluation("val")

    def test_dataloader(self) -> DataLoader:
        """All views of the test videos."""
        return self.loaders.evaluation("test")

    def predict_dataloader(self) -> DataLoader:
        """All views of the videos to predict."""
        return self.loaders.evaluation("predict")
