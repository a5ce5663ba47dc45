"""Which weights a network was trained from, and what of them it took."""

from collections.abc import Mapping
from typing import Any

from snl_video.evaluation.report.markup import Markup, definitions, grid, section
from snl_video.wording import first_few

SHOWN = 20


def pretrained_section(report: Mapping[str, Any] | None) -> Markup | None:
    """Return the section, or None for a network trained from random weights.

    Args:
        report: ``source``, ``format``, ``sha256``, ``backbone_share``, ``new_head`` and
            ``new_blocks``, and the names of tensors ``loaded``, ``missing``, ``unexpected`` and
            ``mismatched`` (with the sizes ``theirs`` and ``ours``).
    """
    if not report:
        return None
    lead = f"{report['backbone_share']:.2%} of the backbone's numbers come from a file."
    facts = {name: report[name] for name in ("source", "format", "sha256")}
    facts["head"] = "new" if report["new_head"] else "loaded"
    if report["new_blocks"]:
        facts["new blocks"] = ", ".join(report["new_blocks"])
    sizes = [
        f"{m['name']} ({m['theirs']} in the file, {m['ours']} here)" for m in report["mismatched"]
    ]
    rows = [
        ["loaded", len(report["loaded"]), ""],
        ["missing in the file", len(report["missing"]), first_few(report["missing"], SHOWN)],
        ["not used", len(report["unexpected"]), first_few(report["unexpected"], SHOWN)],
        ["of another size", len(sizes), first_few(sizes, SHOWN)],
    ]
    return section(
        "pretrained",
        "Pretrained weights",
        definitions(facts),
        grid(("Tensors", "Number", "Names"), rows, numeric=(1,)),
        lead=lead,
    )
