"""Randomness that depends on (seed, epoch, index) and on nothing else.

The sampler yields (epoch, index) keys, so the epoch reaches a worker with every sample: persistent
workers need no message, and neither the number of workers nor their order changes a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from torch.utils.data import Dataset, DistributedSampler

Key = tuple[int, int]


class EpochSampler(DistributedSampler):
    """Shuffled (epoch, index) keys, one share for each process.

    It is a `DistributedSampler`, so Lightning keeps it as it is on several processes and calls
    `set_epoch` on it; the order is a function of (seed, epoch). Without Lightning, call `set_epoch`
    before every epoch.

    Args:
        dataset: gives the length.
        num_replicas: number of processes.
        rank: this process.
        seed: of the order.
        drop_last: leave out the last few keys rather than repeat some, where the processes' shares
            would be unequal.

    Attributes:
        start: keys of this process's share to pass over.
    """

    start = 0

    def __init__(
        self,
        dataset: Dataset,
        *,
        num_replicas: int = 1,
        rank: int = 0,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        super().__init__(
            dataset,
            num_replicas=num_replicas,
            rank=rank,
            shuffle=True,
            seed=seed,
            drop_last=drop_last,
        )

    def __iter__(self) -> Iterator[Key]:
        for index in islice(super().__iter__(), self.start, None):
            yield self.epoch, int(index)


def sample_generator(seed: int, epoch: int, index: int, stream: int = 0) -> torch.Generator:
    """A generator for one sample of one epoch; each `stream` has draws of its own."""
    state = _sequence(seed, epoch, [index], stream).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state))


def batch_generator(seed: int, epoch: int, indices: Sequence[int]) -> np.random.Generator:
    """A generator for one batch of one epoch, whose samples are `indices` in this order."""
    return np.random.default_rng(_sequence(seed, epoch, indices, stream=2))


def _sequence(seed: int, epoch: int, indices: Sequence[int], stream: int) -> np.random.SeedSequence:
    spawn_key = (stream,) if stream else ()
    return np.random.SeedSequence([seed, epoch, *indices], spawn_key=spawn_key)
