"""``load_pretrained``: a file of weights in any of the known layouts into a network."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.models.network import VideoNetwork
from snl_video.weights.fill import fill
from snl_video.weights.formats import (
    inception_deepmind,
    inception_pytorch,
    mmaction,
    own,
    pyslowfast,
    pytorchvideo,
    torchvision,
)
from snl_video.weights.formats.pyslowfast import caffe2
from snl_video.weights.formats.torchvision import Inflation
from snl_video.weights.hub import kinetics400_i3d
from snl_video.weights.load_report import LoadReport
from snl_video.weights.safe_reading.checkpoints import read_checkpoint, sha256
from snl_video.wording import first_few

KINETICS400 = "kinetics400"


class Format(NamedTuple):
    """One layout of weights: whether a file has it, and its tensors by canonical name."""

    recognises: Callable[[Mapping[str, Any]], bool]
    convert: Callable[[Mapping[str, Any], VideoNetwork], dict[str, Tensor]]


FORMATS: dict[str, Format] = {
    "snl_video": Format(own.recognises, own.convert),
    "pytorchvideo": Format(pytorchvideo.recognises, pytorchvideo.convert),
    "torchvision": Format(torchvision.recognises, torchvision.convert),
    "inception_pytorch": Format(inception_pytorch.recognises, inception_pytorch.convert),
    "deepmind": Format(inception_deepmind.recognises, inception_deepmind.convert),
    "slowfast": Format(pyslowfast.recognises, pyslowfast.convert),
    "caffe2": Format(caffe2.recognises, caffe2.convert),
    "mmaction": Format(mmaction.recognises, mmaction.convert),
}


def load_pretrained(
    model: VideoNetwork,
    source: str | Path,
    *,
    format: str = "auto",
    min_share: float = 0.9,
    inflation: Inflation = "average",
) -> LoadReport:
    """Load weights into ``model``, in place, and say what went where.

    Blocks may be inserted before or after; those that the file does not have keep their initial
    weights, the identity. A head of another number of classes stays new, weight and bias together.
    The pixel statistics of the network stay as they are. A failure leaves the model as it was.

    Args:
        model: from :func:`snl_video.weights.build_model`.
        source: a file (see :func:`snl_video.weights.safe_reading.checkpoints.read_checkpoint`), or
            ``kinetics400`` for the published weights of ``i3d_inception``, fetched on first use.
        format: a layout of ``FORMATS``; ``auto`` finds it from the names in the file.
        min_share: least share of the numbers of the backbone (parameters and buffers, head and
            blocks left out) that must be found in the file, 0 to 1.
        inflation: how kernels of image networks are spread over time, ``average`` or ``centre``.

    Raises:
        PretrainedError: the file can't be read, has another layout or does not fit.
        ValueError: unknown format or inflation, or a share outside [0, 1].
        FetchError: the published weights can't be fetched.
    """
    check_settings(format, min_share, inflation)
    path = _published(model) if source == KINETICS400 else Path(source)
    checkpoint = read_checkpoint(path)
    name = find_format(checkpoint, path, format)
    convert = FORMATS[name].convert
    if name == "torchvision":
        convert = partial(torchvision.convert, inflation=inflation)
    try:
        tensors = convert(checkpoint, model)
    except PretrainedError as error:
        raise PretrainedError(f"{path}: {error}") from error
    return fill(
        model,
        tensors,
        source=str(path),
        format=name,
        sha256=sha256(path),
        min_share=min_share,
    )


def check_settings(format: str, min_share: float, inflation: str) -> None:
    """Raise ValueError unless :func:`load_pretrained` takes these settings."""
    if format != "auto" and format not in FORMATS:
        raise ValueError(f"unknown format {format!r}; formats: auto, {', '.join(FORMATS)}")
    if not 0 <= min_share <= 1:
        raise ValueError(f"min_share must lie in [0, 1], got {min_share}")
    if inflation not in torchvision.INFLATIONS:
        raise ValueError(
            f"inflation must be one of {', '.join(torchvision.INFLATIONS)}, got {inflation!r}"
        )


def find_format(checkpoint: Mapping[str, Any], path: Path, format: str = "auto") -> str:
    """Return the layout of a checkpoint, or ``format`` if it has that one.

    Raises:
        PretrainedError: not that layout, none of the layouts, or several.
    """
    found = [name for name, layout in FORMATS.items() if layout.recognises(checkpoint)]
    if format in found:
        return format
    if format == "auto" and len(found) == 1:
        return found[0]
    names = first_few(list(checkpoint))
    if format != "auto":
        hint = f"; it looks like {' or '.join(found)}" if found else ""
        raise PretrainedError(f"{path} has not the layout {format!r}{hint}; it holds {names}")
    if found:
        raise PretrainedError(f"{path} could be {' or '.join(found)}: name the format")
    raise PretrainedError(
        f"{path} has none of the known layouts ({', '.join(FORMATS)}); it holds {names}"
    )


def _published(model: VideoNetwork) -> Path:
    if "Mixed_4e" not in model.places:
        raise PretrainedError(
            f"the weights {KINETICS400!r} are of i3d_inception; for another backbone name a file"
        )
    return kinetics400_i3d()
