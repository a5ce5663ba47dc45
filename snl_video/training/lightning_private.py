"""The private names of Lightning that this package uses, all of them.

Lightning may change them in any release; `tests/training/test_lightning_private.py` names the one
that a version lacks.
"""

from __future__ import annotations

import pytorch_lightning as pl


def load_loader_places(trainer: pl.Trainer) -> None:
    """Give the training loaders the places that the checkpoint of a resumed run has for them."""
    trainer.fit_loop._load_combined_loader_states()
