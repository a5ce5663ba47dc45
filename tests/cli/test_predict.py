"""Prediction of loose files through the command line."""

import json
from pathlib import Path

import pytest
import torch

from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import InputError
from tests.cli.tiny_run import QUIET


def test_predict_names_the_classes_of_loose_files(run, videos, tmp_path, capsys):
    files = sorted((videos / "videos").rglob("*.mp4"))[:2]
    VideoCLI(
        [
            "predict",
            f"--ckpt_path={run}/checkpoints/best.ckpt",
            f"--run_dir={tmp_path}",
            f"--data.predict.paths={json.dumps([str(f) for f in files])}",
            "--data.root=/nowhere",
            *QUIET,
        ]
    )
    predictions = json.loads((tmp_path / "predictions.json").read_text())
    assert [Path(p["path"]) for p in predictions] == files
    for prediction in predictions:
        scores = [entry["score"] for entry in prediction["top"]]
        assert len(scores) == 5
        assert scores == sorted(scores, reverse=True)
    assert "predictions:" in capsys.readouterr().out


def test_predict_lists_a_file_that_is_no_video(run, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a video")
    arguments = [f"--run_dir={tmp_path}", f"--data.predict.paths=[{bad}]", *QUIET]
    arguments.append(f"--ckpt_path={run}/checkpoints/best.ckpt")
    with pytest.raises(Exception, match=r"bad\.mp4"):
        VideoCLI(["predict", *arguments])
    VideoCLI(["predict", *arguments, "--data.bad_videos.evaluation=wrong"])
    (prediction,) = json.loads((tmp_path / "predictions.json").read_text())
    assert prediction["failed"]
    assert prediction["top"] == []


def test_scores_that_are_not_finite_are_refused_as_test_refuses_them(run, videos, tmp_path):
    checkpoint = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    for name, value in checkpoint["state_dict"].items():
        if name.endswith("proj.weight"):
            value.fill_(torch.nan)
    torch.save(checkpoint, tmp_path / "diverged.ckpt")
    (file, *_) = sorted((videos / "videos").rglob("*.mp4"))
    common = [f"--ckpt_path={tmp_path}/diverged.ckpt", f"--run_dir={tmp_path}/run", *QUIET]
    for words in (["predict", f"--data.predict.paths=[{file}]"], ["test"]):
        with pytest.raises(InputError, match="scores that are not finite; the weights have div"):
            VideoCLI([*words, *common])
    assert not (tmp_path / "run/predictions.json").exists()
