"""``PretrainedSpec``: which weights to start from, as a small dataclass."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from snl_video.models.network import VideoNetwork
from snl_video.spec import as_spec
from snl_video.weights.formats.torchvision import Inflation
from snl_video.weights.load import check_settings, load_pretrained
from snl_video.weights.load_report import LoadReport


@dataclass
class PretrainedSpec:
    """Which weights to load, and how; the arguments of :func:`load_pretrained`.

    Attributes:
        source: a file, or ``kinetics400`` for the published weights of ``i3d_inception``.
        format: layout of the file; ``auto`` finds it from the names in it.
        min_share: least share of the backbone's numbers that must be found, 0 to 1.
        inflation: how kernels of image networks are spread over time, ``average`` or ``centre``.

    Raises:
        ValueError: no source, unknown format or inflation, or a share outside [0, 1].
    """

    source: str
    format: str = "auto"
    min_share: float = 0.9
    inflation: Inflation = "average"

    def __post_init__(self) -> None:
        if not isinstance(self.source, str | Path) or not str(self.source).strip():
            raise ValueError(
                f"pretrained.source must be a file or 'kinetics400', got {self.source!r}; leave "
                "pretrained out (null) to start from random weights"
            )
        self.source = str(self.source)
        check_settings(self.format, self.min_share, self.inflation)


def as_pretrained(value: str | Path | PretrainedSpec | Mapping[str, Any]) -> PretrainedSpec:
    """Return ``value`` as a spec: text or a path is the source, a mapping gives the fields.

    Raises:
        ValueError: a key that is no field, no source, or a field with a value that it can't have.
    """
    if isinstance(value, str | Path):
        return PretrainedSpec(str(value))
    if isinstance(value, Mapping) and "source" not in value:
        raise ValueError(f"pretrained needs a source, a file or 'kinetics400'; got {dict(value)}")
    return as_spec(PretrainedSpec, value, "pretrained")


def load_spec(model: VideoNetwork, spec: PretrainedSpec) -> LoadReport:
    """Load the weights of ``spec`` into ``model``; see :func:`load_pretrained`."""
    return load_pretrained(model, **asdict(spec))
