"""What `snl-video finetune` refuses before anything is trained, and the words at its end."""

from types import SimpleNamespace

import pytest

from snl_video.cli import main
from snl_video.commands import finetune
from snl_video.data import VideoDataModule
from snl_video.data.holdout import HoldoutSettings
from snl_video.data.own_videos.folder_layout import other_files, read_own_folder
from snl_video.data.own_videos.folder_survey import open_all
from snl_video.errors import (
    AnnotationError,
    InputError,
    PretrainedError,
    StaleIndexError,
    UsageError,
    VideoError,
)
from tests.videos import write_video


@pytest.fixture
def nothing_heavy(monkeypatch):
    def refuse(run_dir, fit, test):
        raise AssertionError(f"training began with {fit}")

    monkeypatch.setattr(finetune, "train_and_test", refuse)


@pytest.mark.usefixtures("nothing_heavy")
def test_bad_folders_and_recipes_are_refused_before_anything_heavy(tmp_path, folder):
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
        with pytest.raises(UsageError, match=message):
            finetune.main(["finetune", *arguments])


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

    def stop(run_dir, fit, test, called):
        calls.append(fit)
        raise AnnotationError("reached")

    monkeypatch.setattr(finetune, "train_and_test", stop)
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

    def stop(run_dir, fit, test, called):
        calls.append(fit)
        raise PretrainedError("weights that do not fit")

    monkeypatch.setattr(finetune, "train_and_test", stop)
    for name in ("recipe", "one", "two"):
        (tmp_path / f"{name}.yaml").write_text("data: {}\n")
    options = [
        f"--{'recipe' if n == 'recipe' else 'config'}={tmp_path / n}.yaml"
        for n in ("one", "recipe", "two")
    ]
    with pytest.raises(InputError, match="weights that do not fit"):
        finetune.main(["finetune", str(folder), f"--run_dir={tmp_path / 'run'}", *options])
    configs = [word.removeprefix("--config=") for word in calls[0] if word.startswith("--config")]
    names = ("recipe.yaml", "own_videos.yaml", "one.yaml", "two.yaml")
    assert [config.rsplit("/", 1)[1] for config in configs] == list(names)
    assert f"--trainer.callbacks+={finetune.ENOUGH}" in calls[0]
    with pytest.raises(InputError):
        finetune.main(
            ["finetune", str(folder), f"--run_dir={tmp_path / 'run'}", "--trainer.max_epochs=3"]
        )
    assert not any(finetune.ENOUGH in word for word in calls[1])
    with pytest.raises(InputError):
        finetune.main(
            ["finetune", str(folder), f"--run_dir={tmp_path / 'run'}", "--trainer.max_steps=30"]
        )
    assert f"--trainer.callbacks+={finetune.ENOUGH}" in calls[2]
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
def test_videos_that_change_on_the_way_end_it_in_words(
    folder, tmp_path, monkeypatch, capsys, error, words
):
    def fail(run_dir, fit, test, called):
        raise error

    monkeypatch.setattr(finetune, "train_and_test", fail)
    monkeypatch.setattr(finetune, "survey", lambda *arguments, **options: None)
    assert main(["finetune", str(folder), f"--run_dir={tmp_path / 'run'}"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {words}"


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
    def finish(arguments, called=()):
        data = VideoDataModule("folder", str(folder), holdout=HoldoutSettings(float(share)))
        config = {"test": SimpleNamespace(checkpoint=SimpleNamespace(monitor=monitor))}
        trainer = SimpleNamespace(is_global_zero=True)
        return SimpleNamespace(trainer=trainer, datamodule=data, config=config)

    monkeypatch.setattr(finetune, "VideoCLI", finish)
    finetune.train_and_test(tmp_path / "run", ["fit"], ["test"], called=["finetune"])
    assert caution in capsys.readouterr().out
