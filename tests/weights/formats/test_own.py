"""Checkpoints of this package into its networks."""

import pytest
import pytorch_lightning as pl
import torch

from snl_video.training.module import VideoClassifier
from snl_video.weights import load_pretrained
from tests.weights.cases import clip, logits, network, randomise, state

FIVE = {"kind": "gsnl", "places": "five", "options": {"order": 4}}


def lightning_checkpoint(folder, **arguments):
    """A checkpoint that Lightning's trainer wrote, and its classifier."""
    classifier = VideoClassifier(num_classes=5, width=8, **arguments)
    randomise(classifier.network, seed=3)
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, default_root_dir=folder
    )
    trainer.strategy.connect(classifier)
    trainer.save_checkpoint(folder / "last.ckpt")
    return folder / "last.ckpt", classifier


def test_a_lightning_checkpoint_with_blocks(tmp_path):
    path, classifier = lightning_checkpoint(tmp_path, non_local=FIVE)
    model = network(non_local=FIVE)
    report = load_pretrained(model, path)
    assert report.format == "snl_video"
    assert (report.missing, report.unexpected, report.new_blocks) == ((), (), ())
    x = clip()
    assert torch.equal(logits(model, x), logits(classifier.network, x))


def test_blocks_of_another_kind_stay_new_though_their_sizes_fit(tmp_path):
    path, classifier = lightning_checkpoint(tmp_path, non_local={"kind": "nl"})
    model = network(non_local={"kind": "a2"})
    before = state(model)
    names = [name for name in before if ".non_local." in name]
    theirs = classifier.network.state_dict()
    assert {n: before[n].shape for n in names} == {
        n: v.shape for n, v in theirs.items() if ".non_local." in n
    }
    report = load_pretrained(model, path)
    assert report.new_blocks == ("res4.4",)
    assert set(report.unexpected) == set(names)
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in names)
    assert report.backbone_share == 1.0


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [
        ({"scale": True}, {"scale": True}, True),
        ({"scale": False}, {}, True),
        ({"checkpoint": True}, {}, True),
        ({"scale": True}, {}, False),
        ({"affinity": "dot_product"}, {"affinity": "softmax"}, False),
        ({"pool": [1, 2, 2]}, {"pool": (1, 2, 2)}, True),
        ({"pool": [1, 2, 2]}, {}, False),
    ],
)
def test_options_of_blocks_are_compared(tmp_path, theirs, ours, same):
    path, _ = lightning_checkpoint(tmp_path, non_local={"kind": "nl", "options": theirs})
    model = network(non_local={"kind": "nl", "options": ours})
    assert load_pretrained(model, path).new_blocks == (() if same else ("res4.4",))


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "network."])
def test_own_weights_under_any_wrapper_and_as_safetensors(tmp_path, prefix):
    save_file = pytest.importorskip("safetensors.torch").save_file
    source, model = network(seed=1, non_local=FIVE), network(non_local=FIVE)
    save_file({prefix + k: v for k, v in source.state_dict().items()}, tmp_path / "w.safetensors")
    assert load_pretrained(model, tmp_path / "w.safetensors").format == "snl_video"
    assert torch.equal(logits(model, clip()), logits(source, clip()))
