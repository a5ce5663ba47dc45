"""What `import snl_video` gives, and how little it imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import snl_video

HEAVY = {"torch", "numpy", "pytorch_lightning", "pytorchvideo", "torchvision", "jsonargparse", "av"}
BLOCKING = """
import importlib.abc, json, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Refuse())
"""


def imported(code, blocked=()):
    """Top-level modules that a program has imported at its end; `blocked` can't be."""
    program = f"BLOCKED = {set(blocked)!r}\n{BLOCKING}\n{code}\n" + (
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import snl_video; assert snl_video.__version__",
        "from snl_video.cli import main; main(['--help'])",
        "from snl_video.cli import main; main(['--version'])",
        "from snl_video.cli import main; main(['fits'])",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(code):
    assert not imported(code) & HEAVY


def test_a_block_needs_torch_only():
    others = HEAVY - {"torch", "numpy"}
    code = "from snl_video.blocks import build_block; build_block('snl', 8)"
    found = imported(code, blocked=others)
    assert "torch" in found
    assert not found & others


def test_a_block_by_the_packages_own_name_needs_no_more():
    imported(
        "import snl_video; snl_video.build_block('snl', 8)", blocked=HEAVY - {"torch", "numpy"}
    )


def test_every_name_is_there_and_is_the_one_of_its_module():
    assert set(snl_video.__all__) == set(snl_video._HOMES)
    for name, module in snl_video._HOMES.items():
        assert getattr(snl_video, name) is getattr(sys.modules[module], name)
        assert name in dir(snl_video)
    with pytest.raises(AttributeError, match="no attribute 'build_blocks'"):
        snl_video.build_blocks  # noqa: B018


def test_types_are_announced():
    assert (Path(snl_video.__file__).parent / "py.typed").is_file()
