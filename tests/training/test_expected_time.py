"""The expected time of a run: the median batch times the batches that remain, told once."""

import pytest

from snl_video.training.callbacks.expected_time import ExpectedTime
from tests.training.tiny import TinyData, classifier, trainer


def told(tmp_path, capsys, times, **options):
    expected = ExpectedTime(num_batches=5, clock=iter(times).__next__)
    run = trainer(tmp_path, callbacks=[expected], limit_val_batches=0, **options)
    run.fit(classifier(), TinyData())
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("about")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_epochs": 20}, "about 37 min to go: 74 batches of 30 s, validation not counted"),
        ({"max_epochs": 20, "max_steps": 8}, "about 60 s to go: 2 batches of 30 s, validation"),
        (
            {"max_epochs": -1, "max_steps": 5, "accumulate_grad_batches": 2},
            "about 2 min to go: 4 batches of 30 s, validation not counted",
        ),
    ],
)
def test_it_is_the_median_batch_times_those_that_remain(tmp_path, capsys, options, words):
    times = [0, 30, 60, 500, 530, 531]  # a slow batch and a fast one don't count
    (line,) = told(tmp_path, capsys, times, **options)
    assert line.startswith(words)


def test_a_short_run_is_not_announced(tmp_path, capsys):
    assert told(tmp_path, capsys, range(6), max_epochs=1) == []
