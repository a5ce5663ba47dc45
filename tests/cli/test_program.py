"""The program as it is called: the three doors, its help, its exit codes and its errors."""

import subprocess
import sys
from pathlib import Path

import pytest
from pytorch_lightning.utilities.exceptions import SIGTERMException

from snl_video import __version__
from snl_video.cli import COMMANDS, main
from snl_video.commands import recipes
from snl_video.commands.video_help import OFTEN

ROOT = Path(__file__).parents[2]
DOORS = {
    "snl-video": [str(Path(sys.executable).with_name("snl-video"))],
    "python -m snl_video": [sys.executable, "-m", "snl_video"],
    "train.py": [sys.executable, str(ROOT / "train.py")],
}


def call(door, *words, folder=ROOT):
    return subprocess.run([*DOORS[door], *words], capture_output=True, text=True, cwd=folder)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_leads_to_the_same_program(door):
    done = call(door, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"snl_video {__version__}\n", "")
    done = call(door, "fits")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: no command 'fits'; did you mean fit?\n"


def test_a_finished_prediction_ends_with_0_and_prints_no_object(run, videos, tmp_path):
    video = next(videos.glob("videos/*/*"))
    done = call(
        "snl-video",
        *("predict", f"--run_dir={tmp_path}", f"--ckpt_path={run}/checkpoints/best.ckpt"),
        *(f"--data.predict.paths={video}", "--trainer.accelerator=cpu"),
    )
    assert done.returncode == 0, done.stderr
    assert "predictions:" in done.stdout
    assert "object at" not in done.stdout + done.stderr


def test_an_error_is_its_message_alone(tmp_path):
    options = [f"--data.root={tmp_path}/gone", f"--run_dir={tmp_path}/run"]
    done = call("train.py", "fit", *options)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{tmp_path}/gone" in done.stderr.splitlines()[-1]


def test_the_help_lists_every_command_and_fits_a_screen(capsys):
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 32
    for name, command in COMMANDS.items():
        assert any(line.split() == [name, *command.purpose.split()] for line in lines)
    assert main([]) == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_begins_with_what_it_does_and_an_example(name, capsys):
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    start = text[: text.index("\n  -h, --help")].splitlines()
    assert len(start) <= (50 if name == "fit" else 24)
    assert start[0].startswith(f"usage: snl-video {name} ")
    assert any(line.startswith(f"  snl-video {name}") for line in start)


def test_the_help_of_fit_begins_with_twenty_options_that_there_are(capsys):
    assert main(["fit", "--help"]) == 0
    text = capsys.readouterr().out
    assert len(OFTEN) == 20
    begin, rest = text.split("\n  -h, --help", 1)
    for name, meaning in OFTEN.items():
        assert any(line.split() == [f"--{name}", *meaning.split()] for line in begin.splitlines())
        setting = "model.non_local" if name.startswith("model.non_local.") else name
        assert f"--{setting} " in rest.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit"], "fit needs to know what to train on: name a recipe"),
        (["fit", "--trainer.max_epochs=1"], "or a data set, as in --data.root data/mine"),
        (["fit", "--config=finetune_cpu"], "did you mean ucf101/finetune_cpu"),
        (["fit", "--data.numframes=8"], "no option --data.numframes; did you mean --data."),
        (["fit", "--trainer.max_epoch=3"], "no option --trainer.max_epoch; did you mean --trai"),
        (["fit", "--data.num_frames=8"], "data.num_frames is now data.clip.num_frames"),
        (["fit", "--epochs=3"], "no option --epochs; did you mean --trainer.max_epochs"),
        (["fit", "--lr=3"], "no option --lr; did you mean --model.optimizer.lr"),
        (["fit", "extra"], "unexpected 'extra': options begin with --"),
        (["fit", "--trainer.max_epochs=many"], "trainer.max_epochs: Expected an int"),
        (["fit", "--model.non_local.kindd=snl"], "model.non_local: Option 'kindd' is not acc"),
        (["fit", "--trainer.callbacks+=Foo"], "trainer.callbacks: "),
        (["finetune"], "the following arguments are required: folder"),
        (["recipes", "ucf101/finetunecpu"], "did you mean ucf101/finetune_cpu"),
        (["recipes", "--nam=x"], "no option --nam"),
        (
            ["check", "--clip.intervall=2"],
            "no option --clip.intervall; did you mean --clip.interval",
        ),
        (["spectrum", "--kind=snl"], "the following arguments are required: video"),
    ],
)
def test_a_bad_command_line_is_told_in_a_few_lines(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    told = capsys.readouterr().err
    assert message in told
    assert len(told.splitlines()) < 10
    assert not list(tmp_path.iterdir())


def test_a_run_that_a_signal_ended_did_not_succeed(monkeypatch, capsys):
    for error, code in ((SIGTERMException(), 143), (KeyboardInterrupt(), 130)):

        def end(words, error=error):
            raise error

        monkeypatch.setattr(recipes, "main", end)
        assert main(["recipes"]) == code
    assert capsys.readouterr().err == "interrupted\n"
