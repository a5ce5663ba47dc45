"""The configuration that PySlowFast keeps as text in its checkpoints: read, never run."""

from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import Repr
from typing import Any

import yaml

from snl_video.errors import PretrainedError

CONFIG = "cfg"
LONGEST = 200
_REQUIRED = object()


@dataclass(frozen=True)
class Config:
    """The configuration as nested dictionaries, read by dotted keys.

    Its methods raise PretrainedError, which names the key, for a value that can't be built here.
    """

    values: Mapping[str, Any]

    @classmethod
    def of(cls, checkpoint: Mapping[str, Any]) -> "Config":
        """Read the text under ``cfg`` as YAML of plain values.

        Raises:
            PretrainedError: no text there, or no mapping in plain YAML.
        """
        values = checkpoint.get(CONFIG)
        if isinstance(values, str):
            try:
                values = yaml.safe_load(values)
            except (yaml.YAMLError, RecursionError) as error:
                raise PretrainedError(f"{CONFIG!r} is no plain YAML: {error}") from error
        if not isinstance(checkpoint.get(CONFIG), str) or not isinstance(values, Mapping):
            raise PretrainedError(
                f"{CONFIG!r} holds a {type(values).__name__}, not a mapping as text: build the "
                "network with build_model and call load_pretrained"
            )
        return cls(values)

    @property
    def pathways(self) -> int:
        """2 for SlowFast, else 1."""
        return 2 if self.get("MODEL.ARCH") == "slowfast" else 1

    def get(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return the value of a dotted key.

        Raises:
            PretrainedError: it is absent and has no default.
        """
        value: Any = self.values
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                if default is _REQUIRED:
                    raise PretrainedError(f"the configuration has no {key}")
                return default
            value = value[part]
        return value

    def require(self, key: str, *allowed: Any, default: Any = _REQUIRED) -> Any:
        """Return the value of a key if it is one of ``allowed``."""
        value = self.get(key, default)
        expect(value in allowed, key, value, " or ".join(map(repr, allowed)))
        return value

    def number(self, key: str) -> int:
        """Return the value of a key, a whole number of 1 or more."""
        value = self.get(key)
        expect(_is_whole(value) and value > 0, key, value, "a whole number of 1 or more")
        return value

    def numbers(self, key: str) -> list[list[list[int]]]:
        """Return the whole numbers, one or a list, of each pathway of each of the four stages."""
        value = self.get(key)
        rows = value[:4] if isinstance(value, list) else []
        cells = [
            [cell if isinstance(cell, list) else [cell] for cell in row[: self.pathways]]
            for row in rows
            if isinstance(row, list)
        ]
        good = [len(row) for row in cells] == [self.pathways] * 4
        whole = all(_is_whole(number) for row in cells for cell in row for number in cell)
        expect(good and whole, key, value, "four stages of whole numbers for each pathway")
        return cells

    def colours(self, key: str) -> list[float]:
        """Return the three numbers of a key."""
        value = self.get(key)
        found = value if isinstance(value, list) else []
        good = len(found) == 3 and all(isinstance(number, int | float) for number in found)
        expect(good, key, value, "three numbers")
        return [float(number) for number in found]


def expect(good: bool, key: str, value: Any, wanted: str) -> None:
    """Raise PretrainedError, which names the key, unless its value is ``good``."""
    if not good:
        raise PretrainedError(f"{key} is {short(value)}, but only {wanted} can be built here")


def short(value: Any) -> str:
    """Show a value in few characters, even one that unfolds without end."""
    writer = Repr()
    writer.maxlevel = 3
    text = writer.repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
