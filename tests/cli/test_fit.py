"""Training through the command line: what a run leaves, and what it refuses."""

import math
import shutil

import pytest
import torch
import yaml

from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import InputError
from snl_video.training import VideoClassifier
from tests.cli.tiny_run import FINETUNE, QUIET, fit, read_csv


def test_fit_leaves_checkpoints_logs_and_its_configuration(run):
    assert (run / "checkpoints/best.ckpt").is_file()
    assert (run / "checkpoints/last.ckpt").is_file()
    assert list((run / "tensorboard").glob("events*"))
    rows = read_csv(run / "csv/version_0/metrics.csv")
    assert any(row["train/loss"] for row in rows)
    assert any(row["val/top1"] for row in rows)
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["non_local"]["kind"] == "snl"


def test_checkpoint_rebuilds_the_network_without_a_configuration(run):
    path = run / "checkpoints/best.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    (block,) = checkpoint["network_summary"]["blocks"]
    assert (block["place"], block["kind"]) == ("res4.4", "snl")
    model = VideoClassifier.load_from_checkpoint(path, map_location="cpu")
    assert [entry["place"] for entry in model.network.non_local] == ["res4.4"]
    assert model.classes[:2] == ["MoveLeft", "MoveRight"]
    for name, value in model.state_dict().items():
        assert torch.equal(value, checkpoint["state_dict"][name]), name


def test_a_model_made_in_python_gives_a_checkpoint_that_loads_safely(videos, tmp_path):
    import pytorch_lightning as pl

    from snl_video.data import ClipSettings, CropSettings, LoaderSettings, VideoDataModule
    from snl_video.models import NonLocalSpec
    from snl_video.training import OptimizerSpec

    model = VideoClassifier(
        "slow_r50", 10, width=8, non_local=NonLocalSpec("nl"), optimizer=OptimizerSpec(lr=0.3)
    )
    data = VideoDataModule(
        "ucf101",
        str(videos),
        clip=ClipSettings(4, 1),
        crop=CropSettings(32),
        loader=LoaderSettings(num_workers=0),
    )
    trainer = pl.Trainer(
        default_root_dir=tmp_path, max_steps=1, limit_val_batches=0, logger=False, accelerator="cpu"
    )
    trainer.fit(model, data)
    trainer.save_checkpoint(tmp_path / "own.ckpt")
    assert torch.load(tmp_path / "own.ckpt", weights_only=True)
    again = VideoClassifier.load_from_checkpoint(tmp_path / "own.ckpt")
    assert again.optimizer_spec == OptimizerSpec(lr=0.3)
    assert again.network.non_local[0]["kind"] == "nl"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trainer.limit_val_batches=0"], "limit_val_batches is 0"),
        (["--trainer.check_val_every_n_epoch=3"], "the run has 2 epochs, and the first .* after 3"),
    ],
)
def test_a_best_epoch_that_nothing_chooses_is_refused(videos, tmp_path, options, message):
    common = ["--trainer.max_epochs=2", *options]
    with pytest.raises(InputError, match=message):
        fit(videos, tmp_path / "run", *common)
    fit(videos, tmp_path / "run", *common, "--checkpoint.monitor=null")
    best = torch.load(tmp_path / "run/checkpoints/best.ckpt", weights_only=True)
    assert best["epoch"] == 1


def test_training_that_ends_before_any_validation_names_its_last_checkpoint(
    videos, tmp_path, capsys
):
    folder = tmp_path / "run"
    fit(videos, folder, "--trainer.max_epochs=-1", "--trainer.max_steps=1")
    last = folder / "checkpoints/last.ckpt"
    words = capsys.readouterr().out
    assert f"no best.ckpt: training ended before the first validation; {last} is" in words
    assert f"next: snl-video test --run_dir {folder} --ckpt_path {last}" in words
    assert f"snl-video predict {folder} new.mp4" in words
    VideoCLI(["test", f"--run_dir={folder}", f"--ckpt_path={last}", *QUIET])


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_other_precisions_train(videos, tmp_path, precision):
    options = ["--trainer.max_epochs=1", "--model.non_local.kind=snl"]
    model = fit(videos, tmp_path / "run", *options, f"--trainer.precision={precision}").model
    assert all(bool(value.isfinite().all()) for value in model.parameters())


def test_fit_refuses_to_overwrite_a_run(run, videos):
    with pytest.raises(InputError, match="already holds a run"):
        fit(videos, run)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--data.root=/nowhere", "/nowhere"),
        ("--model.backbone=vgg", "unknown backbone 'vgg'"),
        ("--model.non_local.kind=spectral", "spectral"),
        ('--model.non_local.places=["res9.1"]', r"no place 'res9\.1'"),
        ("--data.split=4", "4"),
        ("--data.loader.batch_size=0", "data.loader.batch_size must be at least 1, got 0"),
        ("--data.crop.size=0", "crop.size and crop.short_side must be at least 1 pixel, got 0"),
        ("--data.loader.num_workers=-1", "data.loader.num_workers must be at least 0, got -1"),
        pytest.param(
            "--trainer.accelerator=gpu",
            "no GPU that PyTorch can use: --trainer.accelerator cpu",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is one"),
        ),
        ("--freeze.until=res9", "freeze.until: no place 'res9'"),
        ("--model.loss.class_weights=[1.0]", "class_weights must be .* 10 positive numbers"),
        ("--model.optimizer.layer_decay=2", "layer_decay must lie in"),
    ],
)
def test_bad_options_are_named(videos, tmp_path, option, message):
    with pytest.raises(InputError, match=message):
        fit(videos, tmp_path / "run", "--trainer.max_epochs=1", option)


def test_all_of_fine_tuning_in_one_run(videos, tmp_path, capsys):
    """Nothing improves by 2, so that training stops when its patience of 2 epochs is over."""
    folder = tmp_path / "my run"
    cli = fit(videos, folder, *FINETUNE)
    assert cli.trainer.current_epoch == 3
    assert cli.trainer.global_step == 3 * math.ceil(len(cli.trainer.train_dataloader) / 2)
    printed = capsys.readouterr().out.splitlines()
    assert printed[-2:] == [
        f"next: snl-video test --run_dir '{folder}'",
        f"      snl-video predict '{folder}' new.mp4",
    ]
    saved = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
    assert set(saved["averaging_state"]) == {"n_averaged"}
    assert int(saved["averaging_state"]["n_averaged"]) == cli.trainer.global_step
    for name, value in cli.model.state_dict().items():
        assert torch.equal(value, saved["state_dict"][name]), name
    rates = read_csv(folder / "csv/version_0/metrics.csv")[0]
    names = {name for name in rates if name.startswith("lr-")}
    assert {"lr-SGD/head", "lr-SGD/backbone.stem", "lr-SGD/blocks.res4.4.no_decay"} <= names
    assert VideoCLI(["test", f"--run_dir={folder}", *QUIET]).model.results.complete


def test_the_last_checkpoint_is_the_last_though_nothing_improved(videos, tmp_path):
    folder = tmp_path / "run"
    cli = fit(videos, folder, "--trainer.max_epochs=3", "--model.optimizer.lr=1e-12")
    best, last = (
        torch.load(folder / f"checkpoints/{name}.ckpt", weights_only=True)
        for name in ("best", "last")
    )
    assert best["epoch"] == 0
    assert (last["epoch"], last["global_step"]) == (2, cli.trainer.global_step)


def test_training_replaces_a_broken_video_and_counts_it(videos, tmp_path):
    root = tmp_path / "motion"
    shutil.copytree(videos, root)
    broken = root / (root / "ucfTrainTestlist/trainlist01.txt").read_text().split()[0]
    broken = root / "videos" / broken.relative_to(root)
    broken.write_bytes(b"")
    fit(root, tmp_path / "run", "--trainer.max_epochs=1")
    rows = read_csv(tmp_path / "run/csv/version_0/metrics.csv")
    assert [float(row["data/replaced"]) for row in rows if row["data/replaced"]] == [1.0]
