"""What people add from outside the package: one row or one file each."""

import json
from pathlib import Path

import pytest
import torch
from jsonargparse import ArgumentParser
from rich.console import Console

from snl_video.data import (
    AUGMENTATIONS,
    FORMATS,
    AugmentSpec,
    ClipSettings,
    CropSettings,
    DataSetFormat,
    LoaderSettings,
    VideoDataModule,
    VideoList,
    VideoRecord,
)
from snl_video.data.transforms.randaugment import OPERATIONS, Operation
from snl_video.evaluation import METRICS, Evaluation, Metric
from snl_video.evaluation.report.write_report import write_report
from snl_video.evaluation.terminal import headline_table, views_table
from tests.training.tiny import CLASSES, TinyData, classifier, trainer
from tests.videos import write_video


def printed(table) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_a_metric_is_one_row(tmp_path, monkeypatch):
    mine = Metric(
        "my share",
        lambda results: results.correct(2).double().mean().item(),
        "its class is among the best two",
        shown=("progress", "terminal", "headline", "views"),
        values=lambda results: results.correct(2),
    )
    monkeypatch.setitem(METRICS, "mine", mine)
    model, run = classifier(), trainer(tmp_path)
    run.validate(model, TinyData(), verbose=False)
    results = model.results
    expected = results.accuracy(2)
    assert run.callback_metrics["val/mine"].item() == pytest.approx(expected)
    assert run.progress_bar_metrics["val/mine"] == pytest.approx(expected)
    case = Evaluation(
        results,
        [f"class {i}" for i in range(CLASSES)],
        [f"{i}.mp4" for i in range(results.expected)],
        views={"1x1": results},
        setting="1x1",
    )
    write_report(tmp_path / "report", case, {})
    numbers = json.loads((tmp_path / "report/metrics.json").read_text())
    assert numbers["mine"] == numbers["views"][0]["mine"] == pytest.approx(expected)
    low, high = numbers["intervals"]["mine"]
    assert low <= expected <= high
    page = (tmp_path / "report/report.html").read_text()
    assert "my share" in page.lower()
    assert "its class is among the best two" in page
    for table in (headline_table(results, "test"), views_table(case.views)):
        assert "my share %" in printed(table)
        assert f"{100 * expected:.2f}" in printed(table)


class ByFirstLetter(DataSetFormat):
    """Videos in one folder; the class is the first letter of the name, 'v' validates."""

    def read_classes(self):
        return ["a", "b"]

    def read(self, subset):
        ends = {"train": "t", "val": "v", "test": "v"}[subset]
        names = sorted(path.name for path in Path(self.root).glob(f"*{ends}.mp4"))
        records = [VideoRecord(f"{self.root}/{n}", "ab".index(n[0]), n) for n in names]
        return VideoList(records, self.classes)


def darken(frames, strength, generator):
    """Every grey level times 1 - strength, in half of the clips."""
    half = torch.rand((), generator=generator) < 0.5
    return (frames * (1 - strength)).to(frames.dtype) if half else frames


@pytest.fixture
def root(tmp_path):
    for name in ("a1t", "a2t", "b1t", "b2t", "a3v"):
        write_video(tmp_path / f"{name}.mp4", 6)
    return tmp_path


SMALL = {
    "clip": ClipSettings(2, 1),
    "crop": CropSettings(16, short_side=16),
    "loader": LoaderSettings(batch_size=4, num_workers=0),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_data_set_format(root, monkeypatch):
    with pytest.raises(ValueError, match="unknown format 'letters'"):
        VideoDataModule("letters", str(root))
    monkeypatch.setitem(FORMATS, "letters", ByFirstLetter)
    data = VideoDataModule("letters", str(root), **SMALL)
    assert data.classes == ["a", "b"]
    batch = next(iter(data.train_dataloader()))
    assert sorted(batch["label"].tolist()) == [0, 0, 1, 1]
    assert [record.id for record in data.video_list("test").records] == ["a3v.mp4"]
    assert data.describe()["subsets"]["train"]["videos"] == 4
    parser = ArgumentParser()
    parser.add_class_arguments(VideoDataModule, "data")
    options = parser.parse_args(["--data.format=letters", f"--data.root={root}"])
    assert parser.instantiate_classes(options).data.num_classes == 2


def test_an_augmentation(root, monkeypatch):
    monkeypatch.setitem(FORMATS, "letters", ByFirstLetter)
    monkeypatch.setitem(AUGMENTATIONS, "darken", darken)
    batches = []
    for others in ({}, {"darken": 1.0}):
        augment = AugmentSpec(flip=0.0, others=others)
        data = VideoDataModule("letters", str(root), augment=augment, **SMALL)
        batch = data.on_before_batch_transfer(next(iter(data.train_dataloader())), 0)
        batches.append(data.on_after_batch_transfer(batch, 0)["clips"])
    plain, dark = batches
    black = (dark == 0).flatten(1).all(1)
    assert 0 < black.sum() < 4
    assert torch.equal(dark[~black], plain[~black])


def test_an_operation_of_randaugment(monkeypatch):
    for name in list(OPERATIONS):
        monkeypatch.delitem(OPERATIONS, name)
    invert = Operation(lambda frames, _: 255 - frames)
    monkeypatch.setitem(OPERATIONS, "Invert", invert)
    frames = torch.randint(256, (2, 3, 8, 8), dtype=torch.uint8)
    spec = AugmentSpec(randaugment_ops=1)
    ((_, _), (name, setting)) = spec.steps()
    out = AUGMENTATIONS[name](frames, setting, torch.Generator().manual_seed(0))
    assert torch.equal(out, 255 - frames)
