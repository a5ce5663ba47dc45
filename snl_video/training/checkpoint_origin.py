"""What a checkpoint tells of the weights in it: how they were trained, and for which classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl

from snl_video.errors import InputError, PretrainedError
from snl_video.training.lightning_private import trainer_of
from snl_video.training.old_checkpoints import migrate_run
from snl_video.weights import first_difference

TOLD = ("hyper_parameters", "pretrained", "freeze", "load_report", "epoch", "global_step")


def origin_of(checkpoint: dict[str, Any], module: pl.LightningModule) -> dict[str, Any]:
    """Return what a checkpoint that a module takes tells of its training, without any tensor.

    One with names of before is brought to those of today, in place.

    Raises:
        InputError: it has names of before, and the module was made without what they mean.
        PretrainedError: see `refuse_other_classes`.
    """
    migrated = migrate_run(checkpoint, module.network)  # type: ignore[arg-type]
    if migrated and trainer_of(module) is None:
        raise InputError(
            "the checkpoint has settings with names of before, which load_from_checkpoint leaves "
            "out: read its network with snl_video.load_model(PATH), or give the path to a trainer, "
            "as in trainer.test(model, data, ckpt_path=PATH)"
        )
    refuse_other_classes(checkpoint, module)
    return {name: checkpoint[name] for name in TOLD if name in checkpoint}


def refuse_other_classes(checkpoint: Mapping[str, Any], module: pl.LightningModule) -> None:
    """A label means the class at its place: other classes would be scored without a word.

    Nothing is compared where nothing is known, or where nothing but names would be wrong: outside
    a trainer, and in prediction.

    Raises:
        PretrainedError: the classes of the checkpoint are not those of the data, by name and order.
    """
    trainer = trainer_of(module)
    ours: Sequence[str] | None = module.hparams.get("classes")
    theirs = checkpoint.get("hyper_parameters", {}).get("classes")
    if trainer is None or trainer.predicting or not ours or not theirs:
        return
    if difference := first_difference(list(ours), list(theirs)):
        raise PretrainedError(
            f"the classes of the data are not those of the checkpoint: {difference}; name data "
            "with the same classes in the same order (--data.lists.classes for folders), or train "
            "a new head with --pretrained CHECKPOINT"
        )
