"""The code that CONTRIBUTING.md shows does what it says."""

import re
from pathlib import Path

import pytest
import torch

from snl_video.blocks import BLOCKS, build_block
from snl_video.data import AUGMENTATIONS, FORMATS, AugmentSpec, VideoDataModule
from snl_video.data.transforms.augmentation import Augmentation
from snl_video.evaluation import METRICS
from snl_video.evaluation.metrics import compute_metrics
from snl_video.models import BACKBONES, build_network
from tests.evaluation.cases import random_results
from tests.videos import write_video

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
TABLES = (BLOCKS, BACKBONES, FORMATS, AUGMENTATIONS, METRICS)


@pytest.fixture
def shown():
    """Run the code of a section and return its names; the tables are as before afterwards."""
    before = [dict(table) for table in TABLES]

    def run(section):
        (code,) = re.findall(r"```python\n(.*?)```", SECTIONS[section], re.DOTALL)
        names = {"__name__": "shown"}
        exec(compile(code, f"CONTRIBUTING.md, {section}", "exec"), names)
        return names

    yield run
    for table, rows in zip(TABLES, before, strict=True):
        table.clear()
        table.update(rows)


@pytest.fixture
def folder(tmp_path):
    for name in ("train/a1", "train/b1", "train/b2", "val/b3", "test/a2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_video(tmp_path / f"{name}.mp4", 4)
    return str(tmp_path)


def test_the_block_and_the_backbone(shown):
    shown("A block")
    shown("A backbone")
    block = build_block("two_steps", 8)
    x = torch.randn(2, 8, 2, 4, 4)
    assert torch.equal(block(x), x)  # as every block before its first step
    spec = {"kind": "two_steps", "places": ["conv"]}
    network = build_network("one_conv", 5, width=8, non_local=spec)
    assert [one["kind"] for one in network.non_local] == ["two_steps"]
    assert network(torch.randn(1, 3, 4, 32, 32)).shape == (1, 5)


def test_the_format(shown, folder):
    shown("A format of data sets")
    data = VideoDataModule("first_letter", folder)
    assert data.classes == ["a", "b"]
    lists = {name: data.video_list(name).records for name in ("train", "val", "test")}
    assert [(record.id, record.label) for record in lists["train"]] == [
        ("a1.mp4", 0),
        ("b1.mp4", 1),
        ("b2.mp4", 1),
    ]
    assert [record.id for record in lists["val"]] == ["b3.mp4"]


def test_the_augmentation(shown):
    shown("An augmentation")
    augmentation = Augmentation(AugmentSpec(flip=0.0, others={"darken": 0.5}))
    clips = torch.full((16, 1, 3, 2, 8, 8), 200, dtype=torch.uint8)
    seen = augmentation.clips(clips, [(0, number) for number in range(16)])
    assert set(seen.unique().tolist()) == {100, 200}


def test_the_metric(shown):
    shown("A metric")
    results = random_results(20, 4)
    assert compute_metrics(results)["top2"] == pytest.approx(results.accuracy(2))


def test_the_command(shown, folder, capsys):
    names = shown("A command")
    shown("A format of data sets")
    names["main"](["count", f"--root={folder}", "--format=first_letter"])
    assert capsys.readouterr().out == "3\n"
    with pytest.raises(SystemExit):
        names["main"](["count", "--help"])
    assert "Count the training videos of a data set." in capsys.readouterr().out
