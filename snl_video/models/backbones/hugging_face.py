"""``transformers:FOLDER``: a video network of that package of Hugging Face, from a local folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snl_video.errors import NetworkError
from snl_video.models.network import VideoNetwork
from snl_video.models.tracing.traced_places import traced_places

PREFIX = "transformers:"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LAYERS = ("encoder.layer", "layers")
"""Names of the list of layers in the transformers of videos."""


class ClipLogits(nn.Module):
    """A model that takes (B, T, 3, H, W) by keyword, as one from (B, 3, T, H, W) to logits."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, clip: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, num_classes)."""
        return self.model(**{self.model.main_input_name: clip.transpose(1, 2)}).logits


@dataclass(frozen=True)
class InputDropout:
    """Drops features before a layer, as a hook: the names in the model stay."""

    dropout: nn.Dropout

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The features (B, C) that go into the layer."""
        return (self.dropout(inputs[0]), *inputs[1:])


def hugging_face(
    folder: str,
    num_classes: int,
    width: int,
    dropout: float,
    *,
    pixel_mean: Sequence[float] | None = None,
    pixel_std: Sequence[float] | None = None,
) -> VideoNetwork:
    """VideoMAE, TimeSformer, V-JEPA 2 or ViViT for videos, with random weights.

    Places are its layers, ``layer.0``, ``layer.1``, ...; ``paper`` is the one before the last, and
    ``five`` five of them at even distances. It takes clips of the frames and pixels of its
    configuration.

    Args:
        folder: with ``config.json``, as ``save_pretrained`` writes it. Nothing is fetched, and no
            code of the folder is run.
        num_classes: size of the logits.
        width: 64; the configuration tells the sizes.
        dropout: before the last linear layer.
        pixel_mean: of each colour channel; None takes that of ``preprocessor_config.json``, or
            ImageNet's where there is none.
        pixel_std: the same.

    Raises:
        NetworkError: transformers is not installed, or the folder holds no such network.
    """
    model = _model(Path(folder), num_classes, width)
    trunk = ClipLogits(model)
    head = [n for n, m in trunk.named_modules() if isinstance(m, nn.Linear)][-1]
    trunk.dropout = nn.Dropout(dropout)
    trunk.get_submodule(head).register_forward_pre_hook(InputDropout(trunk.dropout))
    base = f"model.{model.base_model_prefix}"
    layers = next(f"{base}.{n}" for n in LAYERS if _has(trunk, f"{base}.{n}"))
    paths = [f"{layers}.{i}" for i in range(len(trunk.get_submodule(layers)))]  # type: ignore[arg-type]
    traced = traced_places(trunk, paths, _example(model.config))
    places = {f"layer.{i}": place for i, place in enumerate(traced.values())}
    *_, last = places
    places[last] = places[last]._replace(read=not places[last].layout.extra_tokens)
    usable = list(places)[:-1]
    five = [usable[round(i * (len(usable) - 1) / 4)] for i in range(5)]
    mean, std = _pixels(Path(folder))
    return VideoNetwork(
        trunk,
        places=places,
        place_sets={"paper": usable[-1:], "five": list(dict.fromkeys(five))},
        head=head,
        pixel_mean=pixel_mean or mean,
        pixel_std=pixel_std or std,
    )


def _model(folder: Path, num_classes: int, width: int) -> Any:
    try:
        from transformers import AutoConfig, AutoModelForVideoClassification
    except ImportError as error:
        raise NetworkError(
            f"{PREFIX}{folder} needs transformers: pip install 'snl_video[hf]'"
        ) from error
    if width != 64:
        raise NetworkError(f"{PREFIX}{folder} has its own width: leave model.width at 64")
    if not (folder / "config.json").is_file():
        raise NetworkError(f"{folder} has no config.json: name a folder that save_pretrained wrote")
    try:
        config = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, num_labels=num_classes
        )
        return AutoModelForVideoClassification.from_config(config)
    except (ValueError, KeyError, OSError) as error:
        raise NetworkError(f"{folder} holds no video network of transformers: {error}") from error


def _example(config: Any) -> Tensor:
    frames = getattr(config, "num_frames", None) or config.frames_per_clip
    size = getattr(config, "image_size", None) or config.crop_size
    return torch.empty(1, 3, frames, size, size, device="meta")


def _pixels(folder: Path) -> tuple[Sequence[float], Sequence[float]]:
    for name in ("video_preprocessor_config.json", "preprocessor_config.json"):
        if (folder / name).is_file():
            settings = json.loads((folder / name).read_text(encoding="utf-8"))
            if "image_mean" in settings and "image_std" in settings:
                return settings["image_mean"], settings["image_std"]
    return IMAGENET_MEAN, IMAGENET_STD


def _has(module: nn.Module, path: str) -> bool:
    return path in dict(module.named_modules())
