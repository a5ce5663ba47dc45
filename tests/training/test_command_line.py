"""The whole command line on tiny real videos, in this process and on two."""

import csv
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from snl_video.cli import main
from snl_video.data.motion import MotionSettings, write_motion
from snl_video.models import PretrainedError
from snl_video.training import VideoClassifier
from tests.training.tiny import SMALL_CLIPS

ROOT = Path(__file__).parents[2]
TINY_MODEL = ["--model.width=8", "--model.dropout=0", "--model.optimizer.lr=0.01"]
TINY_DATA = [
    "--data.format=ucf101",
    *SMALL_CLIPS,
    "--data.batch_size=4",
]
QUIET = [
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.log_every_n_steps=1",
]


@pytest.fixture(scope="session")
def videos(tmp_path_factory):
    settings = MotionSettings(groups=3, clips_per_group=1, num_frames=12, height=32, width=40)
    return write_motion(tmp_path_factory.mktemp("motion") / "motion", settings)


@pytest.fixture(scope="session")
def run(videos, tmp_path_factory):
    """A finished run of one epoch with a block: its folder."""
    folder = tmp_path_factory.mktemp("run") / "run"
    fit(videos, folder, "--trainer.max_epochs=1", "--model.non_local.kind=snl")
    return folder


def fit(videos, folder, *more):
    return main(
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

    from snl_video.data.datamodule import VideoDataModule
    from snl_video.models import NonLocalSpec
    from snl_video.training import OptimizerSpec

    model = VideoClassifier(
        "slow_r50", 10, width=8, non_local=NonLocalSpec("nl"), optimizer=OptimizerSpec(lr=0.3)
    )
    data = VideoDataModule(
        "ucf101", str(videos), num_frames=4, frame_interval=1, crop_size=32, num_workers=0
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


def test_test_needs_only_the_folder_of_the_run(run, capsys):
    cli = main(["test", f"--run_dir={run}", *QUIET])
    assert cli.model.network.non_local[0]["kind"] == "snl"
    metrics = json.loads((run / "report/metrics.json").read_text())
    rows = read_csv(run / "report/videos.csv")
    assert metrics["complete"]
    assert metrics["videos"] == metrics["videos_in_list"] == len(rows) == 10
    assert metrics["top1"] == pytest.approx(sum(int(row["correct"]) for row in rows) / 10)
    confusion = read_csv(run / "report/confusion.csv")
    diagonal = sum(int(row[row["true"]]) for row in confusion)
    assert diagonal / 10 == pytest.approx(metrics["top1"])
    printed = capsys.readouterr().out
    for part in ("video top-1 %", "video top-5 %", "per class", "report:", str(run)):
        assert part in printed


def test_the_report_counts_a_clip_as_it_is_tested(run, tmp_path):
    weights = run / "checkpoints/best.ckpt"
    larger = ["--data.test_crop_size=48", "--data.short_side=48"]
    main(["test", f"--run_dir={tmp_path}", f"--ckpt_path={weights}", *larger, *QUIET])
    tested = json.loads((tmp_path / "report/metrics.json").read_text())["network"]
    trained = torch.load(weights, weights_only=True)["network_summary"]
    assert (tested["clip_shape"], trained["clip_shape"]) == ([3, 4, 48, 48], [3, 4, 32, 32])
    assert tested["gmacs"] > 1.5 * trained["gmacs"]


def test_logged_accuracy_equals_scoring_every_view_by_hand(run):
    cli = main(["test", f"--run_dir={run}", *QUIET])
    model, loader = cli.model.eval(), cli.datamodule.test_dataloader()
    correct = []
    with torch.no_grad():
        for sample in loader.dataset:
            logits = torch.cat([model(view[None]) for view in sample["clips"]])
            correct.append(int(logits.double().softmax(1).mean(0).argmax()) == sample["label"])
    assert cli.trainer.callback_metrics["test/top1"].item() == pytest.approx(
        sum(correct) / len(correct)
    )


@pytest.mark.parametrize("chunk", [1, 3])
def test_views_per_forward_changes_nothing(run, chunk):
    whole = main(["test", f"--run_dir={run}", *QUIET]).model.results
    parts = main(["test", f"--run_dir={run}", f"--model.views_per_forward={chunk}", *QUIET])
    torch.testing.assert_close(parts.model.results.scores, whole.scores)


def test_a_checkpoint_decides_the_network_and_the_command_line_the_views(run):
    cli = main(
        ["test", f"--run_dir={run}", "--model.backbone=c2d_r50", "--data.num_clips=3", *QUIET]
    )
    assert cli.model.hparams.backbone == "i3d_r50"
    assert cli.datamodule.num_clips == 3
    assert cli.datamodule.num_frames == 4


def changed_copy(run, tmp_path, settings, **changes):
    """The best checkpoint of a run with other recorded settings."""
    path = tmp_path / "changed.ckpt"
    checkpoint = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    checkpoint[settings].update(changes)
    torch.save(checkpoint, path)
    return path


def test_a_checkpoint_proposes_how_it_is_evaluated(run, tmp_path):
    path = changed_copy(
        run, tmp_path, "hyper_parameters", average="logits", views_per_forward=1, channels_last=True
    )
    common = ["test", f"--ckpt_path={path}", f"--run_dir={tmp_path}", *QUIET]
    model = main([*common, "--model.views_per_forward=2"]).model
    assert (model.average, model.views_per_forward, model.channels_last) == ("logits", 2, True)


def test_what_belongs_to_one_data_set_is_not_proposed_for_another(run, videos, tmp_path):
    path = changed_copy(
        run, tmp_path, "datamodule_hyper_parameters", index="/gone/index.parquet", split=2
    )
    common = [f"--ckpt_path={path}", f"--run_dir={tmp_path}", *QUIET]
    file = next(videos.glob("videos/*/*"))
    predicted = main(["predict", *common, f"--data.predict_paths={file}"]).datamodule.hparams
    moved = main(["test", *common, f"--data.root={videos}/."]).datamodule.hparams
    assert (predicted.index, moved.index, moved.split, moved.num_frames) == (None, None, 2, 4)
    lists = tmp_path / "list.txt"
    lists.write_text(f"{file} 0\n")
    names = tmp_path / "names.txt"
    names.write_text("\n".join(torch.load(path)["hyper_parameters"]["classes"]))
    other = ["--data.format=csv", f"--data.test_list={lists}", f"--data.class_file={names}"]
    listed = main(["test", *common, *other]).datamodule.hparams
    assert (listed.root, listed.index, listed.split, listed.num_frames) == (".", None, 1, 4)


@pytest.mark.parametrize("subcommand", ["test", "validate", "fit"])
def test_a_checkpoint_of_other_classes_is_refused(run, videos, tmp_path, subcommand):
    names = torch.load(run / "checkpoints/best.ckpt")["hyper_parameters"]["classes"]
    path = changed_copy(run, tmp_path, "hyper_parameters", classes=[names[1], names[0], *names[2:]])
    options = [f"--ckpt_path={path}", f"--run_dir={tmp_path / 'new'}", f"--data.root={videos}"]
    if subcommand == "fit":
        options += [*TINY_MODEL, *TINY_DATA, "--model.non_local.kind=snl"]
    with pytest.raises(PretrainedError, match=f"class 0 is {names[0]!r} in the data and"):
        main([subcommand, *options, *QUIET])
    file = next(videos.glob("videos/*/*"))
    main(["predict", *options[:2], f"--data.predict_paths={file}", *QUIET])
    assert json.loads((tmp_path / "new/predictions.json").read_text())


def test_a_precision_for_gpus_is_refused_on_a_cpu(run):
    with pytest.raises(SystemExit, match=r"16-mixed needs a GPU.*precision 32-true"):
        main(["test", f"--run_dir={run}", "--trainer.precision=16-mixed", *QUIET])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trainer.limit_val_batches=0"], "limit_val_batches is 0"),
        (["--trainer.check_val_every_n_epoch=3"], "the run has 2 epochs, and the first .* after 3"),
    ],
)
def test_a_best_epoch_that_nothing_chooses_is_refused(videos, tmp_path, options, message):
    common = ["--trainer.max_epochs=2", *options]
    with pytest.raises(SystemExit, match=message):
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
    assert f"next: python train.py test --run_dir {folder} --ckpt_path {last}" in words
    assert f"predict --run_dir {folder} --ckpt_path {last} --data.predict_paths" in words
    main(["test", f"--run_dir={folder}", f"--ckpt_path={last}", *QUIET])


def test_a_test_that_was_cut_short_says_so(run, capsys):
    main(["test", f"--run_dir={run}", "--trainer.limit_test_batches=2", *QUIET])
    assert "PARTIAL" in capsys.readouterr().out
    assert not json.loads((run / "report/metrics.json").read_text())["complete"]


def test_predict_names_the_classes_of_loose_files(run, videos, tmp_path, capsys):
    files = sorted((videos / "videos").rglob("*.mp4"))[:2]
    main(
        [
            "predict",
            f"--ckpt_path={run}/checkpoints/best.ckpt",
            f"--run_dir={tmp_path}",
            f"--data.predict_paths={json.dumps([str(f) for f in files])}",
            "--data.root=/nowhere",
            *QUIET,
        ]
    )
    predictions = json.loads((tmp_path / "predictions.json").read_text())
    assert [Path(p["path"]) for p in predictions] == files
    for prediction in predictions:
        scores = [entry["score"] for entry in prediction["top"]]
        assert len(scores) == 5
        assert scores == sorted(scores, reverse=True)
    assert "predictions:" in capsys.readouterr().out


def test_predict_lists_a_file_that_is_no_video(run, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a video")
    arguments = [f"--run_dir={tmp_path}", f"--data.predict_paths=[{bad}]", *QUIET]
    arguments.append(f"--ckpt_path={run}/checkpoints/best.ckpt")
    with pytest.raises(Exception, match=r"bad\.mp4"):
        main(["predict", *arguments])
    main(["predict", *arguments, "--data.on_bad_video=wrong"])
    (prediction,) = json.loads((tmp_path / "predictions.json").read_text())
    assert prediction["failed"]
    assert prediction["top"] == []


def test_validate_reports_the_validation_list(run):
    cli = main(["validate", f"--run_dir={run}", *QUIET])
    logged = cli.trainer.callback_metrics["val/top1"].item()
    assert logged == pytest.approx(cli.model.results.accuracy(1))
    assert cli.model.results.complete


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_other_precisions_train(videos, tmp_path, precision):
    options = ["--trainer.max_epochs=1", "--model.non_local.kind=snl"]
    # oneDNN's bfloat16 weight gradient of narrow 3-D convolutions reads out of bounds (torch 2.14)
    with torch.backends.mkldnn.flags(enabled=False):
        model = fit(videos, tmp_path / "run", *options, f"--trainer.precision={precision}").model
    assert all(bool(value.isfinite().all()) for value in model.parameters())


def test_fit_refuses_to_overwrite_a_run(run, videos):
    with pytest.raises(SystemExit, match="already holds a run"):
        fit(videos, run)


def test_test_without_weights_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="test needs trained weights"):
        main(["test", f"--run_dir={tmp_path}", *QUIET])


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "page.ckpt"
    path.write_text("<html>404</html>")
    with pytest.raises(SystemExit, match=r"page\.ckpt is not a checkpoint of this package"):
        main(["test", f"--ckpt_path={path}", *QUIET])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--data.root=/nowhere", "/nowhere"),
        ("--model.backbone=vgg", "unknown backbone 'vgg'"),
        ("--model.non_local.kind=spectral", "spectral"),
        ('--model.non_local.places=["res9.1"]', r"no place 'res9\.1'"),
        ("--data.split=4", "4"),
        ("--model.freeze_until=res9", "freeze_until: no place 'res9'"),
        ("--model.class_weights=[1.0]", "class_weights has 1 numbers for 10 classes"),
        ("--model.optimizer.layer_decay=2", "layer_decay must lie in"),
    ],
)
def test_bad_options_are_named(videos, tmp_path, option, message):
    with pytest.raises((ValueError, SystemExit), match=message):
        fit(videos, tmp_path / "run", "--trainer.max_epochs=1", option)


def test_resuming_equals_never_having_stopped(videos, tmp_path):
    options = ["--trainer.max_epochs=3", "--model.schedule.warmup_epochs=1"]
    keep = ["--checkpoint.save_top_k=-1", "--checkpoint.filename={epoch}"]
    whole = fit(videos, tmp_path / "whole", *options, *keep).model
    first = tmp_path / "whole/checkpoints/epoch=0.ckpt"
    resumed = fit(videos, tmp_path / "resumed", *options, f"--ckpt_path={first}").model
    assert resumed.trainer.global_step == whole.trainer.global_step
    start = torch.load(first, weights_only=True)["state_dict"]
    assert not torch.equal(
        start["network.trunk.blocks.6.proj.weight"], whole.network.trunk.blocks[6].proj.weight
    )
    others = resumed.state_dict()
    for name, value in whole.state_dict().items():
        assert torch.equal(value, others[name]), name


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
    "--model.class_weights=balanced",
    "--model.label_smoothing=0.1",
    "--model.optimizer.layer_decay=0.9",
    "--model.optimizer.head_lr=2",
    "--model.freeze_until=res5",
    '--model.unfreeze={"1": "res4", "2": null}',
    "--model.non_local.kind=snl",
]


def test_all_of_fine_tuning_in_one_run(videos, tmp_path, capsys):
    """Nothing improves by 2, so that training stops when its patience of 2 epochs is over."""
    folder = tmp_path / "my run"
    cli = fit(videos, folder, *FINETUNE)
    assert cli.trainer.current_epoch == 3
    assert cli.trainer.global_step == 3 * math.ceil(len(cli.trainer.train_dataloader) / 2)
    printed = capsys.readouterr().out.splitlines()
    assert printed[-2:] == [
        f"next: python train.py test --run_dir '{folder}'",
        f"      python train.py predict --run_dir '{folder}' --data.predict_paths '[new.mp4]'",
    ]
    saved = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
    assert set(saved["averaging_state"]) == {"n_averaged"}
    assert int(saved["averaging_state"]["n_averaged"]) == cli.trainer.global_step
    for name, value in cli.model.state_dict().items():
        assert torch.equal(value, saved["state_dict"][name]), name
    rates = read_csv(folder / "csv/version_0/metrics.csv")[0]
    names = {name for name in rates if name.startswith("lr-")}
    assert {"lr-SGD/head", "lr-SGD/backbone.stem", "lr-SGD/blocks.res4.4.no_decay"} <= names
    assert main(["test", f"--run_dir={folder}", *QUIET]).model.results.complete


def test_the_last_checkpoint_is_the_last_though_nothing_improved(videos, tmp_path):
    folder = tmp_path / "run"
    cli = fit(videos, folder, "--trainer.max_epochs=3", "--model.optimizer.lr=1e-12")
    best, last = (
        torch.load(folder / f"checkpoints/{name}.ckpt", weights_only=True)
        for name in ("best", "last")
    )
    assert best["epoch"] == 0
    assert (last["epoch"], last["global_step"]) == (2, cli.trainer.global_step)


def test_the_configuration_that_a_run_wrote_resumes_it(videos, tmp_path):
    keep = ["--checkpoint.save_top_k=-1", "--checkpoint.filename={epoch}"]
    whole = fit(videos, tmp_path / "whole", *FINETUNE, *keep).model
    resumed = main(
        [
            "fit",
            f"--config={tmp_path}/whole/config.yaml",
            f"--run_dir={tmp_path}/again",
            f"--ckpt_path={tmp_path}/whole/checkpoints/epoch=1.ckpt",
        ]
    ).model
    assert resumed.freezing.steps == whole.freezing.steps
    assert resumed.optimizer_spec == whole.optimizer_spec
    others = resumed.state_dict()
    for name, value in whole.state_dict().items():
        assert torch.equal(value, others[name]), name


def test_training_replaces_a_broken_video_and_counts_it(videos, tmp_path):
    root = tmp_path / "motion"
    shutil.copytree(videos, root)
    broken = root / (root / "ucfTrainTestlist/trainlist01.txt").read_text().split()[0]
    broken = root / "videos" / broken.relative_to(root)
    broken.write_bytes(b"")
    fit(root, tmp_path / "run", "--trainer.max_epochs=1")
    rows = read_csv(tmp_path / "run/csv/version_0/metrics.csv")
    assert [float(row["data/replaced"]) for row in rows if row["data/replaced"]] == [1.0]


def test_evaluation_stops_at_a_broken_video_or_counts_it_as_wrong(run, videos, tmp_path):
    root = tmp_path / "motion"
    shutil.copytree(videos, root)
    name = (root / "ucfTrainTestlist/testlist01.txt").read_text().split()[3]
    (root / "videos" / name).write_bytes(b"")
    arguments = [
        f"--run_dir={tmp_path / 'run'}",
        f"--data.root={root}",
        f"--ckpt_path={run}/checkpoints/best.ckpt",
        *QUIET,
    ]
    with pytest.raises(Exception, match="is empty"):
        main(["test", *arguments])
    main(["test", *arguments, "--data.on_bad_video=wrong"])
    metrics = json.loads((tmp_path / "run/report/metrics.json").read_text())
    assert (metrics["videos"], metrics["failed"]) == (10, 1)
    (row,) = [r for r in read_csv(tmp_path / "run/report/videos.csv") if r["failed"] == "1"]
    assert row["correct"] == "0"
    assert "is empty" in row["reason"]


@pytest.mark.ddp
def test_two_processes_count_every_video_once(run, tmp_path):
    """9 videos on 2 processes: the sampler pads to 10."""
    common = ["test", f"--ckpt_path={run}/checkpoints/best.ckpt", "--data.num_clips=2", *QUIET]
    data = yaml.safe_load((run / "config.yaml").read_text())["data"]
    root = tmp_path / "motion"
    root.mkdir()
    (root / "videos").symlink_to(Path(data["root"]) / "videos")
    lists = root / "ucfTrainTestlist"
    lists.mkdir()
    for path in (Path(data["root"]) / "ucfTrainTestlist").iterdir():
        lines = path.read_text().splitlines()
        kept = lines[:9] if path.name.startswith("testlist") else lines
        (lists / path.name).write_text("\n".join(kept) + "\n")
    outputs = []
    for devices in (1, 2):
        folder = tmp_path / str(devices)
        command = [sys.executable, "train.py", *common, f"--run_dir={folder}"]
        command += [f"--data.root={root}", f"--trainer.devices={devices}"]
        if devices == 2:
            command.append("--trainer.strategy=ddp")
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr[-2000:]
        metrics = json.loads((folder / "report/metrics.json").read_text())
        assert metrics["videos"] == 9
        outputs.append((folder / "report/videos.csv").read_text())
    assert outputs[0] == outputs[1]
