"""Which settings a user names, and what `snl-video finetune` does because of them."""

import pytest

from snl_video.commands import finetune
from snl_video.commands.finetune import ENOUGH, check_monitor, length_options
from snl_video.commands.video_cli import VideoCLI
from snl_video.data.holdout import HoldoutSettings
from snl_video.errors import UsageError

BAD = "data.bad_videos.evaluation"


@pytest.fixture(scope="module")
def named():
    """What words of a command line name, as `fit` reads them."""
    return VideoCLI(["fit"], run=False).named


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ([f"--{BAD}", "wrong"], "wrong"),
        ([f"--{BAD}=wrong", f"--{BAD}", "stop"], "stop"),
        ([f"--{BAD}=stop", f"--{BAD}=wrong"], "wrong"),
        (["--data.bad_videos", "{evaluation: wrong}"], "wrong"),
        (["--data.seed=1"], None),
        ([], None),
    ],
)
def test_options_are_read_as_they_are_written(named, words, value):
    assert named(words).get(BAD) == value


def test_files_lie_over_each_other_and_options_over_them(named, tmp_path):
    first, second = (tmp_path / f"{name}.yaml" for name in ("first", "second"))
    first.write_text(
        "data: {bad_videos: {evaluation: wrong}, holdout: {share: 0.3}}\ntrainer: {max_epochs: 3}\n"
    )
    second.write_text("data: {holdout: {share: null}}\n")
    words = [f"--config={first}", f"--config={second}", f"--{BAD}=stop", "--data.seed=-1"]
    found = named(words)
    assert (found[BAD], found["data.seed"], found["trainer.max_epochs"]) == ("stop", -1, 3)
    assert found["data.holdout.share"] is None
    assert "data.root" not in found
    first.write_text("data: [")
    with pytest.raises(UsageError, match="config"):
        named([f"--config={first}"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["enough"]),
        (["--trainer.max_time", "00:01:00:00"], ["enough"]),
        (["--trainer.max_steps=500"], ["enough", "--trainer.max_epochs=-1"]),
        (["--trainer.max_steps", "-1"], ["enough"]),
        (["--trainer.max_epochs", "4"], []),
        (["--trainer.max_epochs=4", "--trainer.max_steps=500"], []),
    ],
)
def test_the_users_length_decides(named, words, expected):
    found = length_options(named(words))
    assert [word.replace(f"--trainer.callbacks+={ENOUGH}", "enough") for word in found] == expected


def test_a_monitor_needs_its_mode(named):
    monitor, mode = "--checkpoint.monitor=val/top1", "--checkpoint.mode=max"
    for words in ([], ["--checkpoint.monitor=null"], [mode], [monitor, mode]):
        check_monitor(named(words))
    with pytest.raises(UsageError, match=r"monitor val/top1 needs checkpoint\.mode beside it: max"):
        check_monitor(named([monitor]))


def test_the_folder_is_looked_at_as_it_will_be_trained_on(folder, tmp_path, monkeypatch):
    looks = []
    monkeypatch.setattr(finetune, "survey", lambda folder, **how: looks.append((folder, how)))
    monkeypatch.setattr(finetune, "train_and_test", lambda *lines, called: None)
    (tmp_path / "bad.yaml").write_text("data: {holdout: {share: 0.5}}")
    words = ["finetune", str(folder), f"--run_dir={tmp_path / 'run'}"]
    finetune.main([*words, f"--config={tmp_path / 'bad.yaml'}", "--data.holdout.seed=3"])
    finetune.main([*words, f"--{BAD}=wrong"])
    assert looks == [
        (folder, {"go_on": False, "holdout": HoldoutSettings(0.5, 3)}),
        (folder, {"go_on": True, "holdout": HoldoutSettings()}),
    ]
    for option, message in (
        ("--data.holdout.seed=x", "data.holdout.seed: Expected an int"),
        ("--data.bad_video=1", "no option --data.bad_video; did you mean --data.bad_videos"),
    ):
        with pytest.raises(UsageError, match=message):
            finetune.main([*words, option])
    assert len(looks) == 2
