"""What `fit` and `test` print: each metric once, the expected time, and no advert."""

from snl_video.commands.video_cli import VideoCLI
from tests.cli.tiny_run import QUIET, fit

ADVERTS = ("Tip:", "TPU", "many workers", "deprecated", "callbacks used to create")


def test_a_test_prints_each_metric_once_and_returns_it(run, tmp_path, capfd):
    best = f"--ckpt_path={run}/checkpoints/best.ckpt"
    cli = VideoCLI(["test", f"--run_dir={tmp_path}", best, *QUIET])
    out, err = capfd.readouterr()
    assert "test/top1" not in out
    assert out.count("negative log-likelihood") == 1
    assert not [word for word in ADVERTS if word in out + err]
    top1 = float(cli.trainer.callback_metrics["test/top1"])
    assert f"{100 * top1:.2f}" in out


def test_a_fit_tells_its_expected_time_once_and_no_advert(videos, tmp_path, capfd):
    fit(videos, tmp_path / "run", "--trainer.max_epochs=3")
    out, err = capfd.readouterr()
    told = [line for line in out.splitlines() if " to go: " in line]
    assert len(told) == 1
    assert "to go: 4 batches of " in told[0]
    assert not [word for word in ADVERTS if word in out + err]
