"""A narrow recogniser with random weights, and videos for it."""

import pytest
import torch

from snl_video.data.clips import ClipSettings
from snl_video.evaluation.views import ViewSetting
from snl_video.inference.recognizer import Recognizer
from snl_video.inference.viewing import Viewing
from snl_video.weights import build_model
from tests.videos import write_video

CLASSES = ["jump", "run", "<b>sit</b>"]


@pytest.fixture(scope="session")
def recognizer():
    torch.manual_seed(0)
    network = build_model("c2d_r50", len(CLASSES), width=8, dropout=0.0)
    viewing = Viewing(ClipSettings(4, 3), short_side=40, size=32, views=ViewSetting(2, 3))
    return Recognizer(network, CLASSES, viewing, source="test", device="cpu")


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "a.mp4", num_frames=40)
