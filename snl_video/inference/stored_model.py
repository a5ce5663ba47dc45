"""A trained network from where it is kept, ready to evaluate."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from snl_video.errors import InputError, PretrainedError
from snl_video.evaluation.multi_label import THRESHOLD
from snl_video.evaluation.views import Activation
from snl_video.inference.huggingface import PREFIX, fetch_shared
from snl_video.inference.shared_files import is_shared, read_shared
from snl_video.models.network import VideoNetwork
from snl_video.models.position_head import use_protocol
from snl_video.models.probe_network import ProbeSpec
from snl_video.protocol import protocol_of
from snl_video.renamed import migrate_checkpoint
from snl_video.weights import build_model, known_classes
from snl_video.weights.safe_reading.checkpoints import read_checkpoint
from snl_video.weights.torchvision_hub import PREFIX as TORCHVISION
from snl_video.whole_files import previous_in_words

PUBLISHED = {
    "kinetics400": (
        "i3d_inception",
        {"clip": {"num_frames": 64, "interval": 2}, "crop": {"size": 224, "short_side": 256}},
    )
}
"""Name of published weights -> the backbone that they are for, and the clips it was trained on."""
TORCHVISION_CLIPS = {
    "s3d": ({"num_frames": 128, "interval": 2}, {"size": 224, "short_side": 256}),
    "swin3d": ({"num_frames": 32, "interval": 2}, {"size": 224, "short_side": 256}),
    "mvit": ({"num_frames": 16, "interval": 4}, {"size": 224, "short_side": 256}),
    "": ({"num_frames": 16, "interval": 2}, {"size": 112, "short_side": 128}),
}
"""Beginning of a name in torchvision -> clip and crop of its weights, at 30 frames a second."""
ARCHITECTURE = ("backbone", "num_classes", "width", "dropout", "backbone_options", "non_local")
"""Settings of a run's model that `build_model` takes."""


NETWORK = "network."
"""How the names of a network's tensors begin in a checkpoint."""


@dataclass(frozen=True)
class StoredModel:
    """A network with what it was trained for.

    Attributes:
        network: with its weights, in evaluation mode, on the CPU.
        classes: names of its classes, in the order of the logits.
        data: settings of the data it was trained on, as in a recipe.
        evaluation: settings of its evaluation, as in a recipe's model.
        source: the file, or the name of published weights.
        activation: from logits to probabilities.
        thresholds: probability from which on each class is there, where a video may show several.
        architecture: what `build_model` made the network of, or a `probe` with its settings.
    """

    network: VideoNetwork
    classes: list[str]
    data: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    source: str
    activation: Activation = "softmax"
    thresholds: Sequence[float] | None = None
    architecture: Mapping[str, Any] = field(default_factory=dict)


def read_stored_model(source: str | Path) -> StoredModel:
    """Read a network with its weights; for the sources see `load_model`.

    Raises:
        InputError: it is none of these.
    """
    if str(source) in PUBLISHED or str(source).startswith(TORCHVISION):
        classes = known_classes(str(source)) or []
        backbone, data = PUBLISHED.get(str(source)) or of_torchvision(str(source))
        network = build_model(backbone, len(classes), pretrained=str(source))
        architecture: dict[str, Any] = {"backbone": backbone, "num_classes": len(classes)}
        return StoredModel(
            network.eval(), classes, data, {}, str(source), architecture=architecture
        )
    if str(source).startswith(PREFIX):
        source = fetch_shared(str(source))
    path = Path(source)
    if is_shared(path):
        settings, tensors = read_shared(path)
    else:
        path = checkpoint_of(path)
        stored = read_training_checkpoint(path)
        tensors = network_tensors(stored)
        settings = {
            "model": stored["hyper_parameters"],
            "data": stored.get("datamodule_hyper_parameters", {}),
            "thresholds": stored.get("thresholds"),
        }
    with _naming(path):
        model = settings["model"]
        architecture, network = _unloaded(model)
        network.load_state_dict(tensors)
        classes = model.get("classes") or [f"class {i}" for i in range(model["num_classes"])]
    several = model.get("loss", {}).get("kind") == "binary_cross_entropy"
    activation: Activation = "sigmoid" if several else "softmax"
    use_protocol(network, protocol_of(model), activation=activation)
    return StoredModel(
        network.eval(),
        classes,
        settings["data"],
        model.get("evaluation", {}),
        str(path),
        activation,
        settings.get("thresholds") or ([THRESHOLD] * len(classes) if several else None),
        architecture,
    )


def _unloaded(model: Mapping[str, Any]) -> tuple[dict[str, Any], VideoNetwork]:
    """What a network is made of, and that network with random weights."""
    if "probe" in model:
        return {"probe": model["probe"]}, ProbeSpec.from_dict(model["probe"]).build()
    architecture = {name: model[name] for name in ARCHITECTURE}
    return architecture, build_model(**architecture)


def read_training_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of a run, with the names of today.

    Raises:
        InputError: it is another file, or broken.
    """
    with _naming(path):
        stored = migrate_checkpoint(read_checkpoint(path))
        stored["hyper_parameters"]["num_classes"], stored["state_dict"]
        return stored


def network_tensors(stored: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of the network in a checkpoint, by their names in its ``state_dict``."""
    return {
        name.removeprefix(NETWORK): value
        for name, value in stored["state_dict"].items()
        if name.startswith(NETWORK)
    }


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in what is wrong with its contents."""
    try:
        yield
    except (KeyError, TypeError, RuntimeError, PretrainedError) as error:
        raise InputError(
            f"{path} is not a checkpoint of this package, or was cut off ({type(error).__name__}: "
            f"{error}){previous_in_words(path)}"
        ) from error


def of_torchvision(source: str) -> tuple[str, Mapping[str, Any]]:
    """The backbone, and the clips, of ``torchvision:NAME`` or ``torchvision:NAME:WEIGHTS``."""
    name = source.removeprefix(TORCHVISION).partition(":")[0]
    clip, crop = next(v for start, v in TORCHVISION_CLIPS.items() if name.startswith(start))
    return f"{TORCHVISION}{name}", {"clip": clip, "crop": crop}


def checkpoint_of(source: Path) -> Path:
    """Return the checkpoint that a path means: itself, or the best or last of a run's folder.

    Raises:
        InputError: there is none.
    """
    folder = source / "checkpoints"
    for path in (source, folder / "best.ckpt", folder / "last.ckpt"):
        if path.is_file():
            return path
    raise InputError(
        f"{source} is neither a checkpoint nor the folder of a run with checkpoints/best.ckpt, nor "
        f"a folder of `snl-video share`; published weights: {', '.join(PUBLISHED)}, "
        f"{TORCHVISION}NAME"
    )
