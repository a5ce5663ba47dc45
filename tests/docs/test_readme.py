"""What the README says is so, and takes five minutes to read."""

import re

import pytest

from snl_video.blocks import BLOCKS
from snl_video.models import BACKBONES
from tests.docs.pages import README, ROOT, blocks_of

TEXT = README.read_text(encoding="utf-8")
PYTHON = blocks_of(README, "python")
(TREE,) = [block for block in blocks_of(README, "text") if block.startswith("snl_video/")]


def test_it_is_short():
    assert len(TEXT.split()) <= 1200


def test_there_are_examples():
    assert len(PYTHON) >= 2


@pytest.mark.parametrize("code", PYTHON)
def test_example_runs(code):
    exec(compile(code, "README.md", "exec"), {})


def test_make_targets_it_names_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([\w-]+)", TEXT, flags=re.MULTILINE))
    assert {"demo", "docs"} <= named <= targets


@pytest.mark.parametrize("name", BLOCKS)
def test_every_kind_has_its_line(name):
    assert f"| `{name}` |" in TEXT
    assert f"| `{name}` |" in (ROOT / "docs/reference/blocks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_has_its_place_in_a_table(name):
    table = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in table
    family = re.compile(rf"^\| .*`{name}`", flags=re.MULTILINE)
    assert family.search((ROOT / "docs/reference/backbones.md").read_text(encoding="utf-8"))


def test_the_tree_is_the_tree():
    rooms = re.findall(r"^  (\w+)/", TREE, flags=re.MULTILINE)
    there = {path.parent.name for path in (ROOT / "snl_video").glob("*/__init__.py")}
    assert set(rooms) == there
    outside = re.findall(r"^(\w+)/", TREE, flags=re.MULTILINE)
    assert all((ROOT / name).is_dir() for name in outside)
    assert len(outside) >= 6
