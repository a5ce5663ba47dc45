"""Unreadable training videos: told once with their reasons, and a limit to how many there may be.

A worker replaces an unreadable video and says so in the sample (`unreadable`). In the main process
the data module hands those words to `UnreadableVideos`, which counts and stops the run past the
limit. At the end of every epoch the callback `training.callbacks.unreadable_report` brings together
what all processes met, holds the limit against the whole, and logs what is new.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from snl_video.errors import InputError, TooManyUnreadableError


@dataclass(frozen=True)
class BadVideoSettings:
    """What to do about videos that cannot be read.

    Attributes:
        evaluation: "stop" at one, or count it as "wrong" and name it.
        max_replacements: in training, tries to replace one by another of its class.
        max_share: training stops when more of an epoch's videos, those of all processes, than this
            share is unreadable; a single one never stops it.
    """

    evaluation: Literal["stop", "wrong"] = "stop"
    max_replacements: int = 10
    max_share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.max_share <= 1:
            raise InputError(f"bad_videos.max_share is a share, 0 to 1, got {self.max_share}")


def encode(unreadable: Sequence[tuple[str, str]]) -> str:
    """(id, reason) pairs as the string of a sample, "" where there are none."""
    return json.dumps(unreadable) if unreadable else ""


class UnreadableVideos:
    """What one process met.

    Args:
        max_share: see `BadVideoSettings`.
        num_videos: videos that all processes together ask for in an epoch, so that the limit is
            the same on one process and on many.

    Attributes:
        reasons: reason by id, of the whole run.
        replaced: replacements by id, of the epoch of the last batch.
    """

    def __init__(self, max_share: float, num_videos: int) -> None:
        self.max_share = max_share
        self.num_videos = num_videos
        self.reasons: dict[str, str] = {}
        self.replaced: Counter[str] = Counter()
        self._epoch = -1

    def add(self, encoded: Iterable[str], epoch: int) -> None:
        """Count the `unreadable` strings of a batch of an epoch.

        Raises:
            TooManyUnreadableError: the limit is passed.
        """
        if epoch != self._epoch:
            self._epoch = epoch
            self.replaced.clear()
        for text in filter(None, encoded):
            for name, reason in json.loads(text):
                self.reasons.setdefault(name, reason)
                self.replaced[name] += 1
        self.check(list(self.replaced), self.reasons)

    def check(self, names: Sequence[str], reasons: Mapping[str, str]) -> None:
        """Hold the limit against the videos that were replaced in this epoch.

        Args:
            names: their ids, each once: of this process or of all.
            reasons: why, by id.

        Raises:
            TooManyUnreadableError: the limit is passed.
        """
        bad = len(names)
        if bad > max(1, self.max_share * self.num_videos):
            first = "\n".join(f"  {name}: {reasons[name]}" for name in names[:5])
            raise TooManyUnreadableError(
                f"{bad} of {self.num_videos} training videos are unreadable so far in this epoch, "
                f"more than bad_videos.max_share={self.max_share:g} allows; repair or remove them "
                "(snl-video check lists them all), or raise data.bad_videos.max_share. "
                f"The first of them:\n{first}"
            )
