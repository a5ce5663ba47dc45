"""Pretrained weights into the network at the start of a run, and the record of it."""

from pathlib import Path
from typing import Any

from rich.console import Console

from snl_video.models import VideoNetwork
from snl_video.models.pretrained import load_pretrained

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
    report = load_pretrained(network, source, min_share=min_share)
    if folder is not None:
        Console().print(report.table())
        folder.mkdir(parents=True, exist_ok=True)
        report.write_json(folder / FILE)
    return report.to_dict()
