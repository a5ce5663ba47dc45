"""MMAction2's names of weights, and what they tell about the non-local blocks."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

PATH = r"backbone\.(?:(?P<path>slow|fast)_path\.)?"
BLOCK = re.compile(
    PATH + r"layer(?P<layer>[1-4])\.(?P<index>\d+)\.non_local_block\."
    r"(?P<part>theta|phi|g|conv_out|concat_project)(?P<pooled>\.0)?\.(?P<kind>conv|bn)\.(?P<leaf>\w+)"
)
RESIDUAL = re.compile(
    PATH + r"layer(?P<layer>[1-4])\.(?P<index>\d+)\.(?P<part>conv[123]|downsample)\."
    r"(?P<kind>conv|bn)\.(?P<leaf>\w+)"
)
STEM = re.compile(PATH + r"(?P<part>conv1)\.(?P<kind>conv|bn)\.(?P<leaf>\w+)")
FUSION = re.compile(
    r"backbone\.(?P<path>slow)_path\.(?:conv1|layer(?P<layer>[123]))_lateral\."
    r"(?P<kind>conv|bn)\.(?P<leaf>\w+)"
)
HEAD = re.compile(r"cls_head\.fc_cls\.(?P<leaf>\w+)")
BRANCHES = {
    "conv1": "branch2.a",
    "conv2": "branch2.b",
    "conv3": "branch2.c",
    "downsample": "branch1",
}
TEMPLATES = (
    (STEM, "s1.pathway{pathway}_stem.{kind}.{leaf}"),
    (RESIDUAL, "s{stage}.pathway{pathway}_res{index}.{branch}{bn}.{leaf}"),
    (BLOCK, "s{stage}.pathway{pathway}_nonlocal{index}.{part}.{leaf}"),
    (FUSION, "s{stage}_fuse.{fuse}.{leaf}"),
    (HEAD, "head.projection.{leaf}"),
)
"""MMAction2's name -> PySlowFast's (see `residual_names`)."""


def slowfast_name(name: str, *, two_pathways: bool) -> str:
    """Turn one of MMAction2's names into PySlowFast's, or leave it if it is unknown.

    A name of a network with another number of pathways is an unknown one.
    """
    for pattern, template in TEMPLATES:
        if match := pattern.fullmatch(name):
            found = match.groupdict()
            if pattern is not HEAD and (found["path"] is not None) != two_pathways:
                return name
            bn = found.get("kind") == "bn"
            part = (found.get("part") or "").removeprefix("conv_").removesuffix("_project")
            return template.format(
                **(found | {"part": "bn" if bn else part}),
                pathway=int(found.get("path") == "fast"),
                stage=int(found.get("layer") or 0) + 1,
                branch=BRANCHES.get(part),
                bn="_bn" if bn else "",
                fuse="bn" if bn else "conv_f2s",
            )
    return name


def block_options(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Any]]:
    """Return place -> options of the ``nl`` block there, as far as the names tell.

    Embeddings are absent in the Gaussian form and joined in the concatenation; a frozenset holds
    the two forms that can't be told apart. ``phi`` and ``g`` are followed by a max-pool where they
    have a number.
    """
    parts: dict[str, set[str]] = {}
    pooled: set[str] = set()
    for match in filter(None, map(BLOCK.fullmatch, tensors)):
        place = place_of(match)
        parts.setdefault(place, set()).add(match["part"])
        if match["part"] == "g" and match["pooled"]:
            pooled.add(place)
    return {
        place: {
            "affinity": _affinity(found),
            "bias": True,
            "norm": "batch",
            "relu": False,
            **({"pool": [1, 2, 2], "pool_after": True} if place in pooled else {"pool": None}),
        }
        for place, found in parts.items()
    }


def place_of(match: re.Match[str]) -> str:
    """Return the place, ``res3.1`` or ``slow.res3.1``, of a match of ``BLOCK``."""
    prefix = f"{match['path']}." if match["path"] else ""
    return f"{prefix}res{int(match['layer']) + 1}.{match['index']}"


def _affinity(parts: set[str]) -> str | frozenset[str]:
    if "concat_project" in parts:
        return "concatenation"
    return frozenset({"softmax", "dot_product"}) if "theta" in parts else "gaussian"
