"""MMAction2's names of weights, and what they tell about the non-local blocks."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from snl_video.models.network import VideoNetwork
from snl_video.weights.formats import residual_names as names
from snl_video.weights.names import BLOCKS

PATHWAYS = {None: 0, "slow_path": 0, "fast_path": 1}
_PATH = r"backbone\.(?:(slow_path|fast_path)\.)?"
STEM = re.compile(rf"{_PATH}conv1\.(conv|bn)\.(\w+)")
RESIDUAL = re.compile(rf"{_PATH}layer([1-4])\.(\d+)\.(conv[123]|downsample)\.(conv|bn)\.(\w+)")
BLOCK = re.compile(
    rf"{_PATH}layer([1-4])\.(\d+)\.non_local_block\."
    r"(theta|phi|g|conv_out|concat_project)(\.0)?\.(conv|bn)\.(\w+)"
)
FUSION = re.compile(r"backbone\.slow_path\.(?:conv1|layer([123]))_lateral\.(conv|bn)\.(\w+)")
HEAD = re.compile(r"cls_head\.fc_cls\.(\w+)")
RESIDUAL_PARTS = {
    "conv1": "branch2.a",
    "conv2": "branch2.b",
    "conv3": "branch2.c",
    "downsample": "branch1",
}


def canonical_name(name: str, model: VideoNetwork) -> str:
    """Turn one of MMAction2's names into the canonical one, or leave it if it is unknown."""
    ours: str | None = None
    leaf = name.rpartition(".")[2]
    if match := STEM.fullmatch(name):
        if _same_pathways(match[1], model):
            part = {"conv": "conv", "bn": "norm"}[match[2]]
            ours = names.stem(model, PATHWAYS[match[1]], part)
    elif match := RESIDUAL.fullmatch(name):
        if _same_pathways(match[1], model):
            stage, index = int(match[2]) + 1, int(match[3])
            part, norm = RESIDUAL_PARTS[match[4]], match[5] == "bn"
            ours = names.residual(model, stage, index, PATHWAYS[match[1]], part, norm=norm)
    elif match := BLOCK.fullmatch(name):
        if (place := place_of_block(match)) in model.places:
            ours = f"{BLOCKS}{place}.{_block_part(match[4], match[6])}"
    elif match := FUSION.fullmatch(name):
        part = {"conv": "conv_fast_to_slow", "bn": "norm"}[match[2]]
        ours = names.fusion(model, int(match[1] or 0) + 1, part)
    elif HEAD.fullmatch(name):
        ours = names.head(model)
    return name if ours is None or not names.is_residual(model) else f"{ours}.{leaf}"


def block_options(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Any]]:
    """Return place -> options of the ``nl`` block there, as far as the names tell.

    Embeddings are absent in the Gaussian form and joined in the concatenation; a frozenset holds
    the two forms that can't be told apart. ``phi`` and ``g`` are followed by a max-pool where they
    have a number.
    """
    parts: dict[str, set[str]] = {}
    pooled: set[str] = set()
    for match in _blocks(tensors):
        place = place_of_block(match)
        parts.setdefault(place, set()).add(match[4])
        if match[4] == "g" and match[5]:
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


def place_of_block(match: re.Match[str]) -> str:
    """Return the place, ``res3.1`` or ``slow.res3.1``, of a match of ``BLOCK``."""
    prefix = f"{match[1].removesuffix('_path')}." if match[1] else ""
    return f"{prefix}res{int(match[2]) + 1}.{match[3]}"


def _blocks(tensors: Mapping[str, Tensor]) -> Iterator[re.Match[str]]:
    yield from filter(None, map(BLOCK.fullmatch, tensors))


def _affinity(parts: set[str]) -> str | frozenset[str]:
    if "concat_project" in parts:
        return "concatenation"
    return frozenset({"softmax", "dot_product"}) if "theta" in parts else "gaussian"


def _block_part(part: str, layer: str) -> str:
    if part == "concat_project":
        return "affinity.w"
    return names.BLOCK_PARTS["bn" if layer == "bn" else part.removeprefix("conv_")]


def _same_pathways(path: str | None, model: VideoNetwork) -> bool:
    return (path is None) == (model.pathways is None)
