"""Pretrained weights into the network: to train from, or to evaluate as they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from snl_video.errors import PretrainedError
from snl_video.models import VideoNetwork
from snl_video.weights import LoadReport, PretrainedSpec, first_difference, known_classes, load_spec
from snl_video.weights.load_report import describe
from snl_video.wording import first_few

FILE = "load_report.json"


def load_weights(
    network: VideoNetwork, spec: PretrainedSpec, folder: Path | None
) -> dict[str, Any]:
    """Load the weights of ``spec`` to train from; print what happened and write it to ``folder``.

    Args:
        network: with its blocks; they keep their initial weights if the source has none.
        spec: which weights.
        folder: where ``load_report.json`` goes; None prints and writes nothing.

    Returns:
        The report as plain types, fit for a checkpoint.

    Raises:
        PretrainedError: the weights can't be read or don't fit.
        FetchError: the published weights can't be fetched.
    """
    report = load_spec(network, spec)
    if folder is not None:
        Console().print(report.table())
        folder.mkdir(parents=True, exist_ok=True)
        report.write_json(folder / FILE)
    return report.to_dict()


def load_to_evaluate(
    network: VideoNetwork, spec: PretrainedSpec, classes: Sequence[str]
) -> LoadReport:
    """Load the weights of ``spec`` to evaluate them as they are.

    Args:
        network: with a logit for each of ``classes``. New blocks are the identity and allowed.
        spec: which weights.
        classes: names in the order of the labels; compared with those of the weights where these
            are known.

    Raises:
        PretrainedError: the weights can't be read or don't fit, leave the head or another part
            random, hold more than the network has, or have other classes than the data; names the
            tensors, or the first class that differs.
        FetchError: the published weights can't be fetched.
    """
    names = known_classes(spec.source)
    if names is not None and (difference := first_difference(list(classes), names)):
        raise PretrainedError(
            f"the classes of the data are not those of {spec.source}: {difference}; evaluate data "
            "with the same classes in the same order, or train a new head with fit"
        )
    report = load_spec(network, spec)
    if report.new_head:
        theirs = "no head"
        if report.head_classes is not None:
            part = "a part of " if report.head_classes == len(classes) else ""
            theirs = f"{part}a head of {report.head_classes} classes"
        raise PretrainedError(
            f"{report.source} has {theirs} and the data have {len(classes)} classes: a random head "
            "would predict nothing. Evaluate data with the classes of the weights, or train a head "
            "with fit"
        )
    groups = {
        "missing in the file": report.missing,
        "of another size": tuple(map(describe, report.mismatched)),
        "without a place in the network": report.unexpected,
    }
    if lines := [f"{title}: {first_few(names)}" for title, names in groups.items() if names]:
        raise PretrainedError(
            f"{report.source} is not of this very network, so its predictions would mean nothing: "
            "build it with the backbone, options and blocks of the weights\n  " + "\n  ".join(lines)
        )
    return report
