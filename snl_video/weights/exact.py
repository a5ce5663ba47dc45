"""Filling a network that was built for its file: nothing may be left over on either side."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.models.network import VideoNetwork
from snl_video.weights.fill import fill
from snl_video.weights.load_report import describe
from snl_video.weights.safe_reading.checkpoints import sha256
from snl_video.wording import first_few


def fill_exactly(
    model: VideoNetwork, tensors: Mapping[str, Tensor], path: str | Path, format: str
) -> None:
    """Copy ``tensors`` (by canonical name) from the file ``path`` into ``model``, all of them.

    Raises:
        PretrainedError: a tensor is missing, unexpected, of another size, or not finite.
    """
    report = fill(
        model, tensors, source=str(path), format=format, sha256=sha256(path), min_share=0.0
    )
    groups = {
        "missing": report.missing,
        "unexpected": report.unexpected,
        "of another size": tuple(map(describe, report.mismatched)),
        "incomplete blocks": report.new_blocks,
        "incomplete": (f"trunk.{model.head}",) if report.new_head else (),
    }
    lines = [f"{title}: {first_few(names)}" for title, names in groups.items() if names]
    if lines:
        raise PretrainedError(
            f"{path} (format {format}) does not hold the network that it describes:\n  "
            + "\n  ".join(lines)
        )
