"""The folder of a Hugging Face model, read by transformers: it knows the names of older files."""

from pathlib import Path

import torch
from torch import Tensor

from snl_video.errors import PretrainedError

CONFIG, WEIGHTS = "config.json", "model.safetensors"


def is_folder(source: str | Path) -> bool:
    """Whether a source is the folder of a Hugging Face model."""
    return (Path(source) / CONFIG).is_file()


def read_folder(folder: Path) -> dict[str, Tensor]:
    """Return name -> tensor of the model in ``folder``; nothing is fetched, and no code is run.

    Raises:
        PretrainedError: transformers is not installed, or the folder holds no weights of a network
            for videos as safetensors.
    """
    try:
        from transformers import AutoModelForVideoClassification
    except ImportError as error:
        raise PretrainedError(
            f"{folder} needs transformers: pip install 'snl_video[hf]'"
        ) from error
    try:
        model, found = AutoModelForVideoClassification.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (ValueError, KeyError, OSError) as error:
        raise PretrainedError(
            f"{folder} holds no {WEIGHTS} of a network for videos: {error}"
        ) from error
    absent = set(found["missing_keys"])
    return {name: value for name, value in model.state_dict().items() if name not in absent}
