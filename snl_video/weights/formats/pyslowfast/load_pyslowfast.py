"""PySlowFast's checkpoints (.pyth) of C2D, I3D, Slow and SlowFast, with or without blocks."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.models.insertion import insert_blocks
from snl_video.models.network import VideoNetwork
from snl_video.weights.canonical_names import place_of, tensors_under
from snl_video.weights.fill import fill_exactly, naming
from snl_video.weights.formats.block_comparison import different_blocks
from snl_video.weights.formats.pyslowfast.config import CONFIG, Config
from snl_video.weights.formats.pyslowfast.network_of_config import (
    ALWAYS,
    block_specs,
    network_without_blocks,
)
from snl_video.weights.formats.residual_names import canonical_name, stem_name
from snl_video.weights.safe_reading.checkpoints import read_checkpoint

WEIGHTS = "model_state"


def from_slowfast(path: str | Path, *, dropout: float | None = None) -> VideoNetwork:
    """Build the network that a PySlowFast checkpoint describes and load its weights.

    The configuration is text in the checkpoint, read as YAML; nothing of it is run. The network
    keeps what was trained: width, classes, blocks, pathways, pixel statistics. Its logits are
    PySlowFast's for clips of ``DATA.NUM_FRAMES`` and ``DATA.TRAIN_CROP_SIZE``; for larger crops
    PySlowFast averages the probabilities of several windows and this network their features, until
    ``use_protocol(network, "pyslowfast")``.

    Args:
        path: a ``.pyth`` file.
        dropout: before the last linear layer; ``MODEL.DROPOUT_RATE`` of the file when None.

    Raises:
        PretrainedError: the file can't be read or is no such checkpoint, its configuration asks
            for what can't be built here (the message names the key), or the weights are not those
            of the configuration.
    """
    checkpoint = read_checkpoint(path)
    with naming(path):
        if not recognises(checkpoint):
            raise PretrainedError("no checkpoint of PySlowFast's residual networks")
        config = Config.of(checkpoint)
        network = network_without_blocks(config, dropout)
        for spec in block_specs(config):
            insert_blocks(network, spec)
        tensors = convert(checkpoint, network)
    fill_exactly(network, tensors, path, "slowfast")
    return network


def recognises(checkpoint: Mapping[str, Any]) -> bool:
    """Whether ``model_state``, or the file itself, has the stem of PySlowFast's ResNets."""
    return "s1.pathway0_stem.conv.weight" in tensors_under(checkpoint, WEIGHTS)


def convert(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names; an unknown name stays as it is.

    A block of ``model`` that would compute something else than the file's, as far as its
    configuration tells (affinity, scale, pool), gets nothing: those tensors keep their names.
    A network that was trained on BGR gets the channels of its stem turned round.
    """
    config = Config.of(checkpoint) if isinstance(checkpoint.get(CONFIG), str) else None
    options: dict[str, dict[str, Any]] = {}
    for spec in block_specs(config) if config is not None else []:
        options |= dict.fromkeys(spec.places, spec.options)
    renamed = rename(tensors_under(checkpoint, WEIGHTS), model, options)
    if config is not None and config.get("DATA.REVERSE_INPUT_CHANNEL", False):
        for name in {f"{stem_name(model, pathway)}.conv.weight" for pathway in (0, 1)}:
            if name in renamed:
                renamed[name] = renamed[name].flip(1)
    return renamed


def rename(
    tensors: Mapping[str, Tensor],
    model: VideoNetwork,
    options: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Tensor]:
    """Turn PySlowFast's names into canonical ones.

    Args:
        tensors: by PySlowFast's names.
        model: whose names are wanted.
        options: place -> options of the file's block, as far as they are known.
    """
    renamed = {name: canonical_name(name, model) for name in tensors}
    places = filter(None, (place_of(name, model) for name in renamed.values()))
    others = different_blocks(model, {place: options.get(place, ALWAYS) for place in places})
    return {
        name if place_of(ours, model) in others else ours: tensors[name]
        for name, ours in renamed.items()
    }
