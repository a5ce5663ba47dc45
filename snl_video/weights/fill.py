"""Named tensors into a network: everything is checked first, then everything is copied."""

import difflib
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.models.network import VideoNetwork
from snl_video.weights.load_report import LoadReport, Mismatch, describe
from snl_video.weights.names import BLOCKS, canonical_state, place_of
from snl_video.wording import first_few

COUNTER = "num_batches_tracked"
HEAD = "head"


def fill(
    model: VideoNetwork,
    tensors: Mapping[str, Tensor],
    *,
    source: str,
    format: str,
    sha256: str,
    min_share: float = 0.9,
) -> LoadReport:
    """Copy ``tensors`` into ``model`` and report; a failure leaves the model as it was.

    The head, and every block, is loaded whole or not at all: with a tensor missing or of another
    size it keeps its initial weights.

    Args:
        model: with or without blocks.
        tensors: by canonical name (see :mod:`snl_video.weights.names`); a name that the
            model does not have is reported as unexpected.
        source: for the messages and the report, as ``format`` and ``sha256``.
        min_share: least share of the numbers of the backbone that must be loaded, 0 to 1.

    Raises:
        PretrainedError: less than ``min_share``, or a NaN or an infinity; names the tensors.
    """
    ours = canonical_state(model)
    values = {
        name: value.to(ours[name].device, ours[name].dtype)
        for name, value in tensors.items()
        if name in ours and _fits(value, ours[name])
    }
    for found in (tensors, values):
        _check_finite(found, source)
    groups = _groups(ours, model)
    new = {
        part
        for part, names in groups.items()
        if any(name not in values for name in names if not name.endswith(COUNTER))
    }
    left = {name for part in new for name in groups[part]}
    report = LoadReport(
        source=source,
        format=format,
        sha256=sha256,
        loaded=tuple(name for name in values if name not in left),
        missing=tuple(_missing(ours, tensors, groups, model)),
        unexpected=tuple(n for n in tensors if n not in ours or (n in left and n in values)),
        mismatched=tuple(
            Mismatch(name, tuple(value.shape), tuple(ours[name].shape))
            for name, value in tensors.items()
            if name in ours and name not in values and not _other_classes(name, value, ours, model)
        ),
        new_head=HEAD in new,
        head_classes=_classes(tensors.get(f"trunk.{model.head}.weight")),
        new_blocks=tuple(place for place in groups if place in new and place != HEAD),
        backbone_share=_backbone_share(ours, values, groups),
    )
    if report.backbone_share < min_share:
        raise PretrainedError(_too_little(report, min_share))
    with torch.no_grad():
        for name in report.loaded:
            ours[name].copy_(values[name])
    return report


def _classes(head: Tensor | None) -> int | None:
    return len(head) if head is not None and head.ndim else None


def _fits(theirs: Tensor, ours: Tensor) -> bool:
    same_kind = theirs.is_floating_point() == ours.is_floating_point()
    return theirs.shape == ours.shape and same_kind and not theirs.is_complex()


def _groups(ours: Iterable[str], model: VideoNetwork) -> dict[str, list[str]]:
    """Names that go together: of the head, and of each block by its place."""
    groups: dict[str, list[str]] = {HEAD: []}
    for name in ours:
        if name.startswith(f"trunk.{model.head}."):
            groups[HEAD].append(name)
        elif place := place_of(name, model):
            groups.setdefault(place, []).append(name)
    return groups


def _missing(
    ours: Iterable[str],
    tensors: Mapping[str, Tensor],
    groups: Mapping[str, list[str]],
    model: VideoNetwork,
) -> list[str]:
    """What the file lacks; a head or a block of which it has nothing is expected to be new."""
    absent = {
        name
        for names in groups.values()
        if not any(name in tensors for name in names)
        for name in names
    }
    return [n for n in ours if n not in tensors and n not in absent and not n.endswith(COUNTER)]


def _other_classes(
    name: str, theirs: Tensor, ours: Mapping[str, Tensor], model: VideoNetwork
) -> bool:
    """Whether this is the head's, and only the number of classes is another."""
    return name.startswith(f"trunk.{model.head}.") and theirs.shape[1:] == ours[name].shape[1:]


def _backbone_share(
    ours: Mapping[str, Tensor], values: Mapping[str, Tensor], groups: Mapping[str, list[str]]
) -> float:
    grouped = {name for names in groups.values() for name in names}
    sizes = {
        name: value.numel()
        for name, value in ours.items()
        if name not in grouped and not name.endswith(COUNTER)
    }
    return sum(size for name, size in sizes.items() if name in values) / sum(sizes.values())


def _check_finite(tensors: Mapping[str, Tensor], source: str) -> None:
    for name, value in tensors.items():
        wide = value.float() if value.is_floating_point() and value.element_size() == 1 else value
        bad = int((~torch.isfinite(wide)).sum())
        if bad:
            raise PretrainedError(
                f"{source}: {name} holds {bad} NaN or infinite values of {value.numel()} as "
                f"{value.dtype}: the file is damaged or its training diverged, take another"
            )


def _too_little(report: LoadReport, min_share: float) -> str:
    mismatched = tuple(map(describe, report.mismatched))
    groups = (("missing", report.missing), ("of another size", mismatched))
    lines = [f"{title}: {first_few(names)}" for title, names in groups if names]
    foreign = [name for name in report.unexpected if not name.startswith(BLOCKS)]
    for name in report.missing[:3]:
        if near := difflib.get_close_matches(name, foreign, 1):
            lines.append(f"near {name} the file has {near[0]}")
    if foreign:
        lines.append(f"unexpected: {first_few(foreign)}")
    return (
        f"{report.source} (format {report.format}) fills {report.backbone_share:.2%} of the "
        f"backbone, less than min_share = {min_share:.2%}: build the network with the backbone, "
        "width and backbone_options of the weights, or lower min_share\n  " + "\n  ".join(lines)
    )
