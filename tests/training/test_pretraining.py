import json

import pytest
import pytorch_lightning as pl
import torch

from snl_video.blocks import BLOCKS
from snl_video.errors import PretrainedError
from snl_video.models import inserted_blocks
from snl_video.training import MovingAverage, OptimizerSpec, VideoClassifier
from snl_video.training.callbacks.run_output import _context
from snl_video.training.optim import ScheduleSpec
from snl_video.training.pretraining import load_to_evaluate
from snl_video.weights import PretrainedSpec, build_model
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
    model = classifier(pretrained=str(path), non_local={"kind": "snl", "places": ["res4.4"]})
    assert model.load_report is None
    start = fit(tmp_path / "run", model)
    for name, value in weights.items():
        ours = name.replace(".res_blocks.4.", ".res_blocks.4.module.")
        found = start[ours] if ours in start else start[name]
        assert torch.equal(found, value), name
    report = json.loads((tmp_path / "run/load_report.json").read_text())
    assert report == model.load_report
    assert report["backbone_share"] == 1
    assert report["new_blocks"] == ["res4.4"]
    saved = torch.load(tmp_path / "run/epoch=0.ckpt", weights_only=True)
    assert saved["load_report"] == report
    assert "100.00% of the backbone" in capsys.readouterr().out


def test_a_checkpoint_needs_its_source_no_more(source, tmp_path):
    path, _ = source
    fit(tmp_path / "run", classifier(pretrained=str(path)), epochs=2)
    path.unlink()
    first = tmp_path / "run/epoch=0.ckpt"
    saved = torch.load(first, weights_only=True)
    loaded = VideoClassifier.load_from_checkpoint(first, map_location="cpu")
    assert loaded.hparams.pretrained == str(path)
    assert _context(trainer(tmp_path), loaded)["load_report"] == saved["load_report"]
    started = fit(tmp_path / "from", loaded)
    for name, value in started.items():
        if not name.startswith("pixel_"):
            assert torch.equal(value, saved["state_dict"][f"network.{name}"]), name
    again = classifier(pretrained=str(path))
    fit(tmp_path / "again", again, ckpt_path=first, epochs=2)
    whole = VideoClassifier.load_from_checkpoint(tmp_path / "run/epoch=1.ckpt", map_location="cpu")
    assert not changed(state_of(whole), state_of(again))
    assert again.load_report == saved["load_report"]


def test_the_average_begins_at_the_pretrained_weights(source, tmp_path):
    path, weights = source
    seen = []

    class Validated(pl.Callback):
        def on_validation_start(self, trainer, module):
            seen.append(None)

        def on_validation_batch_start(self, trainer, module, batch, batch_idx, dataloader_idx=0):
            seen[-1] = state_of(module)

    model = classifier(pretrained=str(path))
    fit(tmp_path / "run", model, MovingAverage(0.9, start_step=100), Validated())
    assert not changed(weights, seen[0])


def test_freezing_keeps_the_pretrained_weights(source, tmp_path):
    path, weights = source
    model = classifier(pretrained=str(path), freeze_until="res5")
    fit(tmp_path / "run", model)
    moved = changed(weights, state_of(model))
    assert moved
    assert all(".proj." in name for name in moved)


def test_weights_that_do_not_fit_stop_the_run(source, tmp_path):
    path, _ = source
    model = classifier("i3d_r50", pretrained=str(path))
    before = state_of(model)
    with pytest.raises(PretrainedError):
        fit(tmp_path / "run", model)
    assert not changed(before, state_of(model))
    assert not (tmp_path / "run/load_report.json").exists()
    missing = classifier(pretrained=str(tmp_path / "none.pyth"))
    with pytest.raises(PretrainedError, match=r"none\.pyth"):
        fit(tmp_path / "run", missing)


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_new_block_changes_nothing_at_first_and_moves_within_two_steps(kind, tmp_path):
    plain = classifier().eval()
    places = ["res3.1", "res4.4"]
    model = classifier(
        non_local={"kind": kind, "places": places},
        optimizer=OptimizerSpec(lr=0.05, weight_decay=0.0, block_lr=2.0),
        schedule=ScheduleSpec("constant"),
    ).eval()
    renamed = {
        name.replace(".module.", "."): value
        for name, value in model.network.state_dict().items()
        if ".non_local." not in name
    }
    plain.network.load_state_dict(renamed)
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


def test_a_spec_reaches_the_loader_and_its_checkpoint_loads(source, tmp_path):
    path, _ = source
    spec = PretrainedSpec(str(path), format="snl_video", min_share=0.5)
    with pytest.raises(PretrainedError, match="has not the layout 'torchvision'"):
        fit(tmp_path / "no", classifier(pretrained=PretrainedSpec(str(path), "torchvision")))
    model = classifier(pretrained=spec)
    fit(tmp_path / "run", model)
    assert model.load_report["format"] == "snl_video"
    saved = torch.load(tmp_path / "run/epoch=0.ckpt", weights_only=True)
    fields = {"source": str(path), "format": "snl_video", "min_share": 0.5, "inflation": "average"}
    assert saved["hyper_parameters"]["pretrained"] == fields
    again = VideoClassifier.load_from_checkpoint(tmp_path / "run/epoch=0.ckpt", map_location="cpu")
    assert again.pretrained == spec


def test_a_checkpoint_with_a_setting_of_the_past_loads(source, tmp_path):
    path, weights = source
    content = torch.load(path, weights_only=True)
    content["hyper_parameters"] |= {"pretrained": "gone.pth", "pretrained_min_share": 0.8}
    torch.save(content, tmp_path / "old.ckpt")
    model = VideoClassifier.load_from_checkpoint(tmp_path / "old.ckpt", map_location="cpu")
    assert model.pretrained == PretrainedSpec("gone.pth")
    assert not changed(weights, state_of(model))


def test_a_path_is_kept_as_text(source):
    path, _ = source
    model = classifier(pretrained=path)
    assert model.hparams.pretrained == str(path)
    assert model.pretrained == PretrainedSpec(str(path))


def test_a_bad_spec_is_named_when_the_classifier_is_made():
    with pytest.raises(ValueError, match="unknown format 'onnx'"):
        classifier(pretrained={"source": "a.pth", "format": "onnx"})


NAMES = ["a", "b", "c", "d"]
HEAD = "trunk.blocks.5.proj.weight"


@pytest.fixture
def published(tmp_path):
    """Saves the weights of a network of four classes, changed: (network, path)."""

    def save(change=lambda weights: None, **settings):
        network = classifier(**settings).network
        weights = {name: value.clone() for name, value in network.state_dict().items()}
        change(weights)
        torch.save(weights, tmp_path / "published.pth")
        return network, PretrainedSpec(str(tmp_path / "published.pth"))

    return save


def test_weights_are_evaluated_as_they_are(published):
    theirs, spec = published()
    for blocks in (None, {"kind": "snl"}):
        torch.manual_seed(1)
        network = build_model("slow_r50", 4, width=8, dropout=0.0, non_local=blocks).eval()
        report = load_to_evaluate(network, spec, NAMES)
        assert (report.new_head, report.backbone_share) == (False, 1.0)
        clips = torch.randn(1, 3, 4, 32, 32)
        with torch.no_grad():
            assert torch.equal(network(clips), theirs.eval()(clips))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop(HEAD), "has no head and the data have 4 classes"),
        (
            lambda w: w.update({HEAD: w[HEAD][:3]}),
            "has a head of 3 classes and the data have 4 classes",
        ),
        (lambda w: w.pop(HEAD.replace("weight", "bias")), "has a part of a head of 4 classes"),
        (
            lambda w: w.pop("trunk.blocks.0.norm.weight"),
            r"not of this very network(.|\n)*missing in the file: trunk\.blocks\.0\.norm\.weight",
        ),
        (
            lambda w: w.update({"trunk.blocks.0.norm.weight": torch.ones(9)}),
            r"of another size: trunk\.blocks\.0\.norm\.weight: 9 in the file, 8 here",
        ),
        (
            lambda w: w.update({"trunk.blocks.7.gate": torch.ones(9)}),
            r"without a place in the network: trunk\.blocks\.7\.gate",
        ),
    ],
)
def test_weights_of_another_network_are_not_evaluated(published, change, message):
    _, spec = published(change)
    with pytest.raises(PretrainedError, match=message):
        load_to_evaluate(classifier().network, spec, NAMES)


def test_trained_blocks_are_not_left_out_of_an_evaluation(published):
    _, spec = published(non_local={"kind": "snl"})
    with pytest.raises(
        PretrainedError, match=r"without a place in the network: non_local\.res4\.4\.theta"
    ):
        load_to_evaluate(classifier().network, spec, NAMES)
    report = load_to_evaluate(classifier(non_local={"kind": "snl"}).network, spec, NAMES)
    assert report.new_blocks == ()
