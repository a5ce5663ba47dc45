"""A run folder that was written with the names of before: every use of it.

The run is of Inception-I3D, two channels wide, with weights to start from, freezing, rates by depth
and momentum; ``epoch=0.ckpt`` is the middle of its two epochs, ``metrics.csv`` what it logged, and
``report`` what its ``test`` of that checkpoint wrote.
"""

import csv
import gzip
import json
import shutil
from pathlib import Path

import pytest
import torch

from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import InputError
from snl_video.evaluation.comparison import load_comparison
from snl_video.inference.recognizer import load_model
from snl_video.training import Freezing, VideoClassifier
from snl_video.weights import build_model, load_pretrained
from tests.cli.tiny_run import QUIET, read_csv

OLD = Path(__file__).parent / "old_run"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("old") / "epoch=0.ckpt"
    path.write_bytes(gzip.decompress((OLD / "epoch=0.ckpt.gz").read_bytes()))
    return path


@pytest.fixture(scope="module")
def resumed(checkpoint, videos, tmp_path_factory):
    """The run with the configuration of before, gone on from its checkpoint; its folder."""
    folder = tmp_path_factory.mktemp("resumed") / "run"
    words = [f"--run_dir={folder}", f"--data.root={videos}", f"--ckpt_path={checkpoint}"]
    return VideoCLI(["fit", f"--config={OLD / 'config.yaml'}", *words]), folder


def test_fit_goes_on_as_the_old_run_did(resumed):
    _, folder = resumed
    with (OLD / "metrics.csv").open(newline="") as file:
        old = [row for row in csv.DictReader(file) if row["epoch"] == "1"]
    new = read_csv(folder / "csv/version_0/metrics.csv")
    for before, now in (("train/loss", "train/loss_step"), ("val/loss", "val/loss")):
        expected = [float(row[before]) for row in old if row[before]]
        assert expected
        assert [float(row[now]) for row in new if row[now]] == pytest.approx(expected, rel=1e-4)


def test_the_configuration_of_before_is_read_with_one_note(resumed, videos, tmp_path, capsys):
    cli, folder = resumed
    (freezing,) = [c for c in cli.trainer.callbacks if isinstance(c, Freezing)]
    assert freezing.settings == {"until": "Mixed_4c", "norm": True, "unfreeze": {1: "Mixed_3b"}}
    assert cli.model.scores.spec.average == "logits"
    data = cli.datamodule.hparams
    assert (data.clip["num_frames"], data.augment["flip"]) == (4, 0.25)
    assert data.bad_videos["evaluation"] == "wrong"
    VideoCLI(["fit", f"--config={OLD / 'config.yaml'}"], run=False)
    (note,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note:")]
    assert "data.annotations is now data.lists.folder, and" in note
    written = folder / "config.yaml"
    VideoCLI(["fit", f"--config={written}"], run=False)
    assert "note:" not in capsys.readouterr().err


def test_a_resumed_run_needs_its_first_weights_no_more(resumed):
    _, folder = resumed
    saved = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
    assert saved["load_report"]["source"] == saved["pretrained"]["source"] == "weights.pth"
    assert not (folder / "load_report.json").exists()


def test_test_gives_every_video_the_scores_of_before(checkpoint, videos, tmp_path):
    words = [f"--run_dir={tmp_path}", f"--ckpt_path={checkpoint}", f"--data.root={videos}"]
    VideoCLI(["test", *words, *QUIET])
    old, new = (read_csv(folder / "report/videos.csv") for folder in (OLD, tmp_path))
    assert [row["video"] for row in new] == [row["video"] for row in old]
    for before, now in zip(old, new, strict=True):
        assert float(now["score_true"]) == pytest.approx(float(before["score_true"]), abs=1e-3)
    recipe = json.loads((tmp_path / "report/metrics.json").read_text())["recipe"]
    assert recipe["pretrained"]["source"] == "weights.pth"
    assert recipe["freeze"]["until"] == "Mixed_4c"
    assert recipe["evaluation"]["average"] == "logits"
    assert recipe["training"] == {"epochs": 1, "steps": 5}
    found = load_comparison([OLD / "report", tmp_path / "report"])
    differing = {name for name, _ in found.differing_settings()}
    # a test records the augmentation of training now, which it did not use then either
    known = ("data.root", "data.augment.", "evaluation.")
    new_settings = ("data.decoding.", "data.lists.overlap", "data.clip.protocol")
    assert not {name for name in differing if not name.startswith((*known, *new_settings))}


def test_validate_and_predict_take_it(checkpoint, videos, tmp_path):
    words = [f"--run_dir={tmp_path}", f"--ckpt_path={checkpoint}", *QUIET]
    cli = VideoCLI(["validate", *words, f"--data.root={videos}"])
    assert cli.model.results.complete
    file = next(videos.glob("videos/*/*"))
    VideoCLI(["predict", *words, f"--data.predict.paths={file}", "--data.root=/nowhere"])
    (prediction,) = json.loads((tmp_path / "predictions.json").read_text())
    assert len(prediction["top"]) == 5


def test_its_weights_start_another_network(checkpoint):
    network = build_model("i3d_inception", 3, width=2, non_local={"kind": "snl"})
    report = load_pretrained(network, checkpoint)
    assert (report.backbone_share, report.new_head, report.new_blocks) == (1.0, True, ())


def test_it_is_a_network_to_look_into(checkpoint):
    saved = torch.load(checkpoint, weights_only=True)["state_dict"]
    names = {name.replace("Mixed_4e.module.", "Mixed_4e."): name for name in saved}
    assert sum(new != old for new, old in names.items()) > 10
    for name, value in load_model(checkpoint, device="cpu").network.state_dict().items():
        assert torch.equal(value, saved[names[f"network.{name}"]]), name


def test_its_folder_is_found_by_name(checkpoint, videos, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    shutil.copy(checkpoint, tmp_path / "checkpoints/best.ckpt")
    cli = VideoCLI(["validate", f"--run_dir={tmp_path}", f"--data.root={videos}", *QUIET])
    assert cli.model.network.non_local[0]["kind"] == "snl"


def test_nothing_of_its_settings_is_left_out_without_a_word(checkpoint):
    """Lightning would drop the names that it does not know, the average of logits among them."""
    with pytest.raises(InputError, match=r"read its network with snl_video\.load_model"):
        VideoClassifier.load_from_checkpoint(checkpoint, map_location="cpu")
