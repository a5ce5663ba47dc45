"""How far blocks have moved from the identity, epoch by epoch."""

from typing import Any

import pytorch_lightning as pl
from torch import Tensor, nn

from snl_video.models.block_gains import block_gains
from snl_video.models.insertion import inserted_blocks
from snl_video.training.module import VideoClassifier


class BlockProgress(pl.Callback):
    """Logs of every block, at the end of an epoch, its gain and the size of its branch.

    ``blocks/PLACE/gain`` is `block_gain`. ``blocks/PLACE/branch`` is the norm of Y - X over that of
    X, in the last batch of the epoch of the first process. Both are 0 where a block is the identity
    still: what the network does then is not the block's doing.
    """

    def __init__(self) -> None:
        self._branches: dict[str, float] = {}
        self._handles: list[Any] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Look at the last batch of an epoch."""
        if batch_idx + 1 != trainer.num_training_batches:
            return
        assert isinstance(pl_module, VideoClassifier)
        for place, block in inserted_blocks(pl_module.network).items():
            self._handles.append(block.register_forward_hook(self._keeper(place)))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log what was seen."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        assert isinstance(pl_module, VideoClassifier)
        for place, gain in block_gains(pl_module.network).items():
            pl_module.log(f"blocks/{place}/gain", gain, rank_zero_only=True)
        for place, branch in self._branches.items():
            pl_module.log(f"blocks/{place}/branch", branch, rank_zero_only=True)

    def _keeper(self, place: str) -> Any:
        def keep(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            x, y = inputs[0].detach().float(), output.detach().float()
            self._branches[place] = float((y - x).norm() / x.norm())

        return keep
