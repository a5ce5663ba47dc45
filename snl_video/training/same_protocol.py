"""One protocol for the data, the network and the checkpoint."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info

from snl_video.errors import InputError
from snl_video.protocol import protocol_of


def refuse_other_data(trainer: pl.Trainer, protocol: str) -> None:
    """Refuse a data module whose clips follow another protocol than the network.

    The command line gives both the same one; in Python they are two arguments.

    Raises:
        InputError: they differ.
    """
    data = getattr(trainer, "datamodule", None)
    clip = data.hparams.get("clip") if isinstance(data, pl.LightningDataModule) else None
    theirs = (clip or {}).get("protocol", protocol)
    if theirs != protocol:
        raise InputError(
            f"the clips of the data follow protocol {theirs} and the network {protocol}: give "
            "ClipSettings(protocol=...) and VideoClassifier(protocol=...) the same one"
        )


def compare_protocols(checkpoint: Mapping[str, Any], trainer: pl.Trainer, protocol: str) -> None:
    """Say that weights are evaluated with another protocol than they were trained with.

    The command line proposes that of the checkpoint, so that another one is a choice.

    Raises:
        InputError: training would go on with another protocol.
    """
    theirs = protocol_of(checkpoint["hyper_parameters"])
    if theirs == protocol:
        return
    if trainer.state.fn == TrainerFn.FITTING:
        raise InputError(
            f"the run began with protocol {theirs} and would go on with {protocol}: resume it with "
            f"--protocol {theirs}, or begin another one"
        )
    rank_zero_info(
        f"protocol: the checkpoint was trained with {theirs} and is evaluated with {protocol}"
    )
