import json

import pytest
import pytorch_lightning as pl
import torch

from snl_video.blocks import BLOCKS
from snl_video.errors import PretrainedError
from snl_video.models import inserted_blocks
from snl_video.training import (
    Freezing,
    MovingAverage,
    OptimizerSpec,
    PretrainedWeights,
    ScheduleSpec,
    VideoClassifier,
)
from snl_video.training.callbacks.evaluation_report import recipe_context
from snl_video.weights import PretrainedSpec
from tests.training.tiny import (
    CLASSES,
    TinyData,
    changed,
    classifier,
    every_epoch,
    state_of,
    trainer,
)


class AtStart(pl.Callback):
    """The network as the first training batch finds it."""

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if not hasattr(self, "state"):
            self.state = state_of(module)


@pytest.fixture
def source(tmp_path):
    """A checkpoint of this package with weights of its own: (path, its network's numbers)."""
    model = classifier()
    with torch.no_grad():
        for value in model.network.parameters():
            value.add_(0.01)
    run = trainer(tmp_path, max_steps=1)
    run.fit(model, TinyData())
    path = tmp_path / "source.ckpt"
    run.save_checkpoint(path)
    return path, state_of(model)


def fit(folder, model, *callbacks, ckpt_path=None, epochs=1):
    start = AtStart()
    run = trainer(
        folder,
        max_epochs=epochs,
        enable_checkpointing=True,
        callbacks=[*callbacks, start, every_epoch(folder)],
    )
    run.fit(model, TinyData(), ckpt_path=ckpt_path, weights_only=True if ckpt_path else None)
    return start.state


def test_a_run_starts_from_the_weights_and_leaves_a_report(source, tmp_path, capsys):
    path, weights = source
    model = classifier(non_local={"kind": "snl", "places": ["res4.4"]})
    pretrained = PretrainedWeights(path)
    assert pretrained.report is None
    start = fit(tmp_path / "run", model, pretrained)
    for name, value in weights.items():
        assert torch.equal(start[name], value), name
    report = json.loads((tmp_path / "run/load_report.json").read_text())
    assert report == pretrained.report
    assert report["backbone_share"] == 1
    assert report["new_blocks"] == ["res4.4"]
    saved = torch.load(tmp_path / "run/epoch=0.ckpt", weights_only=True)
    assert saved["load_report"] == report
    assert "100.00% of the backbone" in capsys.readouterr().out


def test_a_checkpoint_needs_its_source_no_more(source, tmp_path):
    path, _ = source
    fit(tmp_path / "run", classifier(), PretrainedWeights(path), epochs=2)
    path.unlink()
    first = tmp_path / "run/epoch=0.ckpt"
    saved = torch.load(first, weights_only=True)
    loaded = VideoClassifier.load_from_checkpoint(first, map_location="cpu")
    context = recipe_context(trainer(tmp_path), loaded)
    assert context["recipe"]["pretrained"]["source"] == str(path)
    assert context["load_report"] == saved["load_report"]
    started = fit(tmp_path / "from", loaded)
    for name, value in started.items():
        if not name.startswith("pixel_"):
            assert torch.equal(value, saved["state_dict"][f"network.{name}"]), name
    again, pretrained = classifier(), PretrainedWeights(path)
    fit(tmp_path / "again", again, pretrained, ckpt_path=first, epochs=2)
    whole = VideoClassifier.load_from_checkpoint(tmp_path / "run/epoch=1.ckpt", map_location="cpu")
    assert not changed(state_of(whole), state_of(again))
    assert pretrained.report == saved["load_report"]


def test_a_second_fit_goes_on_with_its_own_weights(source, tmp_path):
    path, weights = source
    model, pretrained = classifier(), PretrainedWeights(path)
    fit(tmp_path / "first", model, pretrained)
    end = state_of(model)
    assert not changed(end, fit(tmp_path / "second", model, pretrained))
    assert changed(end, weights)


def test_the_average_begins_at_the_pretrained_weights(source, tmp_path):
    path, weights = source
    seen = []

    class Validated(pl.Callback):
        def on_validation_start(self, trainer, module):
            seen.append(None)

        def on_validation_batch_start(self, trainer, module, batch, batch_idx, dataloader_idx=0):
            seen[-1] = state_of(module)

    callbacks = [PretrainedWeights(path), MovingAverage(0.9, start_step=100), Validated()]
    fit(tmp_path / "run", classifier(), *callbacks)
    assert not changed(weights, seen[0])


def test_freezing_keeps_the_pretrained_weights(source, tmp_path):
    path, weights = source
    model = classifier()
    fit(tmp_path / "run", model, Freezing("res5"), PretrainedWeights(path))
    moved = changed(weights, state_of(model))
    assert moved
    assert all(".proj." in name for name in moved)


def test_weights_that_do_not_fit_stop_the_run(source, tmp_path):
    path, _ = source
    model = classifier("i3d_r50")
    before = state_of(model)
    with pytest.raises(PretrainedError):
        fit(tmp_path / "run", model, PretrainedWeights(path))
    assert not changed(before, state_of(model))
    assert not (tmp_path / "run/load_report.json").exists()
    with pytest.raises(PretrainedError, match=r"none\.pyth"):
        fit(tmp_path / "run", classifier(), PretrainedWeights(tmp_path / "none.pyth"))


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_new_block_changes_nothing_at_first_and_moves_within_two_steps(kind, tmp_path):
    plain = classifier().eval()
    places = ["res3.1", "res4.4"]
    model = classifier(
        non_local={"kind": kind, "places": places},
        optimizer=OptimizerSpec(lr=0.05, weight_decay=0.0, block_lr=2.0),
        schedule=ScheduleSpec("constant"),
    ).eval()
    plain.network.load_state_dict(
        {n: value for n, value in model.network.state_dict().items() if ".non_local." not in n}
    )
    clips = torch.randint(256, (2, 3, 4, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(model(clips), plain(clips))
    assert model(clips).shape == (2, CLASSES)
    before = {
        f"{place}.{name}": value.detach().clone()
        for place, block in inserted_blocks(model.network).items()
        for name, value in block.named_parameters()
    }
    model.train()
    trainer(tmp_path, max_steps=2, limit_val_batches=0).fit(model, TinyData())
    still = {
        f"{place}.{name}"
        for place, block in inserted_blocks(model.network).items()
        for name, value in block.named_parameters()
        if torch.equal(value, before[f"{place}.{name}"])
    }
    assert not still


@pytest.mark.parametrize("as_mapping", [False, True])
def test_a_spec_reaches_the_loader_and_the_checkpoint(source, tmp_path, as_mapping):
    path, _ = source
    fields = {"source": str(path), "format": "snl_video", "min_share": 0.5, "inflation": "average"}
    with pytest.raises(PretrainedError, match="has not the layout 'torchvision'"):
        fit(tmp_path / "no", classifier(), PretrainedWeights(fields | {"format": "torchvision"}))
    pretrained = PretrainedWeights(fields if as_mapping else PretrainedSpec(**fields))
    fit(tmp_path / "run", classifier(), pretrained)
    assert pretrained.report["format"] == "snl_video"
    saved = torch.load(tmp_path / "run/epoch=0.ckpt", weights_only=True)
    assert saved["pretrained"] == fields


def test_a_bad_spec_is_named_when_the_callback_is_made():
    with pytest.raises(ValueError, match="unknown format 'onnx'"):
        PretrainedWeights({"source": "a.pth", "format": "onnx"})
