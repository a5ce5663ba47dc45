"""torchvision's own weights by name, fetched on first use and kept where torchvision keeps them."""

import re
from pathlib import Path
from typing import Any

import torch
from torchvision.models import get_model_weights

from snl_video.errors import FetchError, PretrainedError
from snl_video.weights.safe_reading.checkpoints import sha256

PREFIX = "torchvision:"


def torchvision_weights(source: str) -> Any:
    """Return the row of torchvision's enum of weights that a source names.

    Args:
        source: ``torchvision:swin3d_b`` for the default of that network, or with a name of its
            enum, ``torchvision:swin3d_b:KINETICS400_IMAGENET22K_V1``.

    Raises:
        PretrainedError: torchvision has no such network or weights; lists those of the network.
    """
    name, _, row = source.removeprefix(PREFIX).partition(":")
    try:
        rows = get_model_weights(name)
    except ValueError as error:
        raise PretrainedError(f"{source}: torchvision has no network {name!r}") from error
    if not row:
        return rows.DEFAULT
    if row not in rows.__members__:
        raise PretrainedError(
            f"{source}: torchvision's {name} has no weights {row!r}; it has "
            f"{', '.join(weights.name for weights in rows)}"
        )
    return rows[row]


def fetch_torchvision(source: str) -> Path:
    """Return the file of the weights that a source names; fetch it on first use.

    It is kept where torchvision keeps it (``$TORCH_HOME/hub/checkpoints``) and compared with the
    beginning of its SHA-256, which its name tells.

    Raises:
        PretrainedError: see `torchvision_weights`.
        FetchError: no network, no room, or a file with another checksum; says what to do instead.
    """
    url = torchvision_weights(source).url
    kept = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    found = re.search(r"-([a-f0-9]{8,})\.", kept.name)
    start = found[1] if found else ""
    if kept.is_file() and sha256(kept).startswith(start):
        return kept
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(kept), start, progress=False)
    except (OSError, RuntimeError) as error:  # RuntimeError: another checksum
        raise FetchError(
            f"{source} could not be fetched from {url}: {error}. On a machine with network fetch "
            f"that file and name it as the source of the weights (pretrained: PATH), or copy it to "
            f"{kept}"
        ) from error
    return kept
