"""Pretrained weights into the network at the start of a run, and the record of it."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from snl_video.models import VideoNetwork

FILE = "load_report.json"


def load_weights(
    network: VideoNetwork, source: str, min_share: float, folder: Path | None
) -> dict[str, Any]:
    """Load ``source`` into ``network``; print what happened and write it to ``folder``.

    Args:
        network: with its blocks; they keep their initial weights if the source has none.
        source: see :func:`snl_video.models.pretrained.load_pretrained`.
        min_share: share of the backbone's numbers that must be found, 0 to 1.
        folder: where ``load_report.json`` goes; None prints and writes nothing.

    Returns:
        The report as plain types, fit for a checkpoint.

    Raises:
        PretrainedError: the weights can't be read or don't fit.
    """
    from snl_video.models.pretrained.load import load_pretrained

    report = load_pretrained(network, source, min_share=min_share)
    plain = report.to_dict()
    if folder is not None:
        Console().print(report.table())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
    return plain
