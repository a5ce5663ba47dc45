"""``PretrainedSpec``: which weights to start from, as a small dataclass."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from snl_video.errors import PretrainedError
from snl_video.spec import as_spec
from snl_video.weights.formats import FORMATS
from snl_video.weights.inflation import Inflation


@dataclass
class PretrainedSpec:
    """Which weights to load, and how; the arguments of `load_pretrained`.

    Attributes:
        source: a file, the folder of a Hugging Face model, ``torchvision:NAME``, or ``kinetics400``
            for the published weights of ``i3d_inception``.
        format: layout of the file, a row of ``FORMATS``; ``auto`` finds it from the names in it.
        min_share: least share of the backbone's numbers (parameters and buffers, head and blocks
            left out) that must be found in the file, 0 to 1.
        inflation: how kernels of image networks are spread over time, ``average`` or ``centre``.

    Raises:
        PretrainedError: no source, unknown format or inflation, or a share outside [0, 1].
    """

    source: str
    format: str = "auto"
    min_share: float = 0.9
    inflation: Inflation = "average"

    def __post_init__(self) -> None:
        if not isinstance(self.source, str | Path) or not str(self.source).strip():
            raise PretrainedError(
                f"pretrained.source must be a file or 'kinetics400', got {self.source!r}; leave "
                "pretrained out (null) to start from random weights"
            )
        self.source = str(self.source)
        if not 0 <= self.min_share <= 1:
            raise PretrainedError(f"min_share must lie in [0, 1], got {self.min_share}")
        choices = {"format": ("auto", *FORMATS), "inflation": get_args(Inflation)}
        for name, known in choices.items():
            value = getattr(self, name)
            if value not in known:
                raise PretrainedError(f"unknown {name} {value!r}; choose one of {', '.join(known)}")


def as_pretrained(value: str | Path | PretrainedSpec | Mapping[str, Any]) -> PretrainedSpec:
    """Return ``value`` as a spec: text or a path is the source, a mapping gives the fields.

    Raises:
        InputError: a key that is no field, no source, or a field with a value that it can't have.
    """
    if isinstance(value, Mapping):
        return as_spec(PretrainedSpec, {"source": None, **value}, "pretrained")
    return PretrainedSpec(str(value)) if isinstance(value, str | Path) else value
