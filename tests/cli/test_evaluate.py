"""Test and validation through the command line, in this process and on two."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import InputError
from tests.cli.tiny_run import QUIET, read_csv

ROOT = Path(__file__).parents[2]


def test_test_needs_only_the_folder_of_the_run(run, capsys):
    cli = VideoCLI(["test", f"--run_dir={run}", *QUIET])
    assert cli.model.network.non_local[0]["kind"] == "snl"
    metrics = json.loads((run / "report/metrics.json").read_text())
    rows = read_csv(run / "report/videos.csv")
    assert metrics["complete"]
    assert metrics["videos"] == metrics["videos_in_list"] == len(rows) == 10
    assert metrics["top1"] == pytest.approx(sum(int(row["correct"]) for row in rows) / 10)
    confusion = read_csv(run / "report/confusion.csv")
    diagonal = sum(int(row[row["true"]]) for row in confusion)
    assert diagonal / 10 == pytest.approx(metrics["top1"])
    printed = capsys.readouterr().out
    for part in ("video top-1 %", "video top-5 %", "per class", "report:", str(run)):
        assert part in printed


def test_the_report_counts_a_clip_as_it_is_tested(run, tmp_path):
    weights = run / "checkpoints/best.ckpt"
    larger = ["--data.crop.test_size=48", "--data.crop.short_side=48"]
    VideoCLI(["test", f"--run_dir={tmp_path}", f"--ckpt_path={weights}", *larger, *QUIET])
    tested = json.loads((tmp_path / "report/metrics.json").read_text())["network"]
    trained = torch.load(weights, weights_only=True)["network_summary"]
    assert (tested["clip_shape"], trained["clip_shape"]) == ([3, 4, 48, 48], [3, 4, 32, 32])
    assert tested["gmacs"] > 1.5 * trained["gmacs"]


def test_logged_accuracy_equals_scoring_every_view_by_hand(run):
    cli = VideoCLI(["test", f"--run_dir={run}", *QUIET])
    model, loader = cli.model.eval(), cli.datamodule.test_dataloader()
    correct = []
    with torch.no_grad():
        for sample in loader.dataset:
            logits = torch.cat([model(view[None]) for view in sample["clips"]])
            correct.append(int(logits.double().softmax(1).mean(0).argmax()) == sample["label"])
    assert cli.trainer.callback_metrics["test/top1"].item() == pytest.approx(
        sum(correct) / len(correct)
    )


@pytest.mark.parametrize("chunk", [1, 3])
def test_views_per_forward_changes_nothing(run, chunk):
    whole = VideoCLI(["test", f"--run_dir={run}", *QUIET]).model.results
    few = f"--model.evaluation.views_per_forward={chunk}"
    parts = VideoCLI(["test", f"--run_dir={run}", few, *QUIET])
    torch.testing.assert_close(parts.model.results.scores[:], whole.scores[:])


def test_a_precision_for_gpus_is_refused_on_a_cpu(run):
    with pytest.raises(InputError, match=r"16-mixed needs a GPU.*precision 32-true"):
        VideoCLI(["test", f"--run_dir={run}", "--trainer.precision=16-mixed", *QUIET])


def test_a_test_that_was_cut_short_says_so(run, capsys):
    VideoCLI(["test", f"--run_dir={run}", "--trainer.limit_test_batches=2", *QUIET])
    assert "PARTIAL" in capsys.readouterr().out
    assert not json.loads((run / "report/metrics.json").read_text())["complete"]


def test_validate_reports_the_validation_list(run):
    cli = VideoCLI(["validate", f"--run_dir={run}", *QUIET])
    logged = cli.trainer.callback_metrics["val/top1"].item()
    assert logged == pytest.approx(cli.model.results.accuracy(1))
    assert cli.model.results.complete


def test_test_without_weights_is_refused(tmp_path):
    with pytest.raises(InputError, match="test needs trained weights"):
        VideoCLI(["test", f"--run_dir={tmp_path}", *QUIET])


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "page.ckpt"
    path.write_text("<html>404</html>")
    with pytest.raises(InputError, match=r"page\.ckpt is not a checkpoint of this package"):
        VideoCLI(["test", f"--ckpt_path={path}", *QUIET])


def test_evaluation_stops_at_a_broken_video_or_counts_it_as_wrong(run, videos, tmp_path):
    root = tmp_path / "motion"
    shutil.copytree(videos, root)
    name = (root / "ucfTrainTestlist/testlist01.txt").read_text().split()[3]
    (root / "videos" / name).write_bytes(b"")
    arguments = [
        f"--run_dir={tmp_path / 'run'}",
        f"--data.root={root}",
        f"--ckpt_path={run}/checkpoints/best.ckpt",
        *QUIET,
    ]
    with pytest.raises(Exception, match="is empty"):
        VideoCLI(["test", *arguments])
    VideoCLI(["test", *arguments, "--data.bad_videos.evaluation=wrong"])
    metrics = json.loads((tmp_path / "run/report/metrics.json").read_text())
    assert (metrics["videos"], metrics["failed"]) == (10, 1)
    (row,) = [r for r in read_csv(tmp_path / "run/report/videos.csv") if r["failed"] == "1"]
    assert row["correct"] == "0"
    assert "is empty" in row["reason"]


@pytest.mark.ddp
def test_two_processes_count_every_video_once(run, tmp_path):
    """9 videos on 2 processes: the sampler pads to 10."""
    common = [
        "test",
        f"--ckpt_path={run}/checkpoints/best.ckpt",
        "--data.views.num_clips=2",
        *QUIET,
    ]
    data = yaml.safe_load((run / "config.yaml").read_text())["data"]
    root = tmp_path / "motion"
    root.mkdir()
    (root / "videos").symlink_to(Path(data["root"]) / "videos")
    lists = root / "ucfTrainTestlist"
    lists.mkdir()
    for path in (Path(data["root"]) / "ucfTrainTestlist").iterdir():
        lines = path.read_text().splitlines()
        kept = lines[:9] if path.name.startswith("testlist") else lines
        (lists / path.name).write_text("\n".join(kept) + "\n")
    outputs = []
    for devices in (1, 2):
        folder = tmp_path / str(devices)
        command = [sys.executable, "train.py", *common, f"--run_dir={folder}"]
        command += [f"--data.root={root}", f"--trainer.devices={devices}"]
        if devices == 2:
            command.append("--trainer.strategy=ddp")
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr[-2000:]
        metrics = json.loads((folder / "report/metrics.json").read_text())
        assert metrics["videos"] == 9
        outputs.append((folder / "report/videos.csv").read_text())
    assert outputs[0] == outputs[1]
