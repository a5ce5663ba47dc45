"""From the folder of a run to a folder, or a place on the hub, that others load."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from snl_video.errors import InputError
from snl_video.inference.huggingface import PREFIX, push_folder
from snl_video.inference.model_card import CardFacts, model_card
from snl_video.inference.recognizer import Recognizer, load_model
from snl_video.inference.shared_files import write_shared
from snl_video.inference.stored_model import (
    ARCHITECTURE,
    checkpoint_of,
    network_tensors,
    read_training_checkpoint,
)
from snl_video.protocol import protocol_of
from snl_video.weights.safe_reading.checkpoints import sha256

OF_CLIPS = ("clip", "crop", "views")
"""Settings of the data that a recogniser needs."""

OF_TRAINER = (
    "max_epochs",
    "precision",
    "devices",
    "num_nodes",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "sync_batchnorm",
)


def share(run: str | Path, folder: str | Path, *, licence: str = "") -> list[str]:
    """Write a shared network: safetensors, one JSON, and a card made of the run.

    Args:
        run: folder of a run, or a checkpoint of this package.
        folder: it is made.
        licence: of the weights, as SPDX names it (``apache-2.0``); "" for none.

    Returns:
        What the user should know, one sentence each.

    Raises:
        InputError: there is no checkpoint, or the folder holds other files.
    """
    path = checkpoint_of(Path(run))
    stored = read_training_checkpoint(path)
    model, data = stored["hyper_parameters"], stored.get("datamodule_hyper_parameters", {})
    root = path.parent.parent if path.parent.name == "checkpoints" else path.parent
    digest = sha256(path)
    metrics, notes = _metrics(root, digest)
    classes = model.get("classes") or [f"class {i}" for i in range(model["num_classes"])]
    training = {
        "epochs": stored["epoch"] + 1 if "epoch" in stored else None,
        "steps": stored.get("global_step"),
        "checkpoint_sha256": digest,
    }
    card = CardFacts(
        name=root.resolve().name,
        model=model,
        data=data,
        classes=classes,
        training=training,
        network=stored.get("network_summary") or {},
        start=stored.get("load_report") or {},
        metrics=metrics,
        trainer=_trainer(root),
        licence=licence,
    )
    settings = {
        "model": {
            **{name: model[name] for name in ARCHITECTURE},
            "protocol": protocol_of(model),
            "classes": classes,
            "loss": {"kind": model.get("loss", {}).get("kind", "cross_entropy")},
            "evaluation": model.get("evaluation", {}),
        },
        "data": {name: data[name] for name in OF_CLIPS if name in data},
        "thresholds": stored.get("thresholds"),
        "training": training,
        "results": {name: metrics[name] for name in ("list_sha256", "setting") if name in metrics},
    }
    tensors = network_tensors(stored)
    write_shared(Path(folder), settings, tensors, model_card(card))
    return notes


def push_to_hub(
    run: str | Path, name: str, *, licence: str = "", private: bool = False
) -> tuple[str, list[str]]:
    """Share a run on the hub.

    Args:
        run: see `share`.
        name: ``USER/NAME``, with or without ``hf:`` before it.
        licence: see `share`.
        private: whether a new place is.

    Returns:
        Where it is, and what the user should know.

    Raises:
        InputError: see `share`.
        FetchError, UsageError: see `push_folder`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "shared"
        notes = share(run, folder, licence=licence)
        return push_folder(folder, name, private=private), notes


def from_hub(name: str, *, device: str | None = None) -> Recognizer:
    """Load a shared network from the hub: `load_model` of ``hf:USER/NAME``.

    Raises:
        FetchError, UsageError: see `fetch_shared`.
        InputError: what is there cannot be read.
    """
    return load_model(f"{PREFIX}{name.removeprefix(PREFIX)}", device=device)


def _metrics(root: Path, digest: str) -> tuple[dict[str, Any], list[str]]:
    """The numbers of a run's report, where they are of the same weights."""
    path = root / "report" / "metrics.json"
    if not path.is_file():
        return {}, [f"the card has no results: there is no {path}; `snl-video test` writes it"]
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
        tested = (metrics.get("weights") or {}).get("sha256")
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged ({error}); run `snl-video test` again") from error
    if tested != digest:
        return {}, [
            f"the card has no results: {path} is of other weights (SHA-256 {str(tested)[:12]}, "
            f"these {digest[:12]}); run `snl-video test` again"
        ]
    return metrics, []


def _trainer(root: Path) -> Mapping[str, Any]:
    path = root / "config.yaml"
    if not path.is_file():
        return {}
    found = yaml.safe_load(path.read_text(encoding="utf-8")).get("trainer", {})
    return {name: found[name] for name in OF_TRAINER if found.get(name) is not None}
