"""A tiny network on tiny videos, through the command line."""

import csv
from pathlib import Path

import torch

from snl_video.commands.video_cli import VideoCLI
from tests.training.tiny import SMALL_CLIPS

TINY_MODEL = ["--model.width=8", "--model.dropout=0", "--model.optimizer.lr=0.01"]
TINY_DATA = [
    "--data.format=ucf101",
    *SMALL_CLIPS,
    "--data.loader.batch_size=4",
]
QUIET = [
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.log_every_n_steps=1",
]
FINETUNE = [
    "--trainer.max_epochs=4",
    "--trainer.accumulate_grad_batches=2",
    "--trainer.callbacks+=MovingAverage",
    "--trainer.callbacks.decay=0.5",
    "--trainer.callbacks+=PreciseBatchNorm",
    "--trainer.callbacks.num_batches=1",
    "--trainer.callbacks+=EarlyStopping",
    "--trainer.callbacks.monitor=val/top1",
    "--trainer.callbacks.min_delta=2",
    "--trainer.callbacks.mode=max",
    "--trainer.callbacks.patience=2",
    "--model.loss.class_weights=balanced",
    "--model.loss.label_smoothing=0.1",
    "--model.optimizer.layer_decay=0.9",
    "--model.optimizer.head_lr=2",
    "--freeze.until=res5",
    '--freeze.unfreeze={"1": "res4", "2": null}',
    "--model.non_local.kind=snl",
]
"""All of fine-tuning in one run."""


def fit(videos, folder, *more):
    return VideoCLI(
        [
            "fit",
            f"--run_dir={folder}",
            f"--data.root={videos}",
            *TINY_MODEL,
            *TINY_DATA,
            *QUIET,
            *more,
        ]
    )


def read_csv(path):
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def changed_copy(run, tmp_path, settings, **changes):
    """The best checkpoint of a run with other recorded settings."""
    path = tmp_path / "changed.ckpt"
    checkpoint = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    checkpoint[settings].update(changes)
    torch.save(checkpoint, path)
    return path
