"""Which settings a user names, and what follows from them."""

import pytest

from snl_video.commands.named_settings import (
    ENOUGH,
    check_monitor,
    length_options,
    named_settings,
    number_of,
)
from snl_video.errors import InputError


@pytest.mark.parametrize(
    ("options", "value"),
    [
        (["--data.bad_videos.evaluation", "wrong"], "wrong"),
        (["--data.bad_videos.evaluation=wrong"], "wrong"),
        (["--data.bad_videos.evaluation", "stop"], "stop"),
        (["--data.bad_videos.evaluation=wrong", "--data.bad_videos.evaluation", "stop"], "stop"),
        (["--data.bad_videos.evaluation=stop", "--data.bad_videos.evaluation=wrong"], "wrong"),
        (["--data.bad_videos.evaluations=wrong"], None),
        (["--data.bad_videos.evaluation", "--data.seed=1"], None),
        (["--data", "{bad_videos: {evaluation: wrong}}"], "wrong"),
        ([], None),
    ],
)
def test_options_are_read_as_they_are_written(options, value):
    assert named_settings([], options).get("data.bad_videos.evaluation") == value


def test_files_lie_over_each_other_and_options_over_them(tmp_path):
    first, second, empty = (tmp_path / f"{name}.yaml" for name in ("first", "second", "empty"))
    first.write_text(
        "data: {bad_videos: {evaluation: wrong}, holdout: {share: 0.3}}\n"
        "trainer:\n  max_epochs: 3\n"
    )
    second.write_text("data.holdout.share: null\ntrainer: {callbacks+: [{class_path: X}]}\n")
    empty.touch()
    found = named_settings(
        [first, second, empty], ["--data.bad_videos.evaluation", "stop", "--data.seed", "-1"]
    )
    assert found == {
        "data.bad_videos.evaluation": "stop",
        "data.holdout.share": None,
        "data.seed": -1,
        "trainer.max_epochs": 3,
        "trainer.callbacks+": [{"class_path": "X"}],
    }
    first.write_text("data: [")
    with pytest.raises(InputError, match=r"first\.yaml is not YAML"):
        named_settings([first], [])
    assert named_settings([], ["--data.root", "[odd"]) == {"data.root": "[odd"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["enough"]),
        (["--trainer.max_time", "00:01:00:00"], ["enough"]),
        (["--trainer.max_steps=500"], ["enough", "--trainer.max_epochs=-1"]),
        (["--trainer.max_steps", "-1"], ["enough"]),
        (["--trainer.max_epochs", "4"], []),
        (["--trainer.max_epochs=4", "--trainer.max_steps=500"], []),
    ],
)
def test_the_users_length_decides(options, expected):
    found = length_options(named_settings([], options))
    assert [word.replace(f"--trainer.callbacks+={ENOUGH}", "enough") for word in found] == expected


def test_a_monitor_needs_its_mode():
    for named in ({}, {"checkpoint.monitor": None}, {"checkpoint.mode": "max"},
                  {"checkpoint.monitor": "val/top1", "checkpoint.mode": "max"}):  # fmt: skip
        check_monitor(named)
    with pytest.raises(InputError, match=r"monitor val/top1 needs checkpoint\.mode beside it: max"):
        check_monitor({"checkpoint.monitor": "val/top1"})


def test_numbers():
    named = named_settings(
        [], ["--data.holdout.share", "3e-1", "--data.holdout.seed=x", "--a=null"]
    )
    assert number_of(named, "data.holdout.share") == 0.3
    assert number_of(named, "a") is number_of(named, "b") is None
    with pytest.raises(InputError, match=r"data\.holdout\.seed must be a number, got 'x'"):
        number_of(named, "data.holdout.seed")
