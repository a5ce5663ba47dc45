"""Training, test and prediction of videos with several labels, through the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from snl_video import load_model
from snl_video.commands.video_cli import VideoCLI
from snl_video.data import open_video
from snl_video.errors import InputError
from snl_video.training.loss import LossSpec, build_loss, hits
from tests.cli.tiny_run import QUIET
from tests.data.files import write
from tests.training.tiny import SMALL_CLIPS
from tests.videos import write_video

LABELS = ["bright;red", "bright", "red", "", "bright;red", "red", "bright", ""]


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    root = tmp_path_factory.mktemp("several")
    for number, labels in enumerate(LABELS):
        frames = np.full((8, 48, 64, 3), 200 if "bright" in labels else 60, np.uint8)
        frames[..., 1:] //= 4 if "red" in labels else 1
        write_video(root / f"{number}.mp4", frames=frames)
    rows = "".join(f"{i}.mp4,{labels}\n" for i, labels in enumerate(LABELS))
    list_ = write(root / "list.csv", f"path,labels\n{rows}")
    return [
        *("--data.format=csv", f"--data.root={root}", f"--data.lists.train={list_}"),
        *(f"--data.lists.val={list_}", *SMALL_CLIPS, f"--run_dir={root / 'run'}", *QUIET),
    ]


def test_a_run_from_fit_to_predict(options, tmp_path):
    run = Path(next(w for w in options if w.startswith("--run_dir")).partition("=")[2])
    several = ["--model.loss.kind=binary_cross_entropy", "--checkpoint.monitor=val/map"]
    fit = [*options, *several, "--model.width=8", "--model.dropout=0", "--trainer.max_epochs=3"]
    VideoCLI(["fit", *fit, "--model.optimizer.lr=0.01", "--data.loader.batch_size=4"])
    checkpoint = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    assert len(checkpoint["thresholds"]) == 2
    VideoCLI(["test", *options])
    numbers = json.loads((run / "report/metrics.json").read_text())
    assert 0 <= numbers["map"] <= 1
    assert {"map", "micro_f1"} <= set(numbers["intervals"])
    VideoCLI(["predict", *options])
    rows = json.loads((run / "predictions.json").read_text())
    model = load_model(run, device="cpu")
    assert model.thresholds == checkpoint["thresholds"]
    for row in rows:
        found = model.predict(row["path"])
        assert [name for name, _ in found.top] == [entry["class"] for entry in row["top"]]
        scores = {entry["class"]: entry["score"] for entry in row["top"]}
        assert dict(found.top) == pytest.approx(scores, abs=1e-5)
        wanted = [n for n, t in zip(model.classes, model.thresholds, strict=True) if scores[n] >= t]
        assert list(found.present) == row["present"] == wanted
    path = rows[0]["path"]
    logits = [model.logits(part) for part in model.viewing.batches(open_video(path))]
    expected = 1 / (1 + torch.exp(-torch.cat(logits)))
    torch.testing.assert_close(model.scores(path), expected.mean(0))


def test_a_loss_of_one_class_is_refused(options, tmp_path):
    words = [word for word in options if not word.startswith("--run_dir")]
    with pytest.raises(InputError, match=r"set model\.loss\.kind=binary_cross_entropy"):
        VideoCLI(["fit", *words, f"--run_dir={tmp_path}", "--model.width=8"])


def test_binary_cross_entropy_by_definition():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    target = (torch.rand(6, 4, generator=generator) < 0.4).double()
    weights = [0.5, 1.0, 2.0, 3.0]
    spec = LossSpec(0.1, weights, "binary_cross_entropy")
    loss = build_loss(spec, 4)
    expected = 0.0
    for i in range(6):
        for c in range(4):
            p = 1 / (1 + np.exp(-float(logits[i, c])))
            s = 0.9 * float(target[i, c]) + 0.05
            expected -= weights[c] * (s * np.log(p) + (1 - s) * np.log(1 - p)) / 24
    assert float(loss(logits, target)) == pytest.approx(expected, rel=1e-6)
    plain = build_loss(LossSpec(kind="binary_cross_entropy"), 4)
    label = torch.tensor([0, 3, 1, 1, 2, 0])
    one_hot = F.binary_cross_entropy_with_logits(logits, F.one_hot(label, 4).double())
    assert float(plain(logits, label)) == pytest.approx(float(one_hot))


def test_hits():
    logits = torch.tensor([[2.0, 1, 0], [0, 1, 2], [1, 2, 0], [3, 0, 0], [0, 2, 1]])
    several = torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0], [0, 0, 1]])
    assert hits(logits, several).tolist() == [True, False, True, False, False]
    mixed = torch.tensor([[0.7, 0.3, 0], [0.4, 0, 0.6], [0.6, 0.4, 0], [1.0, 0, 0], [0, 0.2, 0.8]])
    assert hits(logits, mixed).tolist() == (logits.argmax(1) == mixed.argmax(1)).tolist()
    assert hits(logits, torch.tensor([0, 2, 0, 1, 1])).tolist() == [True, True, False, False, True]
