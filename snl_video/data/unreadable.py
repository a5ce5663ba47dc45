"""Unreadable training videos: told once with their reasons, and a limit to how many there may be.

A worker replaces an unreadable video and says so in the sample (`unreadable`). In the main process
the data module hands those words to `UnreadableVideos`, which counts and stops the run past the
limit. At the end of every epoch `UnreadableReport` brings together what all processes met, holds
the limit against the whole, and logs what is new.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pytorch_lightning as pl
import torch.distributed

from snl_video.errors import TooManyUnreadableError

logger = logging.getLogger(__name__)


def encode(unreadable: Sequence[tuple[str, str]]) -> str:
    """(id, reason) pairs as the string of a sample, "" where there are none."""
    return json.dumps(unreadable) if unreadable else ""


class UnreadableVideos:
    """What one process met.

    Args:
        max_share: share of `num_videos` that may be unreadable in one epoch; one video may always.
        num_videos: videos that all processes together ask for in an epoch, so that the limit is
            the same on one process and on many.

    Attributes:
        reasons: reason by id, of the whole run.
        replaced: replacements by id, of this epoch.
    """

    def __init__(self, max_share: float, num_videos: int) -> None:
        if not 0 <= max_share <= 1:
            raise ValueError(f"max_bad_share is a share, 0 to 1, got {max_share}")
        self.max_share = max_share
        self.num_videos = num_videos
        self.reasons: dict[str, str] = {}
        self.replaced: Counter[str] = Counter()

    def add(self, encoded: Iterable[str]) -> None:
        """Count the `unreadable` strings of a batch.

        Raises:
            TooManyUnreadableError: the limit is passed.
        """
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
                f"more than max_bad_share={self.max_share:g} allows; repair or remove them "
                "(python -m snl_video.commands.check lists them all), or raise data.max_bad_share. "
                f"The first of them:\n{first}"
            )

    def start_epoch(self) -> None:
        """Count replacements from zero."""
        self.replaced.clear()


class UnreadableReport(pl.Callback):
    """Logs, on rank zero, at the end of each epoch which training videos the processes replaced.

    A video is named with its reason in the first epoch that met it, and all are counted at the end
    of the run.

    Args:
        videos: the collection of this process.
    """

    def __init__(self, videos: UnreadableVideos) -> None:
        self.videos = videos
        self.reasons: dict[str, str] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Gather from all processes, log, and start to count anew.

        Raises:
            TooManyUnreadableError: in every process, when they are too many together.
        """
        mine = dict(self.videos.replaced)
        replaced: Counter[str] = Counter()
        reasons: dict[str, str] = {}
        for counts, why in _gather((mine, {name: self.videos.reasons[name] for name in mine})):
            replaced.update(counts)
            reasons.update(why)
        self.videos.start_epoch()
        new = {name: why for name, why in reasons.items() if name not in self.reasons}
        self.reasons.update(new)
        if replaced and trainer.is_global_zero:
            lines = "".join(f"\n  {name}: {reason}" for name, reason in sorted(new.items()))
            logger.warning(
                "epoch %d: %d unreadable training videos, replaced %d times, %d not named before%s",
                trainer.current_epoch,
                len(replaced),
                replaced.total(),
                len(new),
                lines,
            )
        self.videos.check(sorted(replaced), reasons)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the number of the whole run."""
        if self.reasons and trainer.is_global_zero:
            logger.warning(
                "%d training videos were unreadable in this run and are named above",
                len(self.reasons),
            )


def _gather(
    mine: tuple[dict[str, int], dict[str, str]],
) -> list[tuple[dict[str, int], dict[str, str]]]:
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return [mine]
    everyone: list = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(everyone, mine)
    return everyone
