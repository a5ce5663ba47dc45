"""PySlowFast's names of the parts of a residual network, turned into canonical ones.

Other projects' names of such networks are turned into PySlowFast's first. In them ``s1`` is the
stem and ``s2`` to ``s5`` are res2 to res5; ``pathway0`` is the slow pathway or the only one,
``pathway1`` the fast one.
"""

import re

from snl_video.models.network import VideoNetwork
from snl_video.weights.canonical_names import OF_BLOCKS

NAME = re.compile(
    r"s(?P<stage>[1-5])(?:\.pathway(?P<pathway>[01])_(?P<what>stem|res|nonlocal)(?P<index>\d*)|_fuse)"
    r"\.(?P<part>[\w.]+)\.(?P<leaf>\w+)"
)
PARTS = {
    "stem": {"conv": "conv", "bn": "norm"},
    "res": {
        "branch1": "branch1_conv",
        "branch1_bn": "branch1_norm",
        **{f"branch2.{x}": f"branch2.conv_{x}" for x in "abc"},
        **{f"branch2.{x}_bn": f"branch2.norm_{x}" for x in "abc"},
    },
    "nonlocal": {
        "theta": "theta",
        "phi": "phi",
        "concat": "affinity.w",
        "g": "units.0.g",
        "out": "units.0.filter.w_2",
        "bn": "units.0.norm",
        "norm": "units.0.norm",
    },
    "fuse": {"conv_f2s": "conv_fast_to_slow", "bn": "norm"},
}
"""Of what, name of a part in PySlowFast -> here."""


def canonical_name(name: str, model: VideoNetwork) -> str:
    """Turn one of PySlowFast's names into the canonical one, or leave it if it is unknown."""
    if (head := re.fullmatch(r"head\.projection\.(\w+)", name)) and place_of_block(model, 2, 0, 0):
        return f"{head_name(model)}.{head[1]}"
    match = NAME.fullmatch(name)
    if match is None:
        return name
    what, stage, pathway = match["what"] or "fuse", int(match["stage"]), int(match["pathway"] or 0)
    start: str | None = None
    if what == "fuse" and model.pathways is not None:
        start = f"trunk.blocks.{stage - 1}.multipathway_fusion"
    elif what == "stem" and place_of_block(model, 2, 0, pathway):
        start = stem_name(model, pathway)
    elif match["index"] and (place := place_of_block(model, stage, int(match["index"]), pathway)):
        start = f"trunk.{model.places[place].path}" if what == "res" else f"{OF_BLOCKS}{place}"
    part = match["part"].removeprefix("conv_" if what == "nonlocal" else "")
    known = start is not None and part in PARTS[what]
    return f"{start}.{PARTS[what][part]}.{match['leaf']}" if known else name


def place_of_block(model: VideoNetwork, stage: int, index: int, pathway: int) -> str | None:
    """Return ``res4.3`` or ``slow.res4.3``; None if ``model`` has no such residual block."""
    if pathway and model.pathways is None:
        return None
    prefix = ("slow.", "fast.")[pathway] if model.pathways is not None else ""
    name = f"{prefix}res{stage}.{index}"
    return name if name in model.places else None


def stem_name(model: VideoNetwork, pathway: int) -> str:
    """Return the canonical name of the stem of a pathway."""
    inside = "" if model.pathways is None else f".multipathway_blocks.{pathway}"
    return f"trunk.blocks.0{inside}"


def head_name(model: VideoNetwork) -> str:
    """Return the canonical name of the classifying layer."""
    return f"trunk.{model.head}"
