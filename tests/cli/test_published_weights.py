"""The command line on weights without any checkpoint: predict, test, validate."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import InputError
from snl_video.weights import build_model
from snl_video.weights.safe_reading.checkpoints import sha256
from tests.training.tiny import SMALL_CLIPS
from tests.videos import write_video

NAMES = ["dark", "grey", "light"]
SMALL = [
    "--data.format=folder",
    *SMALL_CLIPS,
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three classes of two videos each, one in train and one in val."""
    root = tmp_path_factory.mktemp("data") / "three"
    for number, name in enumerate(NAMES):
        for subset in ("train", "val"):
            generator = np.random.default_rng([number, len(subset)])
            frames = generator.integers(60 * number, 60 * number + 90, (10, 32, 40, 3), np.uint8)
            write_video(root / subset / name / "clip.mp4", frames=frames)
    return root


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = build_model("slow_r50", 3, width=8, dropout=0.0)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith(("norm_c.weight", "proj.bias")):
                value.uniform_(0.5, 1.5)
    return model.eval()


@pytest.fixture
def weights(network, tmp_path):
    """Writes them with or without the names of their classes: the arguments for the model."""

    def write(classes=None):
        path = tmp_path / "weights.pth"
        settings = {"hyper_parameters": {"classes": classes}} if classes else {}
        state = {f"network.{name}": value for name, value in network.state_dict().items()}
        torch.save({"state_dict": state, **settings}, path)
        return ["--model.backbone=slow_r50", "--model.width=8", f"--pretrained={path}"]

    return write


def path_of(model_arguments):
    return Path(model_arguments[-1].partition("=")[2])


def by_hand(network, loader):
    """Probabilities of every video of a loader, one view at a time in float64."""
    network = network.double()
    rows = []
    with torch.no_grad():
        for sample in loader.dataset:
            pixels = sample["clips"].double() / 255
            mean, std = (torch.tensor(value).double() for value in (0.45, 0.225))
            logits = [network(((view - mean) / std)[None]) for view in pixels]
            rows.append(torch.cat(logits).softmax(1).mean(0))
    network.float()
    return torch.stack(rows)


def test_predict_takes_the_names_and_needs_no_data(weights, network, data, tmp_path, capsys):
    video = data / "val/grey/clip.mp4"
    model = weights(["one", "two", "three"])
    run = [f"--run_dir={tmp_path / 'run'}", f"--data.predict.paths={video}"]
    cli = VideoCLI(["predict", *model, *run, *SMALL, "--data.root=/nowhere"])
    (prediction,) = json.loads((tmp_path / "run/predictions.json").read_text())
    (expected,) = by_hand(network, cli.datamodule.predict_dataloader())
    scores = {entry["class"]: entry["score"] for entry in prediction["top"]}
    assert scores == pytest.approx(
        dict(zip(["one", "two", "three"], expected.tolist(), strict=True))
    )
    digest = sha256(path_of(model))
    assert prediction["weights"] == {"source": str(path_of(model)), "sha256": digest}
    printed = capsys.readouterr().out
    assert f"weights: {path_of(model)} (format snl_video, sha256 {digest})" in printed
    assert "100.00% of the backbone loaded, head loaded; no checkpoint" in printed


def test_names_that_nothing_tells_come_from_a_class_file(weights, data, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("x\ny\nz\n")
    run = [f"--run_dir={tmp_path / 'run'}", f"--data.predict.paths={data / 'val/grey/clip.mp4'}"]
    VideoCLI(["predict", *weights(), *run, *SMALL, f"--data.lists.classes={names}"])
    (prediction,) = json.loads((tmp_path / "run/predictions.json").read_text())
    assert {entry["class"] for entry in prediction["top"]} == {"x", "y", "z"}


@pytest.mark.parametrize("known", [None, NAMES])
def test_test_scores_the_weights_and_says_which(weights, network, data, tmp_path, known):
    model = weights(known)
    arguments = [*model, *SMALL, f"--run_dir={tmp_path / 'run'}", f"--data.root={data}"]
    cli = VideoCLI(["test", *arguments])
    expected = by_hand(network, cli.datamodule.test_dataloader())
    torch.testing.assert_close(cli.model.results.scores[:].double(), expected, atol=1e-4, rtol=0)
    metrics = json.loads((tmp_path / "run/report/metrics.json").read_text())
    assert metrics["top1"] == pytest.approx((expected.argmax(1) == torch.arange(3)).double().mean())
    assert metrics["checkpoint"] is None
    assert metrics["weights"] == {
        "source": str(path_of(model)),
        "sha256": sha256(path_of(model)),
    }
    assert metrics["load_report"]["backbone_share"] == 1
    assert str(path_of(model)) in (tmp_path / "run/report/report.html").read_text()
    assert not (tmp_path / "run/checkpoints").exists()
    VideoCLI(["validate", *arguments])


def test_new_blocks_change_nothing(weights, data, tmp_path):
    arguments = [*weights(NAMES), *SMALL, f"--run_dir={tmp_path / 'run'}", f"--data.root={data}"]
    plain, block = (
        VideoCLI(["validate", *arguments, *more]).model
        for more in ([], ["--model.non_local.kind=gsnl"])
    )
    assert len(block.network.non_local) == 1
    assert torch.equal(block.results.scores[:], plain.results.scores[:])


@pytest.mark.parametrize("subcommand", ["test", "validate"])
def test_other_classes_are_refused_with_the_first_difference(weights, data, tmp_path, subcommand):
    arguments = [subcommand, *SMALL, f"--run_dir={tmp_path / 'run'}", f"--data.root={data}"]
    with pytest.raises(InputError) as caught:
        VideoCLI([*arguments, *weights(["dark", "light", "grey"])])
    words = str(caught.value)
    assert "class 1 is 'grey' in the data and 'light' in the weights (3 classes" in words
    assert f"there is no {tmp_path / 'run/checkpoints/best.ckpt'}" in words


def test_another_number_of_classes_is_refused(weights, data, tmp_path):
    write_video(tmp_path / "two/a/1.mp4", 10, (32, 40))
    write_video(tmp_path / "two/b/1.mp4", 10, (32, 40))
    root = [f"--run_dir={tmp_path / 'run'}", f"--data.root={tmp_path / 'two'}"]
    with pytest.raises(InputError, match="has a head of 3 classes and the data have 2 classes"):
        VideoCLI(["validate", *weights(), *SMALL, *root, "--data.holdout.share=0"])


def test_what_cannot_be_read_is_named(tmp_path):
    run = [f"--run_dir={tmp_path / 'run'}", "--data.predict.paths=a.mp4"]
    with pytest.raises(InputError, match=r"none\.pth does not exist"):
        VideoCLI(["predict", *run, f"--pretrained={tmp_path / 'none.pth'}"])
    with pytest.raises(InputError, match="unknown format 'onnx'"):
        VideoCLI(["predict", *run, '--pretrained={"source": "a", "format": "onnx"}'])
    with pytest.raises(InputError, match=r"published weights, with\s+their head, with --pre"):
        VideoCLI(["predict", *run])
    with pytest.raises(InputError, match=r"gone\.ckpt \(--ckpt_path\) is no file"):
        VideoCLI(["predict", *run, "--pretrained=kinetics400", f"--ckpt_path={tmp_path}/gone.ckpt"])


def test_a_checkpoint_of_the_run_goes_first(weights, data, tmp_path):
    """A fit starts from the weights and moves away; its checkpoint is what test takes then."""
    common = [*SMALL, *weights(NAMES), f"--run_dir={tmp_path / 'run'}", f"--data.root={data}"]
    train = ["--trainer.max_epochs=1", "--data.loader.batch_size=3", "--model.optimizer.lr=0.01"]
    VideoCLI(["fit", *common, *train])
    report = json.loads((tmp_path / "run/load_report.json").read_text())
    assert report["backbone_share"] == 1
    tested = VideoCLI(["test", *common])
    best = tmp_path / "run/checkpoints/best.ckpt"
    saved = torch.load(best, weights_only=True)["state_dict"]
    for name, value in tested.model.network.state_dict().items():
        assert torch.equal(value, saved[f"network.{name}"]), name
    metrics = json.loads((tmp_path / "run/report/metrics.json").read_text())
    assert metrics["weights"] == {"source": str(best), "sha256": sha256(best)}
    assert metrics["checkpoint"] == str(best)
    path_of(weights()).unlink()
    again = VideoCLI(["test", *common])
    assert torch.equal(again.model.results.scores[:], tested.model.results.scores[:])
