"""Videos, and a finished run on them."""

import pytest

from snl_video.data.synthetic.motion import MotionSettings, write_motion
from tests.cli.tiny_run import fit


@pytest.fixture(scope="session")
def videos(tmp_path_factory):
    settings = MotionSettings(groups=3, clips_per_group=1, num_frames=12, height=32, width=40)
    return write_motion(tmp_path_factory.mktemp("motion") / "motion", settings)


@pytest.fixture(scope="session")
def run(videos, tmp_path_factory):
    """A finished run of one epoch with a block: its folder."""
    folder = tmp_path_factory.mktemp("run") / "run"
    fit(videos, folder, "--trainer.max_epochs=1", "--model.non_local.kind=snl")
    return folder
