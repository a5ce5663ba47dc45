"""A folder of one's own videos, and a recipe for a narrow network."""

import numpy as np
import pytest
import yaml

from tests.videos import write_video

RECIPE = {
    "run_dir": "never/used",
    "model": {"width": 8, "dropout": 0.0},
    "data": {
        "clip": {"num_frames": 4, "interval": 2},
        "crop": {"size": 32, "short_side": 32},
        "views": {"num_clips": 2, "num_crops": 1},
        "loader": {"batch_size": 4},
    },
    "trainer": {
        "accelerator": "cpu",
        "max_epochs": 1,
        "enable_progress_bar": False,
    },
}


@pytest.fixture(scope="session")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "my clips"
    for value, name in ((60, "dark"), (190, "light")):
        for group in range(1, 5):
            for clip in (1, 2):
                frames = np.full((10, 32, 40, 3), value + group, np.uint8)
                write_video(root / name / f"v_{name}_g{group:02d}_c{clip:02d}.mp4", frames=frames)
    return root
