"""Names of the classes that weights were trained for, in the order of their logits."""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from snl_video.weights.formats.inception import is_deepminds
from snl_video.weights.hub import SHA256
from snl_video.weights.load import KINETICS400
from snl_video.weights.safe_reading.checkpoints import read_checkpoint, sha256
from snl_video.weights.safe_reading.hugging_face_folder import CONFIG, is_folder
from snl_video.weights.torchvision_hub import PREFIX, torchvision_weights

NAMES = "kinetics400.txt"


def kinetics400_classes() -> list[str]:
    """Return the 400 names of Kinetics-400, in the order of the logits of ``kinetics400``.

    The list is ``label_map.txt`` of DeepMind's kinetics-i3d (Apache-2.0), one name a line.
    """
    text = resources.files(__package__).joinpath(NAMES).read_text(encoding="utf-8")
    return text.splitlines()


def known_classes(source: str) -> list[str] | None:
    """Return the class names of a source of weights, or None where nothing tells them.

    Known are those of ``kinetics400``, by name or as the published file, those of torchvision's
    weights by name, those of the folder of a Hugging Face model, and those of a checkpoint of this
    package, which keeps the names it was trained with.

    Args:
        source: see `load_pretrained`.

    Raises:
        PretrainedError: the file can't be read.
    """
    if source == KINETICS400:
        return kinetics400_classes()
    if source.startswith(PREFIX):
        return list(torchvision_weights(source).meta["categories"])
    if is_folder(source):
        return _of_hugging_face(Path(source) / CONFIG)
    checkpoint = read_checkpoint(source)
    if is_deepminds(checkpoint):
        return kinetics400_classes() if sha256(source) == SHA256 else None
    return _of_training(checkpoint)


def first_difference(ours: list[str], theirs: list[str]) -> str | None:
    """Say in words where the classes of the data and of the weights part; None if they agree.

    Args:
        ours: the names in the data, in the order of the labels.
        theirs: the names of the weights, in the order of the logits.
    """
    if ours == theirs:
        return None
    counts = f"{len(ours)} classes in the data, {len(theirs)} in the weights"
    for number, (our, their) in enumerate(zip(ours, theirs, strict=False)):
        if our != their:
            return f"class {number} is {our!r} in the data and {their!r} in the weights ({counts})"
    number, longer = min(len(ours), len(theirs)), max(ours, theirs, key=len)
    here, there = ("data", "weights") if longer is ours else ("weights", "data")
    return (
        f"class {number} is {longer[number]!r} in the {here} and absent in the {there} ({counts})"
    )


def _of_hugging_face(config: Path) -> list[str] | None:
    names = json.loads(config.read_text(encoding="utf-8")).get("id2label")
    return [names[number] for number in sorted(names, key=int)] if names else None


def _of_training(checkpoint: Mapping[str, Any]) -> list[str] | None:
    settings = checkpoint.get("hyper_parameters")
    names = settings.get("classes") if isinstance(settings, Mapping) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return names or None
