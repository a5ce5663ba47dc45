"""The authors' outputs: where the files are and how a block is built for one."""

import re
from pathlib import Path

import pytest
import torch

from snl_video.blocks import NonLocalBlock, build_block
from snl_video.blocks.reference_weights import REFERENCE_OPTIONS, load_reference_weights

FOLDER = Path(__file__).parents[2].parent / "shared" / "golden" / "blocks"
NAMES = [
    *(f"{kind}_c16_p8_s{s}_2x3x5x4" for kind in ("a2", "dnl", "nl", "ns", "snl") for s in (1, 2)),
    "cc2d_c16_p4_s1_2x1x6x5",
    "cgnl_c16_p8_s1_2x3x5x4",
    "cgnl_c16_p8_s4_2x3x5x4",
    "snl2020_c16_p8_s1_2x3x5x4",
]


def read(name: str) -> dict[str, torch.Tensor]:
    path = FOLDER / f"{name}.safetensors"
    if not path.exists():
        pytest.skip(f"no reference values at {path}")
    return pytest.importorskip("safetensors.torch").load_file(path)


def weights(values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    start = "weights."
    return {k.removeprefix(start): v for k, v in values.items() if k.startswith(start)}


def block_for(name: str, **options: object) -> NonLocalBlock:
    kind, inner, units = re.match(r"(\w+?)_c16_p(\d+)_s(\d+)_", name).groups()  # type: ignore[union-attr]
    key = "cc" if kind == "cc2d" else kind
    options = REFERENCE_OPTIONS[key] | options
    options["groups" if key == "cgnl" else "num_units"] = int(units)
    kind = "snl" if key == "snl2020" else key
    return build_block(kind, 16, int(inner), **options)  # type: ignore[arg-type]


def loaded(name: str) -> tuple[NonLocalBlock, dict[str, torch.Tensor]]:
    values = read(name)
    block = block_for(name)
    load_reference_weights(block, weights(values))
    return block, values
