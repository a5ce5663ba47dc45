"""A network as it is shared: a folder of safetensors, one JSON and a card; nothing is pickled."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from snl_video.errors import InputError
from snl_video.weights.safe_reading.checkpoints import read_checkpoint
from snl_video.whole_files import swapped_folder

WEIGHTS, SETTINGS, CARD = "model.safetensors", "config.json", "README.md"
VERSION = 1
"""Of the JSON; one that is newer cannot be read."""


def is_shared(folder: Path) -> bool:
    """Whether a folder holds a shared network."""
    return (folder / SETTINGS).is_file() and (folder / WEIGHTS).is_file()


def write_shared(
    folder: Path, settings: Mapping[str, Any], tensors: Mapping[str, Tensor], card: str
) -> None:
    """Write the three files, all or none.

    Args:
        folder: it is made; one that holds something else is refused.
        settings: plain types, for `read_shared`.
        tensors: of the network, by their names in its ``state_dict``.
        card: what a reader should know, in Markdown.

    Raises:
        InputError: the folder holds other files.
    """
    if folder.exists() and not is_shared(folder) and any(folder.iterdir()):
        raise InputError(f"{folder} holds other files; name a new folder with --to")
    with swapped_folder(folder) as scratch:
        own = {name: value.clone().contiguous() for name, value in tensors.items()}
        save_file(own, scratch / WEIGHTS, metadata={"format": "pt"})
        text = json.dumps({"snl_video": VERSION, **settings}, indent=2, allow_nan=False)
        (scratch / SETTINGS).write_text(text + "\n", encoding="utf-8")
        (scratch / CARD).write_text(card, encoding="utf-8")


def read_shared(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read settings and tensors; nothing in the files is run.

    Raises:
        InputError: they are damaged, of another program, or of a newer version of this one.
    """
    path = folder / SETTINGS
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        version = settings["snl_video"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not the JSON of a shared network ({type(error).__name__}: {error}); write "
            "the folder with `snl-video share RUN`"
        ) from error
    if version != VERSION:
        raise InputError(
            f"{path} is of version {version!r}, this program reads {VERSION}; install a newer "
            "snl_video"
        )
    return settings, read_checkpoint(folder / WEIGHTS)
