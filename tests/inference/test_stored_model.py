"""A trained network is loaded from a run's folder, a checkpoint or by the name of its weights."""

import pytest
import torch
from pytorch_lightning import Trainer

from snl_video.errors import InputError
from snl_video.inference.recognizer import load_model
from snl_video.inference.stored_model import read_stored_model
from snl_video.training.module import VideoClassifier

CLASSES = ["one", "two", "three"]


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    spec = {"kind": "gsnl", "places": ["res4.4"], "options": {"order": 4}}
    return VideoClassifier("c2d_r50", 3, width=8, non_local=spec, classes=CLASSES).eval()


@pytest.fixture(scope="module")
def run(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    trainer.strategy.connect(classifier)
    trainer.save_checkpoint(folder / "checkpoints/last.ckpt", weights_only=True)
    return folder


@pytest.mark.parametrize("path", [".", "checkpoints/last.ckpt"])
def test_it_is_the_network_that_was_saved(run, classifier, path):
    clip = torch.randint(0, 255, (1, 3, 4, 32, 32), dtype=torch.uint8)
    recognizer = load_model(run / path, device="cpu")
    network = recognizer.network
    assert not network.training
    assert recognizer.classes == CLASSES
    assert str(recognizer.viewing.views) == "2x1"
    with torch.no_grad():
        assert torch.equal(network(network.normalise(clip)), classifier(clip))
    stored = read_stored_model(str(run / path))
    assert (stored.classes, dict(stored.data)) == (CLASSES, {})
    assert stored.source.endswith("last.ckpt")


def test_the_best_checkpoint_goes_before_the_last(run, classifier, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    checkpoint = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    for name in ("last", "best"):
        checkpoint["hyper_parameters"]["classes"] = [name, "b", "c"]
        torch.save(checkpoint, tmp_path / f"checkpoints/{name}.ckpt")
    assert read_stored_model(tmp_path).classes == ["best", "b", "c"]


def test_what_is_no_network_of_this_package_is_told(tmp_path):
    with pytest.raises(InputError, match="neither a checkpoint nor the folder of a run"):
        load_model(tmp_path)
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth is not a checkpoint of this package"):
        load_model(tmp_path / "other.pth")


def test_a_checkpoint_with_the_settings_of_before_is_read(run, classifier, tmp_path):
    checkpoint = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    checkpoint["datamodule_hyper_parameters"] = {"num_frames": 4, "crop_size": 32, "split": 2}
    torch.save(checkpoint, tmp_path / "old.ckpt")
    stored = read_stored_model(tmp_path / "old.ckpt")
    assert stored.data == {"clip": {"num_frames": 4}, "crop": {"size": 32}, "split": 2}
    for name, value in stored.network.state_dict().items():
        assert torch.equal(value, classifier.network.state_dict()[name]), name
