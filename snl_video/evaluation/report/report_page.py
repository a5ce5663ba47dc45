"""The page of one evaluation: its values, as ``templates/report.html`` wants them."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from torch import Tensor

from snl_video.evaluation.calibration import reliability
from snl_video.evaluation.metrics import metrics_shown
from snl_video.evaluation.multi_label import MultiLabelResults
from snl_video.evaluation.multi_label_tables import class_rows
from snl_video.evaluation.per_class import confused_pairs, per_class_rows
from snl_video.evaluation.report.mistakes import Mistake
from snl_video.evaluation.report.page import render
from snl_video.evaluation.report.pictures import confusion_image
from snl_video.evaluation.report.training_curves import Curve
from snl_video.evaluation.results import Evaluation, ScoredVideos, VideoResults
from snl_video.evaluation.views import ViewSetting
from snl_video.wording import first_few, flatten

SMALL = 20
"""Up to so many classes a confusion matrix is written out in figures."""

SHOWN = 20
"""So many names of tensors are written out."""


def report_page(
    evaluation: Evaluation,
    numbers: Mapping[str, Any],
    context: Mapping[str, Any],
    mistakes: Sequence[Mistake] = (),
    curves: Sequence[Curve] = (),
) -> str:
    """Return the document.

    Args:
        evaluation: the results.
        numbers: of `evaluation_numbers`.
        context: what was evaluated; ``checkpoint``, ``data`` (with ``subsets``), ``network``
            (parameters, GMACs and ``blocks``), ``load_report`` (what of pretrained weights was
            loaded) and ``recipe`` are known, anything else is listed as it is.
        mistakes: the most confident first.
        curves: of the training.
    """
    results, classes, ids = evaluation.results, evaluation.classes, evaluation.ids
    kind = type(results)
    headline = metrics_shown("headline", len(classes), kind)
    terminal = metrics_shown("terminal", len(classes), kind)
    small = len(classes) <= SMALL
    network = context.get("network") or {}
    data = dict(context.get("data") or {})
    subsets = data.pop("subsets", {})
    whole = ViewSetting.parse(evaluation.setting) if evaluation.views else None
    return render(
        "report.html",
        title=_title(data),
        numbers=numbers,
        setting=evaluation.setting,
        checkpoint=context.get("checkpoint"),
        headline=headline,
        facts={name: metric for name, metric in terminal.items() if name not in headline},
        views=[
            (view, ViewSetting.parse(view["setting"]).select(whole))
            for view in numbers["views"]
            if whole
        ],
        view_metrics=metrics_shown("views", len(classes), kind),
        whole=whole,
        failed=[
            (ids[int(results.index[row])], results.reasons[row])
            for row in results.failed.nonzero().flatten().tolist()
        ],
        absent=evaluation.absent,
        classes=classes,
        ids=ids,
        small=small,
        **_classes(results, classes, small),
        mistakes=mistakes,
        curves=curves,
        network=network and {"clip_shape": (), **network},
        pretrained=_pretrained(context.get("load_report")),
        recipe=_recipe(context),
        data=flatten({**data, "sha256 of the tested videos": numbers["list_sha256"]}),
        subsets=subsets,
    )


def _classes(results: ScoredVideos, classes: Sequence[str], small: bool) -> dict[str, Any]:
    """What is shown of the classes: confusion and calibration need one class a video."""
    if isinstance(results, MultiLabelResults):
        return {"several": class_rows(results, classes), "per_class": [], "bins": []}
    assert isinstance(results, VideoResults)
    confusion = results.confusion()
    return {
        "several": [],
        "per_class": per_class_rows(results, classes),
        "matrix": _matrix(confusion, classes) if small else [],
        "matrix_image": "" if small else confusion_image(confusion),
        "pairs": confused_pairs(results, classes, 12),
        "bins": _bins(results),
    }


def _title(data: Mapping[str, Any]) -> str:
    """The name of the data set's folder, and its split where the format has some."""
    name = PurePath(str(data.get("root") or "")).name or str(data.get("format", "videos"))
    has_splits = data.get("split") is not None and data.get("format") in ("ucf101", "hmdb51")
    return f"{name}, split {data['split']}" if has_splits else name


def _matrix(confusion: Tensor, classes: Sequence[str]) -> list[tuple[str, list[tuple[int, float]]]]:
    """(true class, (count, share of the row) by predicted class)."""
    rows = confusion.tolist()
    shares = [[count / max(sum(row), 1) for count in row] for row in rows]
    return [
        (name, list(zip(row, share, strict=True)))
        for name, row, share in zip(classes, rows, shares, strict=True)
    ]


def _bins(results: VideoResults) -> list[tuple[int, float, float]]:
    """(videos, mean confidence, accuracy) of each bin."""
    read = ~results.failed
    columns = reliability(results.confidence()[read], results.correct()[read])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _pretrained(report: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was loaded of a weight file; nothing for a network trained from random weights.

    Args:
        report: ``source``, ``format``, ``sha256``, ``backbone_share``, ``new_head`` and
            ``new_blocks``, and the names of tensors ``loaded``, ``missing``, ``unexpected`` and
            ``mismatched`` (with the sizes ``theirs`` and ``ours``).
    """
    if not report:
        return {}
    facts = {name: report[name] for name in ("source", "format", "sha256")}
    facts["head"] = "new" if report["new_head"] else "loaded"
    if report["new_blocks"]:
        facts["new blocks"] = ", ".join(report["new_blocks"])
    sizes = [
        f"{m['name']} ({m['theirs']} in the file, {m['ours']} here)" for m in report["mismatched"]
    ]
    tensors = (
        ("missing in the file", report["missing"]),
        ("not used", report["unexpected"]),
        ("of another size", sizes),
    )
    return {
        "backbone_share": report["backbone_share"],
        "facts": facts.items(),
        "tensors": [
            ("loaded", len(report["loaded"]), ""),
            *((what, len(names), first_few(names, SHOWN)) for what, names in tensors),
        ],
    }


def _recipe(context: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(heading, settings) of each group; what belongs to no group comes first, as "Run"."""
    known = ("data", "network", "checkpoint", "load_report", "recipe")
    rest = {name: value for name, value in context.items() if name not in known}
    groups = {**context.get("recipe", {}), **rest}
    loose = {name: value for name, value in groups.items() if not isinstance(value, Mapping)}
    named = {"run": loose, **{n: v for n, v in groups.items() if isinstance(v, Mapping)}}
    return [
        (name.replace("_", " ").capitalize(), flatten(values))
        for name, values in named.items()
        if values
    ]
