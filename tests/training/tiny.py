"""A narrow network and a few random clips, to train in seconds without a video."""

from pathlib import Path

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from snl_video.data import VideoList, VideoRecord
from snl_video.training import OptimizerSpec, VideoClassifier

CLASSES = 4
SMALL_CLIPS = [
    "--data.clip.num_frames=4",
    "--data.clip.interval=2",
    "--data.crop.size=32",
    "--data.crop.short_side=32",
    "--data.views.num_clips=2",
    "--data.views.num_crops=1",
    "--data.loader.num_workers=0",
]
"""Options of the command line that make a clip cheap."""


class Clips(Dataset):
    """uint8 clips (1, 3, T, 32, 32), a function of their index."""

    def __init__(self, number, num_frames=4, soft=False):
        self.num_frames, self.soft = num_frames, soft
        self.videos = VideoList(
            [
                VideoRecord(f"{i}.mp4", (i + 1) % CLASSES * (i < CLASSES), str(i))
                for i in range(number)
            ],
            [f"class {i}" for i in range(CLASSES)],
        )

    def __len__(self):
        return len(self.videos.records)

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        shape = (1, 3, self.num_frames, 32, 32)
        clip = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
        sample = {"clips": clip, "label": self.videos.records[index].label, "index": index}
        if self.soft:
            sample["target"] = torch.rand(CLASSES, generator=generator).softmax(0)
        return sample


class TinyData(pl.LightningDataModule):
    """8 training videos (5, 1, 1 and 1 of the four classes) in 4 batches, 4 validation videos."""

    def __init__(self, num_frames=4, soft=False):
        super().__init__()
        self.num_frames, self.soft = num_frames, soft

    def video_list(self, subset):
        return Clips(8 if subset == "train" else 4).videos

    def train_dataloader(self):
        return DataLoader(Clips(8, self.num_frames, self.soft), batch_size=2)

    def val_dataloader(self):
        return DataLoader(Clips(4, self.num_frames), batch_size=2)


def classifier(backbone="slow_r50", lr=0.05, **options):
    """A narrow network with seeded weights, no dropout, and SGD.

    Its last norms have weights of their own: they start at zero, which for some steps keeps
    everything else from moving.
    """
    torch.manual_seed(0)
    options.setdefault("optimizer", OptimizerSpec(lr=lr))
    model = VideoClassifier(backbone, CLASSES, width=8, dropout=0.0, **options)
    with torch.no_grad():
        for name, value in model.network.named_parameters():
            if name.endswith("norm_c.weight"):
                value.uniform_(0.5, 1.5)
    return model


def trainer(folder, **options):
    """A quiet trainer of the CPU that writes nothing by itself."""
    defaults = {
        "default_root_dir": str(folder),
        "accelerator": "cpu",
        "devices": 1,
        "logger": False,
        "enable_progress_bar": False,
        "enable_checkpointing": False,
        "enable_model_summary": False,
        "max_epochs": 1,
    }
    return pl.Trainer(**{**defaults, **options})


def every_epoch(folder: Path) -> pl.callbacks.ModelCheckpoint:
    """Keep `epoch=0.ckpt`, `epoch=1.ckpt` ... in the folder."""
    return pl.callbacks.ModelCheckpoint(folder, "{epoch}", save_top_k=-1)


def state_of(module):
    """A copy of every parameter and every buffer of the network, by name."""
    network = module.network
    named = [*network.named_parameters(), *network.named_buffers()]
    return {name: value.detach().clone() for name, value in named}


def changed(before, after):
    """Names of the numbers that are not the same bit for bit."""
    return {name for name in before if not torch.equal(before[name], after[name])}
