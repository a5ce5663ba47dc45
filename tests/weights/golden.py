"""Logits that other projects' own code gave: where the files are."""

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[2].parent / "shared" / "golden"


def golden(zoo, name, suffix):
    path = GOLDEN / zoo / f"{name}{suffix}"
    values = path.with_suffix(".safetensors")
    if not path.exists() or not values.exists():
        pytest.skip(f"no reference values at {values}")
    return path, pytest.importorskip("safetensors.torch").load_file(values)
