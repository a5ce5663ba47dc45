"""The wheel, installed in an environment of its own outside the checkout, does the work."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from snl_video import __version__
from snl_video.data.synthetic.motion import MotionSettings, write_motion
from snl_video.recipe_files import recipe_names
from snl_video.weights import build_model
from tests.videos import write_video

ROOT = Path(__file__).parents[1]
pytest.importorskip("hatchling", reason="the package is built without a network")
TINY = {
    "model": {"width": 8, "dropout": 0.0},
    "data": {
        "clip": {"num_frames": 4, "interval": 2},
        "crop": {"size": 32, "short_side": 32},
        "views": {"num_clips": 1, "num_crops": 1},
        "loader": {"batch_size": 4, "num_workers": 0},
    },
    "trainer": {"accelerator": "cpu", "max_epochs": 1, "enable_progress_bar": False},
}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, ROOT], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def snl_video(wheel, tmp_path_factory):
    """Runs `snl-video` of an environment that has the wheel, and shares the other packages."""
    home = tmp_path_factory.mktemp("elsewhere")
    venv.create(home / "env", symlinks=True)
    python = home / "env/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, wheel], check=True)
    (packages,) = (home / "env").glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["SNL_VIDEO_CACHE"] = str(home / "cache")

    def call(*words, program="snl-video"):
        done = subprocess.run(
            [home / "env/bin" / program, *map(str, words)],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    call.home = home
    where = call("-c", "import snl_video; print(snl_video.__file__)", program="python")
    assert where.startswith(str(packages))
    return call


def test_the_wheel_has_recipes_templates_and_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"snl_video/configs/{name}.yaml" for name in recipe_names()} <= names
    for path in (ROOT / "snl_video").rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert str(path.relative_to(ROOT)) in names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "docs"))]


def test_the_metadata_are_valid(wheel):
    twine = pytest.importorskip("twine.commands.check")
    assert not twine.check([str(wheel)], strict=True)


def test_it_knows_its_version_and_its_recipes(snl_video):
    assert snl_video("--version") == f"snl_video {__version__}\n"
    listed = snl_video("recipes").splitlines()
    assert [line for line in listed if not line.startswith(" ")] == recipe_names()
    assert snl_video("recipes", "demo") == (ROOT / "configs/demo.yaml").read_text()


@pytest.mark.slow
def test_it_predicts_with_weights_from_a_file(snl_video, tmp_path):
    torch.manual_seed(0)
    network = build_model("i3d_inception", 3, width=8)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    video = write_video(tmp_path / "clip.mp4", 20, (64, 80))
    options = ["--model.width=8", "--trainer.accelerator=cpu", "--data.crop.size=64"]
    options += ["--data.crop.short_side=64", "--data.views.num_clips=1", "--data.views.num_crops=1"]
    printed = snl_video(
        "predict",
        "--config=kinetics400/i3d_inception",
        f"--pretrained={tmp_path / 'weights.safetensors'}",
        "--data.predict.classes=[one,two,three]",
        f"--data.predict.paths={video}",
        f"--run_dir={tmp_path / 'run'}",
        *options,
    )
    assert "object at" not in printed
    (prediction,) = json.loads((tmp_path / "run/predictions.json").read_text())
    assert {entry["class"] for entry in prediction["top"]} == {"one", "two", "three"}


@pytest.mark.slow
def test_it_trains_the_demo_for_two_steps(snl_video, tmp_path):
    settings = MotionSettings(groups=3, clips_per_group=1, num_frames=12, height=32, width=40)
    root = write_motion(tmp_path / "motion", settings)
    options = [
        "--trainer.max_steps=2",
        "--data.format=ucf101",
        "--data.loader.num_workers=0",
    ]
    options += [f"--data.root={root}", f"--run_dir={tmp_path / 'run'}"]
    snl_video("fit", "--config=demo", *options)
    checkpoint = torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 2


@pytest.mark.slow
def test_it_fine_tunes_on_a_folder(snl_video, tmp_path):
    for value, name in ((60, "dark"), (190, "light")):
        for number in range(4):
            frames = np.full((10, 32, 40, 3), value + number, np.uint8)
            write_video(tmp_path / f"mine/{name}/{number}.mp4", frames=frames)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    options = [f"--recipe={tmp_path / 'tiny.yaml'}", f"--run_dir={tmp_path / 'run'}"]
    options += ["--trainer.max_epochs=1", "--data.holdout.share=0.25"]
    printed = snl_video("finetune", tmp_path / "mine", *options)
    assert f"predict a new video: snl-video predict {tmp_path / 'run'} new.mp4" in printed
    assert json.loads((tmp_path / "run/report/metrics.json").read_text())["complete"]
    video = tmp_path / "mine/dark/0.mp4"
    output = tmp_path / "found.json"
    snl_video("predict", tmp_path / "run", video, f"--output={output}")
    (found,) = json.loads(output.read_text())
    assert {entry["class"] for entry in found["top"]} == {"dark", "light"}
    code = "import snl_video, sys; print(snl_video.load_model(sys.argv[1]).predict(sys.argv[2]))"
    (line,) = snl_video("-c", code, tmp_path / "run", video, program="python").splitlines()
    assert line.startswith(f"{video}: {found['top'][0]['class']} ")
    seen = snl_video("timeline", tmp_path / "run", video, "--window=0.2")
    assert seen.startswith("00:00:00.000 - ")
