"""Ctrl-C and SIGTERM during `fit`: a checkpoint, a line that resumes, and the exit code."""

import os
import shlex
import signal

import pytest
import torch

from snl_video.cli import main
from snl_video.training.module import VideoClassifier
from tests.cli.tiny_run import QUIET, TINY_DATA, TINY_MODEL, fit

AVERAGED = ["--trainer.callbacks+=MovingAverage", "--trainer.callbacks.decay=0.5"]


def words_of(videos, folder):
    data = [f"--run_dir={folder}", f"--data.root={videos}"]
    return ["fit", *data, *TINY_MODEL, *TINY_DATA, *QUIET, "--trainer.max_epochs=2", *AVERAGED]


def signal_in(monkeypatch, method, at, *numbers):
    """Send signals to this process in a call of a method of the module."""
    plain, calls = getattr(VideoClassifier, method), []

    def step(self, *args, **options):
        if not self.trainer.sanity_checking:
            calls.append(1)
        if len(calls) == at and not self.trainer.sanity_checking:
            for number in numbers:
                os.kill(os.getpid(), number)
        return plain(self, *args, **options)

    monkeypatch.setattr(VideoClassifier, method, step)


@pytest.fixture(scope="module")
def whole(videos, tmp_path_factory):
    """The end of the same run without a signal."""
    folder = tmp_path_factory.mktemp("whole")
    state = fit(videos, folder, "--trainer.max_epochs=2", *AVERAGED).model.state_dict()
    return {name: value.clone() for name, value in state.items()}


@pytest.mark.parametrize(
    ("number", "method", "at", "steps"),
    [
        (signal.SIGINT, "training_step", 7, 7),
        (signal.SIGTERM, "training_step", 2, 2),
        (signal.SIGINT, "validation_step", 1, 5),
    ],
)
def test_a_signal_saves_and_the_printed_line_goes_on_as_if_nothing_had_been(
    videos, whole, tmp_path, monkeypatch, capsys, number, method, at, steps
):
    words = words_of(videos, tmp_path / "my run")
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with monkeypatch.context() as patch:
        signal_in(patch, method, at, number)
        assert main(words) == 128 + number
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
    last = tmp_path / "my run/checkpoints/last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == steps
    told = capsys.readouterr().out.splitlines()
    assert told[-2] == f"saved {last}"
    line = shlex.split(told[-1].removeprefix("resume: "))
    assert line == ["snl-video", *words, "--ckpt_path", str(last)]
    assert main(line[1:]) == 0
    end = torch.load(last, weights_only=True)
    assert end["global_step"] == 10
    for name, value in whole.items():
        assert torch.equal(value, end["state_dict"][name]), name


def test_a_second_signal_ends_at_once(videos, tmp_path, monkeypatch):
    signal_in(monkeypatch, "training_step", 2, signal.SIGINT, signal.SIGINT)
    assert main(words_of(videos, tmp_path / "run")) == 130
    assert not (tmp_path / "run/checkpoints/last.ckpt").exists()
