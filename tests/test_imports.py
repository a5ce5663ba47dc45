"""The rooms of the package: which may import which, how long a module may be, what it is called.

Imports inside functions count too.
"""

import ast
import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
MOST_LINES = 300
BASE = {"errors", "wording", "spec", "protocol", "renamed", "whole_files", "ray_pool"}
"""Modules that stand below the rooms; any room but blocks may import them."""


def import_graph(root):
    """Module -> modules of the package that it imports anywhere in its text."""
    paths = sorted((root / "snl_video").rglob("*.py"))
    texts = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in paths
    }
    graph = {}
    for module, path in texts.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.level == 0, f"{module} has a relative import"
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= {name if name in texts else node.module for name in inner}
        graph[module] = {name for name in found if name in texts}
    return graph


def arrows(graph):
    """Room -> rooms that it imports; a room is a folder or a module right below the package.

    The doors, `__init__` and `__main__`, are left out.
    """
    found = defaultdict(set)
    for module, imported in graph.items():
        if module not in ("snl_video", "snl_video.__main__"):
            room = module.split(".")[1]
            found[room] |= {name.split(".")[1] for name in imported if "." in name} - {room}
    return dict(found)


def told_arrows():
    """The same as the table in CONTRIBUTING.md tells it, without `BASE`."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `snl_video/(\w+)(?:/|\.py)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", imported)) for room, imported in rows}


def test_the_table_of_rooms_tells_the_imports():
    graph = arrows(import_graph(ROOT))
    assert graph["blocks"] == set()
    assert all(graph[name] <= BASE for name in BASE)
    real = {room: imported - BASE for room, imported in graph.items() if room not in BASE}
    assert told_arrows() == real


def test_the_rooms_stand_one_on_the_other():
    order = list(TopologicalSorter(told_arrows()).static_order())
    assert order.index("blocks") < order.index("models") < order.index("weights")
    assert order.index("weights") < order.index("training") < order.index("commands")
    assert "training" not in told_arrows()["inference"]
    assert not told_arrows()["data"] & {"models", "weights", "evaluation", "training"}
    assert not told_arrows()["evaluation"]


def test_no_import_goes_round_in_a_circle():
    graph = import_graph(ROOT)
    assert "snl_video.blocks.block" in graph["snl_video.blocks.registry"]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" <- ".join(error.args[1])) from None


def test_a_circle_through_a_function_is_seen(tmp_path):
    package = tmp_path / "snl_video"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text("from snl_video import b\n")
    (package / "b.py").write_text("def f():\n    from snl_video.a import g\n")
    graph = import_graph(tmp_path)
    assert graph == {
        "snl_video": set(),
        "snl_video.a": {"snl_video.b"},
        "snl_video.b": {"snl_video.a"},
    }
    assert arrows(graph) == {"a": {"b"}, "b": {"a"}}
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("folder", ["snl_video", "tests", "benchmarks"])
def test_no_module_is_long(folder):
    lines = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert not {path for path, count in lines.items() if count > MOST_LINES}


def test_the_name_of_a_module_is_used_once():
    places = defaultdict(list)
    for path in (ROOT / "snl_video").rglob("*.py"):
        if not path.stem.startswith("__"):
            places[path.stem].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_tests_name_what_they_import_from_one_another():
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} has a relative import"
