"""One command from a folder of videos to a network, on generated videos and a narrow network."""

import json
import re
import shlex
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml

from snl_video.commands import finetune
from snl_video.commands.named_settings import ENOUGH
from snl_video.commands.own_files import open_all
from snl_video.commands.own_folder import other_files, read_own_folder
from snl_video.commands.video_cli import VideoCLI
from snl_video.data import HoldoutSettings, VideoDataModule
from snl_video.errors import (
    AnnotationError,
    InputError,
    PretrainedError,
    StaleIndexError,
    VideoError,
)
from tests.videos import write_video

RECIPE = {
    "run_dir": "never/used",
    "model": {"width": 8, "dropout": 0.0},
    "data": {
        "clip": {"num_frames": 4, "interval": 2},
        "crop": {"size": 32, "short_side": 32},
        "views": {"num_clips": 2, "num_crops": 1},
        "loader": {"batch_size": 4},
    },
    "trainer": {
        "accelerator": "cpu",
        "max_epochs": 1,
        "enable_progress_bar": False,
    },
}
HERE = ["--data.loader.num_workers=0", "--trainer.accelerator=cpu", "--data.holdout.share=0.25"]
"""What goes over configs/finetune/own_videos.yaml."""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "my clips"
    for value, name in ((60, "dark"), (190, "light")):
        for group in range(1, 5):
            for clip in (1, 2):
                frames = np.full((10, 32, 40, 3), value + group, np.uint8)
                write_video(root / name / f"v_{name}_g{group:02d}_c{clip:02d}.mp4", frames=frames)
    return root


@pytest.fixture(scope="module")
def finished(folder, recipe, tmp_path_factory):
    """A finished run: its folder."""
    run_dir = tmp_path_factory.mktemp("runs") / "my run"
    options = [f"--recipe={recipe}", *HERE, "--trainer.max_epochs", "1"]
    finetune.main(["finetune", str(folder), "--run_dir", str(run_dir), *options])
    return run_dir


def test_it_trains_with_the_recipe_and_reports_the_held_out_videos(finished):
    checkpoint = torch.load(finished / "checkpoints/best.ckpt", weights_only=True)
    assert [b["kind"] for b in checkpoint["network_summary"]["blocks"]] == ["snl"]
    settings = checkpoint["hyper_parameters"]
    assert (settings["classes"], settings["class_weights"]) == (["dark", "light"], "balanced")
    assert checkpoint["epoch"] == 0
    data = checkpoint["datamodule_hyper_parameters"]
    found = data["format"], data["holdout"]["share"], data["clip"]["num_frames"]
    assert found == ("folder", 0.25, 4)
    metrics = json.loads((finished / "report/metrics.json").read_text())
    assert (metrics["videos"], metrics["complete"]) == (4, True)
    subsets = metrics["data"]["subsets"]
    assert (subsets["train"]["videos"], subsets["val"]["videos"]) == (12, 4)
    assert "4 of 16 videos, 2 of 8 groups" in metrics["data"]["val_split"]
    rows = (finished / "report/videos.csv").read_text().splitlines()[1:]
    groups = {re.match(r"(\w+/v_\w+_g\d\d)_c", row)[1] for row in rows}
    assert len(groups) == 2  # both clips of one group of each class
    assert (finished / "report/report.html").is_file()


def test_the_checkpoint_is_that_of_the_lowest_loss_and_knows_its_videos(finished):
    checkpoint = torch.load(finished / "checkpoints/best.ckpt", weights_only=True)
    (best,) = [key for key in checkpoint["callbacks"] if key.startswith("ModelCheckpoint")]
    assert "'monitor': 'val/loss', 'mode': 'min'" in best
    held = {row.split(",")[0] for row in (finished / "report/videos.csv").read_text().splitlines()}
    trained_on = checkpoint["VideoDataModule"]["trained_on"]
    assert len(trained_on) == 12
    assert not held & set(trained_on)


def test_the_line_it_prints_predicts_a_video(finished, folder, capsys):
    words = finetune.closing_words(finished, 4)
    line = words.split("predict a new video: ")[1].splitlines()[0]
    command = shlex.split(line)
    assert command[:2] == ["snl-video", "predict"]
    assert command[-2:] == ["--data.predict.paths", "[new.mp4]"]
    video = next((folder / "dark").iterdir())
    command[-1] = f"['{video}']"
    VideoCLI([*command[1:], "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"])
    (prediction,) = json.loads((finished / "predictions.json").read_text())
    assert video.name in json.dumps(prediction)


def test_every_file_that_the_last_words_name_is_there(finished):
    words = finetune.closing_words(finished, 4, finetune.CHOSE)
    for kind in ("checkpoint", "report"):
        path = re.search(rf"^{kind}: (.*?\.(?:ckpt|html))", words, flags=re.MULTILINE)[1]
        assert path.startswith(str(finished))
        assert (finished / path.removeprefix(f"{finished}/")).is_file()
    assert "of 4 videos, the ones that chose the checkpoint" in words
    assert "chose" not in finetune.closing_words(finished, 4)


def test_a_taken_run_folder_is_refused_and_resuming_goes_on(finished, folder, recipe, capsys):
    common = [str(folder), "--run_dir", str(finished), f"--recipe={recipe}"]
    with pytest.raises(InputError, match="already holds a run"):
        finetune.main(["finetune", *common])
    last = finished / "checkpoints/last.ckpt"
    before = torch.load(last, weights_only=True)["global_step"]
    unchosen = ["--checkpoint.monitor", "null", "--trainer.max_epochs", "2"]
    with pytest.raises(InputError, match=r"val/top1 needs checkpoint\.mode beside it"):
        finetune.main(["finetune", *common, f"--ckpt_path={last}", "--checkpoint.monitor=val/top1"])
    finetune.main(["finetune", *common, *HERE, f"--ckpt_path={last}", *unchosen])
    assert torch.load(last, weights_only=True)["global_step"] == 2 * before > 0
    printed = capsys.readouterr().out
    assert f"predict a new video: {finetune.predict_command(finished)}" in printed
    assert "(of 4 videos)" in printed


@pytest.fixture
def nothing_heavy(monkeypatch):
    def refuse(arguments):
        raise AssertionError(f"train.py was called with {arguments}")

    monkeypatch.setattr(finetune, "VideoCLI", refuse)


@pytest.mark.usefixtures("nothing_heavy")
def test_bad_folders_and_recipes_are_refused_before_anything_heavy(tmp_path, folder, capsys):
    with pytest.raises(InputError, match=r"nowhere does not exist"):
        finetune.main(["finetune", str(tmp_path / "nowhere")])
    (tmp_path / "mine/one").mkdir(parents=True)
    with pytest.raises(InputError, match=r"has one class, one; a classifier needs two or more"):
        finetune.main(["finetune", str(tmp_path / "mine")])
    (tmp_path / "mine/two").mkdir()
    with pytest.raises(InputError, match="mine: it is empty; make one sub-folder per class"):
        finetune.main(["finetune", str(tmp_path / "mine")])
    (tmp_path / "mine/two/a.mp4").touch()
    with pytest.raises(InputError, match="no training video of one; add some"):
        finetune.main(["finetune", str(tmp_path / "mine")])
    for option in ("--config", "--recipe"):
        with pytest.raises(InputError, match=r"no recipe .*absent\.yaml"):
            finetune.main(["finetune", str(folder), option, str(tmp_path / "absent.yaml")])
    for arguments, message in (
        (["--run_dir", "x", str(folder)], "the folder of the videos comes first, before --run_dir"),
        ([str(folder), "second"], "one folder only, and then options; got 'second' too"),
        ([], "required: folder"),
    ):
        with pytest.raises(SystemExit):
            finetune.main(["finetune", *arguments])
        assert message in capsys.readouterr().err


def test_nothing_to_validate_is_told_before_training(tmp_path, recipe):
    for name, length in (("a", 4), ("b", 5)):
        write_video(tmp_path / "few" / name / "1.mp4", length, (32, 40))
    arguments = [str(tmp_path / "few"), f"--recipe={recipe}", f"--run_dir={tmp_path / 'run'}"]
    with (
        pytest.warns(UserWarning, match=r"a single video, .*: 2 \(a, b\)"),
        pytest.raises(InputError, match="none can be held out for validation; add videos"),
    ):
        finetune.main(["finetune", *arguments])
    assert not (tmp_path / "run/checkpoints").exists()


@pytest.mark.usefixtures("nothing_heavy")
def test_a_folder_without_classes_or_videos_is_told_what_it_holds_instead(tmp_path):
    def error():
        with pytest.raises(InputError) as caught:
            finetune.main(["finetune", str(tmp_path / "mine"), f"--run_dir={tmp_path / 'run'}"])
        return str(caught.value)

    (tmp_path / "mine").mkdir()
    assert "mine has no sub-folder: it is empty; make one sub-folder per class" in error()
    (tmp_path / "mine/a.mp4").touch()
    (tmp_path / "mine/b.mov").touch()
    assert "mine has no sub-folder: its 2 videos belong to no class" in error()
    for number in range(3):
        for name in ("pictures", "more"):
            (tmp_path / f"photos/{name}").mkdir(parents=True, exist_ok=True)
            (tmp_path / f"photos/{name}/{number}.png").touch()
    (tmp_path / "photos/more/readme.txt").touch()
    (tmp_path / "mine").rename(tmp_path / "flat")
    (tmp_path / "photos").rename(tmp_path / "mine")
    assert "mine: no video in it, but 6 x .png, 1 x .txt; make one sub-folder" in error()
    (tmp_path / "mine").rename(tmp_path / "pictures")
    for name in ("a", "b"):
        write_video(tmp_path / f"mine/val/{name}/1.mp4", 4, (32, 40))
    assert "has val, and no folder train" in error()
    assert not (tmp_path / "run").exists()


@pytest.fixture
def damaged(tmp_path):
    """A folder of six videos of two classes: two cannot be read; and two other files."""
    root = tmp_path / "some clips"
    for name, length in (("a", 6), ("b", 9)):
        for number in range(3):
            write_video(root / name / f"{number}.mp4", length + number, (32, 40))
    whole = (root / "a/2.mp4").read_bytes()
    (root / "a/2.mp4").write_bytes(whole[: len(whole) // 2])
    (root / "b/0.avi").write_text("not a video")
    (root / "b/0.mp4").unlink()
    (root / "b/notes.txt").write_text("hello")
    (root / "b/.hidden").write_text("left out")
    (root / "labels.csv").write_text("left aside too")
    return root


def test_every_video_is_opened_before_training(damaged):
    reasons = open_all(damaged, read_own_folder(damaged)).broken
    assert set(reasons) == {"a/2.mp4", "b/0.avi"}
    assert "truncated" in reasons["a/2.mp4"]
    assert other_files(damaged) == ["b/notes.txt", "labels.csv"]


def test_unreadable_videos_stop_it_unless_they_are_to_count_as_wrong(damaged, monkeypatch, capsys):
    calls = []

    def stop(arguments):
        calls.append(arguments)
        raise AnnotationError("reached")

    monkeypatch.setattr(finetune, "VideoCLI", stop)
    common = [str(damaged), f"--run_dir={damaged.parent / 'run'}"]
    with pytest.raises(
        InputError, match=r"2 of 6 videos can't be read:\n  a/2\.mp4: trunc"
    ) as error:
        finetune.main(["finetune", *common])
    assert "\n  b/0.avi: " in str(error.value)
    assert "--data.bad_videos.evaluation wrong" in str(error.value)
    assert not calls
    (damaged.parent / "bad.yaml").write_text("data: {bad_videos: {evaluation: wrong}}")
    config = f"--config={damaged.parent / 'bad.yaml'}"
    for stop_too in (
        ["--data.bad_videos.evaluation", "stop"],
        [config, "--data.bad_videos.evaluation=stop"],
    ):
        with pytest.raises(InputError, match="2 of 6 videos can't be read"):
            finetune.main(["finetune", *common, *stop_too])
    assert not calls
    for go_on in (["--data.bad_videos.evaluation", "wrong"], [config]):
        with pytest.raises(InputError, match="reached"):
            finetune.main(["finetune", *common, *go_on])
    assert [arguments[0] for arguments in calls] == ["fit", "fit"]
    printed = capsys.readouterr().out
    assert f"{damaged}: 6 videos of 2 classes: a 3, b 3\n" in printed
    assert "left aside: b/notes.txt, labels.csv\n" in printed
    assert "2 of 6 videos can't be read" in printed


def test_files_lie_over_each_other_in_the_order_that_is_promised(folder, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(finetune, "VideoCLI", lambda arguments: calls.append(arguments) or stop())

    def stop():
        raise PretrainedError("weights that do not fit")

    for name in ("recipe", "one", "two"):
        (tmp_path / f"{name}.yaml").touch()
    options = [
        f"--{'recipe' if n == 'recipe' else 'config'}={tmp_path / n}.yaml"
        for n in ("one", "recipe", "two")
    ]
    with pytest.raises(InputError, match="weights that do not fit"):
        finetune.main(["finetune", str(folder), f"--run_dir={tmp_path / 'run'}", *options])
    configs = [word.removeprefix("--config=") for word in calls[0] if word.startswith("--config")]
    names = ("recipe.yaml", "own_videos.yaml", "one.yaml", "two.yaml")
    assert [config.rsplit("/", 1)[1] for config in configs] == list(names)
    assert f"--trainer.callbacks+={ENOUGH}" in calls[0]
    with pytest.raises(InputError):
        finetune.main(
            ["finetune", str(folder), f"--run_dir={tmp_path / 'run'}", "--trainer.max_epochs=3"]
        )
    assert not any(ENOUGH in word for word in calls[1])
    with pytest.raises(InputError):
        finetune.main(
            ["finetune", str(folder), f"--run_dir={tmp_path / 'run'}", "--trainer.max_steps=30"]
        )
    assert f"--trainer.callbacks+={ENOUGH}" in calls[2]
    assert calls[2].index("--trainer.max_epochs=-1") > calls[2].index("--trainer.max_steps=30")


@pytest.mark.usefixtures("nothing_heavy")
def test_a_run_in_the_data_folder_is_refused(folder, tmp_path, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(folder)
    for run_dir in (folder / "runs/one", folder, link / "run", folder / "dark/../run"):
        with pytest.raises(InputError, match=r"lies in the data folder .* taken for a class; name"):
            finetune.main(["finetune", str(folder), "--run_dir", str(run_dir)])
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match="would go to runs/my clips, which lies in the data"):
        finetune.main(["finetune", "."])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (VideoError("a/1.mp4", "truncated"), "a/1.mp4: truncated"),
        (
            VideoError("Caught VideoError in worker process 0.\nOriginal Traceback:\n  File x\n"
                       "snl_video.data.errors.VideoError: a/1.mp4: truncated\n"),
            "a/1.mp4: truncated",
        ),
        (StaleIndexError("a/1.mp4 changed"), "a/1.mp4 changed"),
    ],
)  # fmt: skip
def test_videos_that_change_on_the_way_end_it_in_words(folder, tmp_path, monkeypatch, error, words):
    def fail(arguments):
        raise error

    monkeypatch.setattr(finetune, "VideoCLI", fail)
    monkeypatch.setattr(finetune, "look_at", lambda *arguments, **options: None)
    with pytest.raises(InputError) as caught:
        finetune.main(["finetune", str(folder), f"--run_dir={tmp_path / 'run'}"])
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("share", "monitor", "caution"),
    [
        ("0", "val/loss", "the ones that it was trained on: no measure of new videos)"),
        ("0.25", "val/loss", "the ones that chose the checkpoint: expect"),
        ("0.25", None, "(of 4 videos)"),
    ],
)
def test_the_last_words_say_what_else_the_tested_videos_did(
    folder, tmp_path, monkeypatch, capsys, share, monitor, caution
):
    def finish(arguments):
        data = VideoDataModule("folder", str(folder), holdout=HoldoutSettings(float(share)))
        config = {"test": SimpleNamespace(checkpoint=SimpleNamespace(monitor=monitor))}
        trainer = SimpleNamespace(is_global_zero=True)
        return SimpleNamespace(trainer=trainer, datamodule=data, config=config)

    monkeypatch.setattr(finetune, "VideoCLI", finish)
    monkeypatch.setattr(finetune, "look_at", lambda *arguments, **options: None)
    finetune.main(["finetune", str(folder), f"--run_dir={tmp_path / 'run'}"])
    assert caution in capsys.readouterr().out
