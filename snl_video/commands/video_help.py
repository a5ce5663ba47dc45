"""How the help of `fit`, `validate`, `test` and `predict` begins."""

from typing import NamedTuple


class Help(NamedTuple):
    """The options that matter most, and what the command does, with an example."""

    usage: str
    description: str


OPTIONS = """
Every option below can be given on the command line (--data.root data/ucf101) or in a YAML file
(data: {root: data/ucf101}). --config may be repeated: later files go over earlier ones, options
over all. Add --print_config to see every setting."""

OFTEN = {
    "config": "a recipe; may be repeated",
    "run_dir": "folder of the run",
    "ckpt_path": "checkpoint to go on from",
    "pretrained": "weights to start from: a file, or kinetics400",
    "data.format": "layout of the data set: folder, ucf101, hmdb51, kinetics, csv",
    "data.root": "its folder",
    "data.clip.num_frames": "frames of a clip",
    "data.clip.interval": "frames of the video from one of the clip to the next",
    "data.crop.size": "side of a clip in pixels",
    "data.loader.batch_size": "clips of a batch, per GPU",
    "data.loader.num_workers": "processes that decode videos",
    "data.views.num_clips": "clips of a video in test",
    "model.backbone": "the network, i3d_r50 for example",
    "model.non_local.kind": "of non-local block: snl, gsnl, nl, ...",
    "model.non_local.places": "where blocks go: paper, five, or [res4.4]",
    "model.optimizer.lr": "learning rate",
    "trainer.max_epochs": "epochs",
    "trainer.accelerator": "cpu, gpu or auto",
    "trainer.devices": "number of GPUs",
    "trainer.precision": "32-true, 16-mixed, bf16-mixed or auto",
}
"""The options of `fit` that people change, without their dashes, and what they mean."""

_TABLE = "\n".join(f"  --{name:24} {meaning}" for name, meaning in OFTEN.items())

FIT = f"""Train a network with a recipe: a YAML file of settings; `snl-video recipes` lists them.

  snl-video fit --config demo
  snl-video fit --config ucf101/finetune_cpu --data.root data/ucf101 --run_dir runs/mine

RUN_DIR gets config.yaml, checkpoints/best.ckpt and last.ckpt, TensorBoard and CSV logs.
To resume: --ckpt_path RUN_DIR/checkpoints/last.ckpt.

The options that are changed most:
{_TABLE}
{OPTIONS}"""

VALIDATE = f"""Measure a finished run on its validation videos.

  snl-video validate --run_dir runs/demo

It takes the best checkpoint of RUN_DIR, its network and its settings of the data.
{OPTIONS}"""

TEST = f"""Measure a finished run, or published weights, on the test videos, and write a report.

  snl-video test --run_dir runs/demo
  snl-video test --config kinetics400/i3d_inception --data.root data/kinetics400

It takes the best checkpoint of RUN_DIR, its network and its settings of the data, and writes
RUN_DIR/report/report.html with the numbers beside it. Without a checkpoint it takes the
pretrained weights of the recipe as they are.
{OPTIONS}"""

PREDICT = f"""Name the classes of videos with a finished run, or with published weights.

  snl-video predict --run_dir runs/demo --data.predict.paths '[new.mp4]'
  snl-video predict --config kinetics400/i3d_inception --data.predict.paths '[clip.mp4]'

It prints the best classes of each video and writes RUN_DIR/predictions.json.
{OPTIONS}"""

HELP = {
    "fit": Help("--config RECIPE [--run_dir RUN_DIR] [--OPTION VALUE ...]", FIT),
    "validate": Help("--run_dir RUN_DIR [--OPTION VALUE ...]", VALIDATE),
    "test": Help("--run_dir RUN_DIR [--config RECIPE] [--OPTION VALUE ...]", TEST),
    "predict": Help("--run_dir RUN_DIR --data.predict.paths FILES [--OPTION VALUE ...]", PREDICT),
}
