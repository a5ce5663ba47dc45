"""``load_pretrained``: a file of weights in any of the known layouts into a network."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from snl_video.errors import PretrainedError
from snl_video.models.network import VideoNetwork
from snl_video.weights.fill import fill, naming
from snl_video.weights.formats import FORMATS
from snl_video.weights.hub import kinetics400_i3d
from snl_video.weights.inflation import Inflation, inflated
from snl_video.weights.load_report import LoadReport
from snl_video.weights.pretrained_spec import PretrainedSpec
from snl_video.weights.safe_reading.checkpoints import read_checkpoint
from snl_video.weights.safe_reading.hugging_face_folder import WEIGHTS, is_folder, read_folder
from snl_video.weights.torchvision_hub import PREFIX, fetch_torchvision
from snl_video.wording import first_few

KINETICS400 = "kinetics400"


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
        model: from `build_model`.
        source: a file (see `read_checkpoint`), the folder of a Hugging Face model,
            ``torchvision:NAME`` (see `torchvision_weights`), or ``kinetics400`` for the published
            weights of ``i3d_inception``; the last two are fetched on first use.
        format: see `PretrainedSpec`, as the next two.
        min_share: least share of the numbers of the backbone.
        inflation: of kernels of image networks.

    Raises:
        PretrainedError: the file can't be read, has another layout or does not fit, or a setting
            that `PretrainedSpec` refuses.
        FetchError: the published weights can't be fetched.
    """
    spec = PretrainedSpec(str(source), format, min_share, inflation)
    path = _file_of(spec.source, model)
    checkpoint = read_folder(path.parent) if is_folder(source) else read_checkpoint(path)
    name = find_format(checkpoint, path, format)
    with naming(path):
        tensors = FORMATS[name].convert(checkpoint, model)
    if FORMATS[name].of_images:
        tensors = inflated(tensors, model, inflation)
    return fill(model, tensors, path=path, format=name, min_share=min_share)


def load_spec(model: VideoNetwork, spec: PretrainedSpec) -> LoadReport:
    """Load the weights of ``spec`` into ``model``; see `load_pretrained`."""
    return load_pretrained(model, **asdict(spec))


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
    if format != "auto":
        hint = f"; it looks like {' or '.join(found)}" if found else ""
        problem = f"has not the layout {format!r}{hint}"
    elif found:
        problem = f"could be {' or '.join(found)}: name the format"
    else:
        problem = f"has none of the known layouts ({', '.join(FORMATS)})"
    raise PretrainedError(f"{path} {problem}; it holds {first_few(list(checkpoint))}")


def _file_of(source: str, model: VideoNetwork) -> Path:
    if source == KINETICS400:
        return _published(model)
    if source.startswith(PREFIX):
        return fetch_torchvision(source)
    return Path(source) / WEIGHTS if is_folder(source) else Path(source)


def _published(model: VideoNetwork) -> Path:
    if "Mixed_4e" not in model.places:
        raise PretrainedError(
            f"the weights {KINETICS400!r} are of i3d_inception; for another backbone name a file"
        )
    return kinetics400_i3d()
