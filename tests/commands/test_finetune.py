"""One command from a folder of videos to a network, on generated videos and a narrow network."""

import json
import re
import shlex

import pytest
import torch
import yaml

from snl_video.cli import main
from snl_video.commands import finetune
from snl_video.errors import InputError
from snl_video.recipe_files import find_recipe
from tests.videos import write_video

HERE = ["--data.loader.num_workers=0", "--trainer.accelerator=cpu", "--data.holdout.share=0.25"]
"""What goes over configs/finetune/own_videos.yaml."""


@pytest.fixture(scope="module")
def finished(folder, recipe, tmp_path_factory):
    """A finished run: its folder."""
    run_dir = tmp_path_factory.mktemp("runs") / "my run"
    options = [f"--recipe={recipe}", *HERE, "--trainer.max_epochs", "1"]
    finetune.main(["finetune", str(folder), "--run_dir", str(run_dir), *options])
    return run_dir


def test_the_block_is_that_of_the_overlay_which_the_help_names():
    of_own, of_overlay = (
        yaml.safe_load(find_recipe(name).read_text())["model"]["non_local"]
        for name in (finetune.OWN_VIDEOS, "blocks/snl_walk")
    )
    assert of_own == of_overlay
    assert "blocks/snl_walk" in finetune.DESCRIPTION


def test_it_trains_with_the_recipe_and_reports_the_held_out_videos(finished):
    checkpoint = torch.load(finished / "checkpoints/best.ckpt", weights_only=True)
    assert [b["kind"] for b in checkpoint["network_summary"]["blocks"]] == ["snl"]
    settings = checkpoint["hyper_parameters"]
    assert (settings["classes"], settings["loss"]["class_weights"]) == (
        ["dark", "light"],
        "balanced",
    )
    assert checkpoint["epoch"] == 0
    data = checkpoint["datamodule_hyper_parameters"]
    found = data["format"], data["holdout"]["share"], data["clip"]["num_frames"]
    assert found == ("folder", 0.25, 4)
    metrics = json.loads((finished / "report/metrics.json").read_text())
    assert (metrics["videos"], metrics["complete"]) == (4, True)
    subsets = metrics["data"]["subsets"]
    assert (subsets["train"]["videos"], subsets["val"]["videos"]) == (12, 4)
    assert "4 of 16 videos, 2 of 8 groups" in metrics["data"]["val_split"]
    rows = (finished / "report/videos.csv").read_text().splitlines()[1:]
    groups = {re.match(r"(\w+/v_\w+_g\d\d)_c", row)[1] for row in rows}
    assert len(groups) == 2  # both clips of one group of each class
    assert (finished / "report/report.html").is_file()


def test_the_checkpoint_is_that_of_the_lowest_loss_and_knows_its_videos(finished):
    checkpoint = torch.load(finished / "checkpoints/best.ckpt", weights_only=True)
    (best,) = [key for key in checkpoint["callbacks"] if key.startswith("ModelCheckpoint")]
    assert "'monitor': 'val/loss', 'mode': 'min'" in best
    held = {row.split(",")[0] for row in (finished / "report/videos.csv").read_text().splitlines()}
    trained_on = checkpoint["VideoDataModule"]["trained_on"]
    assert len(trained_on) == 12
    assert not held & set(trained_on)


def test_the_line_it_prints_predicts_a_video(finished, folder, capsys):
    words = finetune.closing_words(finished, 4)
    line = words.split("predict a new video: ")[1].splitlines()[0]
    command = shlex.split(line)
    assert command[:2] == ["snl-video", "predict"]
    assert command[2:] == [str(finished), "new.mp4"]
    video = next((folder / "dark").iterdir())
    assert main([*command[1:3], str(video)]) == 0
    assert f"{video}: " in capsys.readouterr().out


def test_every_file_that_the_last_words_name_is_there(finished):
    words = finetune.closing_words(finished, 4, finetune.CHOSE)
    for kind in ("checkpoint", "report"):
        path = re.search(rf"^{kind}: (.*?\.(?:ckpt|html))", words, flags=re.MULTILINE)[1]
        assert path.startswith(str(finished))
        assert (finished / path.removeprefix(f"{finished}/")).is_file()
    assert "of 4 videos, the ones that chose the checkpoint" in words
    assert "chose" not in finetune.closing_words(finished, 4)


def test_a_taken_run_folder_is_refused_and_resuming_goes_on(finished, folder, recipe, capsys):
    common = [str(folder), "--run_dir", str(finished), f"--recipe={recipe}"]
    with pytest.raises(InputError, match="already holds a run"):
        finetune.main(["finetune", *common])
    last = finished / "checkpoints/last.ckpt"
    before = torch.load(last, weights_only=True)["global_step"]
    unchosen = ["--checkpoint.monitor", "null", "--trainer.max_epochs", "2"]
    with pytest.raises(InputError, match=r"val/top1 needs checkpoint\.mode beside it"):
        finetune.main(["finetune", *common, f"--ckpt_path={last}", "--checkpoint.monitor=val/top1"])
    finetune.main(["finetune", *common, *HERE, f"--ckpt_path={last}", *unchosen])
    assert torch.load(last, weights_only=True)["global_step"] == 2 * before > 0
    printed = capsys.readouterr().out
    assert f"predict a new video: {finetune.predict_command(finished)}" in printed
    assert "(of 4 videos)" in printed


def test_nothing_to_validate_is_told_before_training(tmp_path, recipe):
    for name, length in (("a", 4), ("b", 5)):
        write_video(tmp_path / "few" / name / "1.mp4", length, (32, 40))
    arguments = [str(tmp_path / "few"), f"--recipe={recipe}", f"--run_dir={tmp_path / 'run'}"]
    with (
        pytest.warns(UserWarning, match=r"a single video, .*: 2 \(a, b\)"),
        pytest.raises(InputError, match="none can be held out for validation; add videos"),
    ):
        finetune.main(["finetune", *arguments])
    assert not (tmp_path / "run/checkpoints").exists()
