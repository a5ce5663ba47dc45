"""Prediction of loose files through the command line."""

import json
from pathlib import Path

import pytest

from snl_video.commands.video_cli import VideoCLI
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
