"""A trained probe as a checkpoint that predicts: the frozen network, and the head on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from snl_video.errors import InputError
from snl_video.inference.feature_source import read_origin, weights_sha256
from snl_video.models.network import VideoNetwork
from snl_video.models.probe_network import ProbeHead, ProbeHeadSpec, ProbeSpec
from snl_video.whole_files import whole_file


def frozen_network(origin: Mapping[str, Any], settings: Mapping[str, Any]) -> VideoNetwork:
    """Load the network that features were made by.

    Args:
        origin: of the features, see `FeatureSource`.
        settings: of the features.

    Raises:
        InputError: its weights are not there any more, or are others.
    """
    network = read_origin(origin).network
    if weights_sha256(network) != settings["weights_sha256"]:
        raise InputError(
            f"the weights of {origin['source']} are not those that the features were computed "
            "with; compute the features again, into another folder"
        )
    return network


def write_probe(
    path: Path,
    frozen: VideoNetwork,
    head: ProbeHead,
    head_spec: ProbeHeadSpec,
    *,
    classes: Sequence[str],
    origin: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> None:
    """Write a checkpoint that `load_model` takes.

    Args:
        path: the file, written whole or not at all.
        frozen: see `frozen_network`.
        head: trained on its features.
        head_spec: of the head.
        classes: names in the order of the logits.
        origin: of the features.
        settings: of the features.
    """
    average = settings["average"]
    spec = ProbeSpec(
        origin["architecture"],
        settings["place"],
        None if average is None else tuple(average),
        head_spec,
        len(classes),
    )
    network = spec.build()
    network.trunk.tap.network.load_state_dict(frozen.state_dict())  # type: ignore[union-attr]
    network.trunk.head.load_state_dict(head.state_dict())  # type: ignore[union-attr]
    checkpoint = {
        "state_dict": {f"network.{name}": v for name, v in network.state_dict().items()},
        "hyper_parameters": {
            "probe": spec.to_dict(),
            "num_classes": len(classes),
            "classes": list(classes),
        },
        "datamodule_hyper_parameters": {
            "clip": dict(settings["clip"]),
            "crop": {"short_side": settings["short_side"], "size": settings["size"]},
            "views": {name: settings[name] for name in ("num_clips", "num_crops")},
        },
    }
    with whole_file(path) as scratch:
        torch.save(checkpoint, scratch)
