"""Names the unreadable videos of a training run, those of all its processes together."""

from __future__ import annotations

import logging
from collections import Counter

import pytorch_lightning as pl
import torch.distributed

from snl_video.data.unreadable import UnreadableVideos

logger = logging.getLogger(__name__)


class UnreadableReport(pl.Callback):
    """Logs, on rank zero, at the end of each epoch which training videos the processes replaced.

    Without it unreadable videos are replaced all the same, and nothing names them; on several
    processes the limit is held against the videos of one alone.

    A video is named with its reason in the first epoch that met it, and all are counted at the end
    of the run.

    Args:
        videos: the collection of this process.
    """

    def __init__(self, videos: UnreadableVideos) -> None:
        self.videos = videos
        self.reasons: dict[str, str] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Gather from all processes and log.

        Raises:
            TooManyUnreadableError: in every process, when they are too many together.
        """
        mine = dict(self.videos.replaced)
        replaced: Counter[str] = Counter()
        reasons: dict[str, str] = {}
        for counts, why in _gather((mine, {name: self.videos.reasons[name] for name in mine})):
            replaced.update(counts)
            reasons.update(why)
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
