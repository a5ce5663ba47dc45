"""Named tensors into a network: everything is checked first, then everything is copied."""

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.models.network import VideoNetwork
from snl_video.weights.canonical_names import OF_BLOCKS, canonical_state, place_of
from snl_video.weights.load_report import LoadReport, Mismatch, describe
from snl_video.weights.safe_reading.checkpoints import sha256
from snl_video.wording import first_few

COUNTER = "num_batches_tracked"
HEAD = "head"


def fill(
    model: VideoNetwork,
    tensors: Mapping[str, Tensor],
    *,
    path: str | Path,
    format: str,
    min_share: float = 0.9,
) -> LoadReport:
    """Copy ``tensors`` into ``model`` and report; a failure leaves the model as it was.

    The head, and every block, is loaded whole or not at all: with a tensor missing or of another
    size it keeps its initial weights.

    Args:
        model: with or without blocks.
        tensors: by canonical name (see `canonical_names`); a name that the
            model does not have is reported as unexpected.
        path: the file, for the messages and the report.
        format: its layout, for the same.
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
        _check_finite(found, path)
    part = {name: _part(name, model) for name in ours}
    needed = [name for name in ours if not name.endswith(COUNTER)]
    backbone = {name: ours[name].numel() for name in needed if part[name] is None}
    new = {part[name] for name in needed if name not in values} - {None}
    given = {part[name] for name in tensors if name in ours} | {None}
    report = LoadReport(
        source=str(path),
        format=format,
        sha256=sha256(path),
        loaded=tuple(name for name in values if part[name] not in new),
        missing=tuple(n for n in needed if n not in tensors and part[n] in given),
        unexpected=tuple(n for n in tensors if n not in ours or (part[n] in new and n in values)),
        mismatched=tuple(
            Mismatch(name, tuple(value.shape), tuple(ours[name].shape))
            for name, value in tensors.items()
            if name in ours
            and name not in values
            and not (part[name] == HEAD and value.shape[1:] == ours[name].shape[1:])
        ),
        new_head=HEAD in new,
        head_classes=_classes(tensors.get(f"trunk.{model.head}.weight")),
        new_blocks=tuple(p for p in dict.fromkeys(part.values()) if p and p in new - {HEAD}),
        backbone_share=sum(backbone[name] for name in backbone if name in values)
        / sum(backbone.values()),
    )
    if report.backbone_share < min_share:
        raise PretrainedError(_too_little(report, min_share))
    with torch.no_grad():
        for name in report.loaded:
            ours[name].copy_(values[name])
    return report


def fill_exactly(
    model: VideoNetwork, tensors: Mapping[str, Tensor], path: str | Path, format: str
) -> None:
    """Copy all ``tensors`` into a ``model`` that was built for its file.

    Raises:
        PretrainedError: a tensor is missing, unexpected, of another size, or not finite.
    """
    report = fill(model, tensors, path=path, format=format, min_share=0.0)
    groups = {
        "missing": report.missing,
        "unexpected": report.unexpected,
        "of another size": tuple(map(describe, report.mismatched)),
        "incomplete blocks": report.new_blocks,
        "incomplete": (f"trunk.{model.head}",) if report.new_head else (),
    }
    if lines := _listed(groups):
        raise PretrainedError(
            f"{path} (format {format}) does not hold the network that it describes:\n  "
            + "\n  ".join(lines)
        )


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Name the file in what is wrong with its contents.

    Raises:
        PretrainedError: from a ValueError, such as that of a network that can't be built.
    """
    try:
        yield
    except ValueError as error:
        raise PretrainedError(f"{path}: {error}") from error


def _listed(groups: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [f"{title}: {first_few(names)}" for title, names in groups.items() if names]


def _classes(head: Tensor | None) -> int | None:
    return len(head) if head is not None and head.ndim else None


def _fits(theirs: Tensor, ours: Tensor) -> bool:
    same_kind = theirs.is_floating_point() == ours.is_floating_point()
    return theirs.shape == ours.shape and same_kind and not theirs.is_complex()


def _part(name: str, model: VideoNetwork) -> str | None:
    """What is loaded whole or not at all: the head, or a block by its place; None elsewhere."""
    return HEAD if name.startswith(f"trunk.{model.head}.") else place_of(name, model)


def _check_finite(tensors: Mapping[str, Tensor], path: str | Path) -> None:
    for name, value in tensors.items():
        wide = value.float() if value.is_floating_point() and value.element_size() == 1 else value
        bad = int((~torch.isfinite(wide)).sum())
        if bad:
            raise PretrainedError(
                f"{path}: {name} holds {bad} NaN or infinite values of {value.numel()} as "
                f"{value.dtype}: the file is damaged or its training diverged, take another"
            )


def _too_little(report: LoadReport, min_share: float) -> str:
    mismatched = tuple(map(describe, report.mismatched))
    lines = _listed({"missing": report.missing, "of another size": mismatched})
    foreign = [name for name in report.unexpected if not name.startswith(OF_BLOCKS)]
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
