"""Modules import one another in one direction only, imports inside functions included."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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


def test_no_import_goes_round_in_a_circle():
    graph = import_graph(ROOT)
    assert "snl_video.models.backbones" in graph["snl_video.weights.build"]
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
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()
