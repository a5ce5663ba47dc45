"""One command from a folder of videos to a network, on generated videos and a narrow network."""

import json
import re
import shlex

import numpy as np
import pytest
import torch
import yaml
from videos import write_video

from snl_video.cli import main as train
from snl_video.tools import finetune

RECIPE = {
    "run_dir": "never/used",
    "model": {"width": 8, "dropout": 0.0, "non_local": {"kind": "snl"}},
    "data": {
        "num_frames": 4,
        "frame_interval": 2,
        "crop_size": 32,
        "short_side": 32,
        "num_clips": 2,
        "num_crops": 1,
        "batch_size": 4,
        "num_workers": 0,
    },
    "trainer": {
        "accelerator": "cpu",
        "max_epochs": 1,
        "enable_progress_bar": False,
        "log_every_n_steps": 1,
    },
}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "my clips"
    for value, name in ((60, "dark"), (190, "light")):
        for group in range(1, 5):
            for clip in (1, 2):
                frames = np.full((10, 32, 40, 3), value + group, np.uint8)
                write_video(root / name / f"v_{name}_g{group:02d}_c{clip:02d}.mp4", frames=frames)
    return root


@pytest.fixture(scope="module")
def finished(folder, recipe, tmp_path_factory):
    """A finished run: its folder."""
    run_dir = tmp_path_factory.mktemp("runs") / "my run"
    finetune.main(
        [str(folder), "--run_dir", str(run_dir), f"--config={recipe}", "--data.val_share", "0.25"]
    )
    return run_dir


def test_it_trains_with_the_recipe_and_reports_the_held_out_videos(finished):
    checkpoint = torch.load(finished / "checkpoints/best.ckpt", weights_only=True)
    assert [b["kind"] for b in checkpoint["network_summary"]["blocks"]] == ["snl"]
    assert checkpoint["hyper_parameters"]["classes"] == ["dark", "light"]
    data = checkpoint["datamodule_hyper_parameters"]
    assert (data["format"], data["val_share"], data["num_frames"]) == ("folder", 0.25, 4)
    metrics = json.loads((finished / "report/metrics.json").read_text())
    assert (metrics["videos"], metrics["complete"]) == (4, True)
    subsets = metrics["data"]["subsets"]
    assert (subsets["train"]["videos"], subsets["val"]["videos"]) == (12, 4)
    assert "4 of 16 videos, 2 of 8 groups" in metrics["data"]["val_split"]
    rows = (finished / "report/videos.csv").read_text().splitlines()[1:]
    groups = {re.match(r"(\w+/v_\w+_g\d\d)_c", row)[1] for row in rows}
    assert len(groups) == 2  # both clips of one group of each class
    assert (finished / "report/report.html").is_file()


def test_the_line_it_prints_predicts_a_video(finished, folder, capsys):
    words = finetune.closing_words(finished, 4, True)
    line = words.split("predict a new video: ")[1].splitlines()[0]
    command = shlex.split(line)
    assert command[:3] == ["python", "train.py", "predict"]
    assert command[-2:] == ["--data.predict_paths", "[new.mp4]"]
    video = next((folder / "dark").iterdir())
    command[-1] = f"['{video}']"
    train([*command[2:], "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"])
    (prediction,) = json.loads((finished / "predictions.json").read_text())
    assert video.name in json.dumps(prediction)


def test_every_file_that_the_last_words_name_is_there(finished):
    words = finetune.closing_words(finished, 4, True)
    for kind in ("checkpoint", "report"):
        path = re.search(rf"^{kind}: (.*?\.(?:ckpt|html))", words, flags=re.MULTILINE)[1]
        assert path.startswith(str(finished))
        assert (finished / path.removeprefix(f"{finished}/")).is_file()
    assert "of 4 videos, the ones that chose the checkpoint" in words
    assert "chose" not in finetune.closing_words(finished, 4, False)


def test_a_taken_run_folder_is_refused_and_resuming_goes_on(finished, folder, recipe, capsys):
    common = [str(folder), "--run_dir", str(finished), f"--config={recipe}"]
    with pytest.raises(SystemExit, match="already holds a run"):
        finetune.main(common)
    last = finished / "checkpoints/last.ckpt"
    before = torch.load(last, weights_only=True)["global_step"]
    share = ["--data.val_share=0.25"]
    finetune.main([*common, *share, f"--ckpt_path={last}", "--trainer.max_epochs", "2"])
    assert torch.load(last, weights_only=True)["global_step"] == 2 * before > 0
    printed = capsys.readouterr().out
    assert f"predict a new video: {finetune.predict_command(finished)}" in printed


@pytest.fixture
def nothing_heavy(monkeypatch):
    def refuse(arguments):
        raise AssertionError(f"train.py was called with {arguments}")

    monkeypatch.setattr(finetune, "train", refuse)


@pytest.mark.usefixtures("nothing_heavy")
def test_bad_folders_and_recipes_are_refused_before_anything_heavy(tmp_path, folder, capsys):
    with pytest.raises(SystemExit, match=r"nowhere does not exist"):
        finetune.main([str(tmp_path / "nowhere")])
    (tmp_path / "mine/one").mkdir(parents=True)
    with pytest.raises(SystemExit, match=r"has one class, one; a classifier needs two or more"):
        finetune.main([str(tmp_path / "mine")])
    (tmp_path / "mine/two").mkdir()
    with pytest.raises(SystemExit, match="lists no video"):
        finetune.main([str(tmp_path / "mine")])
    (tmp_path / "mine/two/a.mp4").touch()
    with pytest.raises(SystemExit, match="no training video of one; add some"):
        finetune.main([str(tmp_path / "mine")])
    with pytest.raises(SystemExit, match=r"no recipe at .*absent\.yaml"):
        finetune.main([str(folder), "--config", str(tmp_path / "absent.yaml")])
    for arguments, message in (
        (["--run_dir", "x", str(folder)], "the folder of the videos comes first, before --run_dir"),
        ([str(folder), "second"], "one folder only, and then options; got 'second' too"),
        ([], "required: folder"),
    ):
        with pytest.raises(SystemExit):
            finetune.main(arguments)
        assert message in capsys.readouterr().err


def test_nothing_to_validate_is_told_before_training(tmp_path, recipe):
    for name in ("a", "b"):
        write_video(tmp_path / "few" / name / "1.mp4", 4, (32, 40))
    arguments = [str(tmp_path / "few"), f"--config={recipe}", f"--run_dir={tmp_path / 'run'}"]
    with (
        pytest.warns(UserWarning, match=r"a single video, .*: 2 \(a, b\)"),
        pytest.raises(SystemExit, match="none can be held out for validation; add videos"),
    ):
        finetune.main(arguments)
    assert not (tmp_path / "run/checkpoints").exists()
