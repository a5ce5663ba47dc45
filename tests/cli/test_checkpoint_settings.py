"""What a checkpoint decides and proposes, and what the command line may change."""

import json

import pytest
import torch

from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import PretrainedError
from snl_video.training import EvaluationSpec
from tests.cli.tiny_run import QUIET, TINY_DATA, TINY_MODEL, changed_copy


def test_a_checkpoint_decides_the_network_and_the_command_line_the_views(run):
    cli = VideoCLI(
        ["test", f"--run_dir={run}", "--model.backbone=c2d_r50", "--data.views.num_clips=3", *QUIET]
    )
    assert cli.model.hparams.backbone == "i3d_r50"
    assert cli.datamodule.loaders.views.num_clips == 3
    assert cli.datamodule.loaders.clip.num_frames == 4


def test_a_checkpoint_proposes_how_it_is_evaluated(run, tmp_path):
    path = changed_copy(
        run,
        tmp_path,
        "hyper_parameters",
        evaluation={"average": "logits", "views_per_forward": 1, "view_settings": None},
        channels_last=True,
    )
    common = ["test", f"--ckpt_path={path}", f"--run_dir={tmp_path}", *QUIET]
    model = VideoCLI([*common, "--model.evaluation.views_per_forward=2"]).model
    assert model.scores.spec == EvaluationSpec("logits", views_per_forward=2)
    assert model.channels_last


def test_what_belongs_to_one_data_set_is_not_proposed_for_another(run, videos, tmp_path):
    path = changed_copy(
        run,
        tmp_path,
        "datamodule_hyper_parameters",
        decoding={"backend": "pyav", "timeout": 0.0, "index": "/gone/index.parquet"},
        split=2,
    )
    common = [f"--ckpt_path={path}", f"--run_dir={tmp_path}", *QUIET]
    file = next(videos.glob("videos/*/*"))
    predicted = VideoCLI(["predict", *common, f"--data.predict.paths={file}"]).datamodule.hparams
    moved = VideoCLI(["test", *common, f"--data.root={videos}/."]).datamodule.hparams
    for found in (predicted, moved):
        assert (found.decoding["backend"], found.decoding["index"]) == ("pyav", None)
    assert (moved.split, moved.clip["num_frames"]) == (2, 4)
    lists = tmp_path / "list.txt"
    lists.write_text(f"{file} 0\n")
    names = tmp_path / "names.txt"
    names.write_text("\n".join(torch.load(path)["hyper_parameters"]["classes"]))
    other = ["--data.format=csv", f"--data.lists.test={lists}", f"--data.lists.classes={names}"]
    listed = VideoCLI(["test", *common, *other]).datamodule.hparams
    assert (listed.root, listed.decoding["index"], listed.split) == (".", None, 1)
    assert (listed.decoding["backend"], listed.clip["num_frames"]) == ("pyav", 4)


@pytest.mark.parametrize("subcommand", ["test", "validate", "fit"])
def test_a_checkpoint_of_other_classes_is_refused(run, videos, tmp_path, subcommand):
    names = torch.load(run / "checkpoints/best.ckpt")["hyper_parameters"]["classes"]
    path = changed_copy(run, tmp_path, "hyper_parameters", classes=[names[1], names[0], *names[2:]])
    options = [f"--ckpt_path={path}", f"--run_dir={tmp_path / 'new'}", f"--data.root={videos}"]
    if subcommand == "fit":
        options += [*TINY_MODEL, *TINY_DATA, "--model.non_local.kind=snl"]
    with pytest.raises(PretrainedError, match=f"class 0 is {names[0]!r} in the data and"):
        VideoCLI([subcommand, *options, *QUIET])
    file = next(videos.glob("videos/*/*"))
    VideoCLI(["predict", *options[:2], f"--data.predict.paths={file}", *QUIET])
    assert json.loads((tmp_path / "new/predictions.json").read_text())
