"""Which settings a user names, in files and on the command line, before anything parses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from snl_video.errors import InputError

ENOUGH = "snl_video.training.MinimumSteps"


def named_settings(files: Iterable[Path], options: Sequence[str]) -> dict[str, Any]:
    """Dotted name -> value, as "data.holdout.share"; later files go over earlier, options over all.

    Args:
        files: YAML.
        options: words of a command line: `--name=value`, or `--name` and `value`.

    Raises:
        InputError: a file is not YAML.
    """
    found: dict[str, Any] = {}
    for file in files:
        try:
            found |= _flat(yaml.safe_load(file.read_text(encoding="utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{file} is not YAML: {error}") from error
    for word, following in zip(options, [*options[1:], "--"], strict=False):
        if word.startswith("--"):
            name, equals, text = word[2:].partition("=")
            if not equals:
                text = "" if following.startswith("--") else following
            found |= _flat(_value(text), name)
    return found


def length_options(named: Mapping[str, Any]) -> list[str]:
    """Options of `fit` that decide its length, where the user's settings don't.

    Epochs that the user names are kept. Otherwise few videos get more epochs, and steps that are
    named count alone: the epochs of the recipe would end the run before.

    Args:
        named: settings of the user, without those of the recipe.
    """
    if "trainer.max_epochs" in named:
        return []
    options = [f"--trainer.callbacks+={ENOUGH}"]
    if named.get("trainer.max_steps") not in (None, -1):
        options.append("--trainer.max_epochs=-1")
    return options


def check_monitor(named: Mapping[str, Any]) -> None:
    """Refuse a monitor of the user with the mode of the one in own_videos.yaml.

    Raises:
        InputError: `checkpoint.monitor` is named, and `checkpoint.mode` is not.
    """
    monitor = named.get("checkpoint.monitor")
    if monitor is not None and "checkpoint.mode" not in named:
        raise InputError(
            f"checkpoint.monitor {monitor} needs checkpoint.mode beside it: max for an accuracy, "
            "min for a loss"
        )


def number_of(named: Mapping[str, Any], name: str) -> float | None:
    """The value of a setting, None where it is not named.

    Raises:
        InputError: it is no number.
    """
    value = named.get(name)
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a number, got {value!r}") from error


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {name: value} if name else {}
    start = f"{name}." if name else ""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= _flat(inner, f"{start}{key}")
    return flat


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
