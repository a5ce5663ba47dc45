"""`snl-video probe`, end to end, and the proof that the test list decides nothing."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from snl_video import cli
from snl_video.data.feature_files import FeatureFiles
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import InputError
from snl_video.inference.recognizer import load_model
from snl_video.training import probe_runs
from snl_video.training.probe_data import listed_features
from snl_video.weights import build_model
from tests.videos import write_video

FIT = ["--steps=20", "--batch_size=8", "--channels=16", "--inner_channels=4", "--seeds", "0", "1"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Six groups of two clips a class; the folders are train and test."""
    root = tmp_path_factory.mktemp("data") / "mine"
    for value, name in ((70, "dark"), (180, "light")):
        for group in range(1, 7):
            subset = "test" if group > 4 else "train"
            for clip in (1, 2):
                frames = np.full((10, 36, 40, 3), value + 3 * group + clip, np.uint8)
                frames[:, :, :10] = 20 * group
                write_video(
                    root / subset / name / f"v_{name}_g{group:02d}_c{clip:02d}.mp4", frames=frames
                )
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "i3d.pth"
    torch.manual_seed(1)
    torch.save(build_model("i3d_inception", 3).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def features(data, weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("features") / "mine"
    words = ["features", str(weights), str(data), "--format=folder", "--backbone=i3d_inception"]
    words += ["--place=Mixed_3b", "--average=1x2x2", "--mirrored=true", f"--output={folder}"]
    words += ["--num_frames=4", "--interval=2", "--short_side=32", "--size=32"]
    assert cli.main(words) == 0
    return folder


def probe(data, features, run_dir, *words, kinds=("none", "snl")):
    return cli.main(
        ["probe", str(data), f"--features={features}", f"--run_dir={run_dir}", *FIT,
         "--kinds", *kinds, *map(str, words)]
    )  # fmt: skip


def spoilt_copy(features, folder, of_subset):
    """A copy of the features in which those of some videos are noise."""
    shutil.copytree(features, folder)
    for file in folder.glob("shard-*"):
        with safe_open(file, "np") as shard:
            header = shard.metadata()
            tensors = {name: shard.get_tensor(name) for name in shard.keys()}  # noqa: SIM118
        rng = np.random.default_rng(0)
        for name in tensors:
            if of_subset(name):
                tensors[name] = rng.normal(0, 5, tensors[name].shape).astype(np.float16)
        save_file(tensors, file, header)
    return folder


def of_test(name):
    return int(re.search(r"_g(\d+)_", name)[1]) > 4


def test_a_folder_becomes_a_classifier_that_predicts(data, features, tmp_path, capsys):
    run = tmp_path / "run"
    assert probe(data, features, run) == 0
    printed = capsys.readouterr().out
    assert "8 test videos in 4 groups, 2 seeds." in printed
    assert f"snl-video predict {run} new.mp4" in printed
    assert (run / "probe.html").is_file()
    assert "| snl | " in (run / "probe.md").read_text()
    recognizer = load_model(run, device="cpu")
    assert recognizer.classes == ["dark", "light"]
    # pixels -> frozen network -> head gives what the head gives on the cached features
    kind = re.search(r"Kept as a checkpoint: (\w+)", printed)[1]
    kept = json.loads((run / "test" / kind / "split1_seed0.json").read_text())["run"]
    found = [recognizer.scores(data / "test" / name).argmax().item() for name in kept["ids"]]
    assert found == kept["predicted"]
    video = next((data / "test" / "light").iterdir())
    assert cli.main(["predict", str(run), str(video)]) == 0
    assert "light" in capsys.readouterr().out


def test_no_video_of_the_test_list_has_a_part_in_training_or_choice(data, features, tmp_path):
    """Noise in place of the features of all test videos changes nothing but the measurement."""
    noise = spoilt_copy(features, tmp_path / "noise", of_test)
    for name, folder in (("a", features), ("b", noise)):
        assert probe(data, folder, tmp_path / name, kinds=("none", "snl", "mean_graph")) == 0
    first, second = (
        torch.load(tmp_path / name / "checkpoints" / "best.ckpt", weights_only=True)
        for name in "ab"
    )
    assert first["hyper_parameters"] == second["hyper_parameters"]
    assert all(torch.equal(v, second["state_dict"][k]) for k, v in first["state_dict"].items())
    for inner in (tmp_path / "a/inner").rglob("*.json"):
        name = inner.relative_to(tmp_path / "a")
        runs = [json.loads((tmp_path / n / name).read_text())["run"] for n in "ab"]
        for one in runs:
            one.pop("seconds")
        assert runs[0] == runs[1]
        assert not any(map(of_test, runs[0]["ids"]))
    # that noise is seen where it may be: in the measurement, and in training
    measured = [(tmp_path / n / "probe.md").read_text() for n in "ab"]
    assert measured[0] != measured[1]
    other = spoilt_copy(features, tmp_path / "other", lambda name: not of_test(name))
    assert probe(data, other, tmp_path / "c") == 0
    third = torch.load(tmp_path / "c/checkpoints/best.ckpt", weights_only=True)["state_dict"]
    assert not torch.equal(
        third["network.trunk.head.conv.weight"],
        first["state_dict"]["network.trunk.head.conv.weight"],
    )


def test_settings_are_chosen_without_reading_the_test_list(
    data, features, tmp_path, monkeypatch, capsys
):
    read = []

    def noting(files, videos, *, mirrored):
        read.extend(record.id for record in videos.records)
        return listed_features(files, videos, mirrored=mirrored)

    monkeypatch.setattr("snl_video.commands.probe.listed_features", noting)
    assert probe(data, features, tmp_path / "run", "--on=inner") == 0
    assert read
    assert not any(map(of_test, read))
    assert not (tmp_path / "run/checkpoints").exists()
    assert "videos held out of the training list" in capsys.readouterr().out


def test_what_is_trained_is_not_trained_again(data, features, tmp_path, monkeypatch, capsys):
    trained = []
    fit = probe_runs.fit_probe

    def counting(*arguments):
        trained.append(arguments)
        return fit(*arguments)

    monkeypatch.setattr(probe_runs, "fit_probe", counting)
    assert probe(data, features, tmp_path / "run") == 0
    assert len(trained) == 9  # two kinds x two seeds, inside and on the test list; the one kept
    before = (tmp_path / "run/probe.md").read_text()
    assert probe(data, features, tmp_path / "run") == 0
    assert len(trained) == 10
    assert (tmp_path / "run/probe.md").read_text() == before
    assert probe(data, features, tmp_path / "run", "--lr=0.1") == 1
    assert "other features, lists or settings" in capsys.readouterr().err


def test_a_video_that_could_not_be_read_is_wrong_and_told(data, features, tmp_path, capsys):
    folder = tmp_path / "features"
    shutil.copytree(features, folder)
    files = FeatureFiles(folder)
    bad = next(filter(of_test, files.rows))
    files.add(bad, None, "no frames")
    assert probe(data, folder, tmp_path / "run", kinds=("none",)) == 0
    assert f"counted as wrong: 1 of split 1, {bad}" in capsys.readouterr().out
    kept = json.loads((tmp_path / "run/test/none/split1_seed0.json").read_text())["run"]
    assert kept["predicted"][kept["ids"].index(bad)] == -1
    assert len(kept["ids"]) == 8


def test_what_does_not_fit_is_told(data, features, tmp_path, capsys):
    new = tmp_path / "mine"
    shutil.copytree(data, new)
    shutil.copy(next((data / "test" / "dark").iterdir()), new / "train" / "dark" / "new.mp4")
    assert probe(new, features, tmp_path / "run") == 1
    assert "no features of 1 of 13 videos (dark/new.mp4)" in capsys.readouterr().err
    assert probe(data, tmp_path / "nothing", tmp_path / "run") == 1
    assert "features are written by" in capsys.readouterr().err
    assert probe(data, features, tmp_path / "run", kinds=("none", "none")) == 2
    other = tmp_path / "features"
    shutil.copytree(features, other)
    about = json.loads((other / "features.json").read_text())
    about["origin"]["source"] = str(tmp_path / "gone.pth")
    (other / "features.json").write_text(json.dumps(about))
    assert probe(data, other, tmp_path / "run") == 1
    assert "gone.pth" in capsys.readouterr().err


def test_finetune_from_features_is_a_probe(data, features, tmp_path, capsys):
    words = ["finetune", str(data), f"--from_features={features}", f"--run_dir={tmp_path}/run"]
    assert cli.main([*words, "--kinds", "snl", *FIT]) == 0
    assert "Kept as a checkpoint: snl." in capsys.readouterr().out
    assert load_model(tmp_path / "run", device="cpu").classes == ["dark", "light"]
    assert cli.main([*words, "--config=blocks/gsnl"]) == 2
    assert "--config does not go with --from_features" in capsys.readouterr().err


def test_videos_of_several_labels_are_refused(features):
    several = VideoList([VideoRecord("a", -1, "a", labels=(0, 1))], ["x", "y"])
    with pytest.raises(InputError, match="one class a video"):
        listed_features(FeatureFiles(features), several, mirrored=True)
