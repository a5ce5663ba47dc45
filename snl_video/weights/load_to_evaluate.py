"""Weights that are evaluated as they are: they must be those of this very network."""

from collections.abc import Sequence

from snl_video.errors import PretrainedError
from snl_video.models.network import VideoNetwork
from snl_video.protocol import ProtocolName
from snl_video.weights.class_names import first_difference, known_classes
from snl_video.weights.load import load_spec
from snl_video.weights.load_report import LoadReport, describe
from snl_video.weights.pretrained_spec import PretrainedSpec
from snl_video.wording import first_few

PUBLISHED_WITH: dict[str, ProtocolName] = {
    "caffe2": "pyslowfast",
    "mmaction": "mmaction2",
    "pytorchvideo": "pyslowfast",
    "slowfast": "pyslowfast",
}
"""Layout of a file of weights -> the protocol of the accuracies that its publisher gives."""


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


def hint_of_protocol(report: LoadReport, protocol: ProtocolName) -> str:
    """Say which protocol gives figures like the published ones; "" where it is ``protocol``."""
    theirs = PUBLISHED_WITH.get(report.format, protocol)
    if theirs == protocol:
        return ""
    return (
        f"accuracies published for weights of format {report.format} are of protocol {theirs}, and "
        f"this one is of {protocol}: to set them side by side, add --protocol {theirs}"
    )
