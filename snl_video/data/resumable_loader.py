"""A training loader that goes on in the middle of an epoch.

Lightning keeps the number of finished batches in a checkpoint but asks a plain loader for its first
batches again, so a resumed epoch repeats some videos and never sees others. It also asks for the
iterator before it tells the sampler the epoch, so that workers prefetch from the order of epoch 0.
`ResumableLoader` carries its own place and starts only when the first batch is asked for. Lightning
gives the place of a checkpoint to a loader that it makes after reading it; where the loader is made
earlier, the callback `training.callbacks.loader_place.LoaderPlace` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch.utils.data import DataLoader

from snl_video.data.sampler import EpochSampler


class ResumableLoader(DataLoader):
    """A `DataLoader` over an `EpochSampler` whose place Lightning saves and restores.

    Attributes:
        finished: when set, says how many batches of this epoch are finished; by default all that
            were handed out count as finished.
    """

    finished: Callable[[], int] | None = None
    sampler: EpochSampler
    _handed_out = 0
    _resume: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Batches of the sampler's epoch; after `load_state_dict` those that remain of it."""
        epoch, batches = self._resume or (-1, 0)
        self._resume = None
        self._handed_out = batches if epoch == self.sampler.epoch else 0
        self.sampler.start = self._handed_out * self._batch_size()
        for batch in super().__iter__():
            self._handed_out += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """The place, and what has to be equal for it to mean the same: plain numbers."""
        batches = self.finished() if self.finished else self._handed_out
        return {"epoch": self.sampler.epoch, "batches": batches, **self._shape()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after the finished batches, if the next epoch asked for is the one of `state`.

        Raises:
            ValueError: the epoch is unfinished and the list, the seed, the batch size or the
                number of processes is another one.
        """
        saved = {name: state.get(name) for name in self._shape()}
        if 0 < state["batches"] < len(self) and saved != self._shape():
            raise ValueError(
                f"the checkpoint lies in the middle of epoch {state['epoch']} of a loader with "
                f"{saved}, this one has {self._shape()}; resume with equal settings, or from a "
                "checkpoint of the end of an epoch"
            )
        self._resume = state["epoch"], state["batches"]

    def _batch_size(self) -> int:
        assert self.batch_size is not None
        return self.batch_size

    def _shape(self) -> dict[str, int]:
        return {
            "videos": len(self.dataset),  # type: ignore[arg-type]
            "seed": self.sampler.seed,
            "batch_size": self._batch_size(),
            "processes": self.sampler.num_replicas,
        }
