"""What the README says can be run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_there_are_examples():
    assert len(PYTHON) >= 2


@pytest.mark.parametrize("code", PYTHON)
def test_example_runs(code):
    exec(compile(code, "README.md", "exec"), {})


def test_files_it_names_exist():
    named = set(re.findall(r"\b(?:configs|docs|data|snl_video)/[\w/]+\.(?:yaml|md|py)\b", README))
    assert named
    missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
    assert not missing


def test_make_targets_it_names_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([\w-]+)", README, flags=re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_every_kind_and_backbone_has_its_line():
    from snl_video.blocks import BLOCKS
    from snl_video.models.backbones import BACKBONES

    for name in (*BLOCKS, *BACKBONES):
        assert f"| `{name}`" in README, name
