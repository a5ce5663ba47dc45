"""Eight-bit networks: near the float one, and measured on the test list."""

import numpy as np
import pytest
import torch

from snl_video.data.clips import ClipSettings
from snl_video.data.datasets import EvalVideos
from snl_video.data.unreadable import BadVideoSettings
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.evaluation.views import ViewSetting
from snl_video.inference.engines.engine import Engine
from snl_video.inference.engines.int8_export import first_clips
from snl_video.inference.engines.measured_accuracy import accuracy_table, measure_accuracy
from snl_video.inference.viewing import Viewing
from tests.videos import write_video

VIEWING = Viewing(ClipSettings(4, 2), short_side=36, size=32, views=ViewSetting(2, 1))


class Brightness(Engine):
    """Class 1 where the mean of a clip is above a threshold."""

    device = torch.device("cpu")

    def __init__(self, name, threshold):
        self.name, self.threshold = name, threshold

    def __call__(self, clips):
        light = clips.float().mean(dim=(1, 2, 3, 4)) - self.threshold
        return torch.stack([-light, light], dim=1)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Four readable videos and a bad one."""
    folder = tmp_path_factory.mktemp("videos")
    found = {}
    for value, label in ((40, 0), (110, 0), (160, 1), (220, 1)):
        path = folder / f"{value}.mp4"
        write_video(path, frames=np.full((12, 40, 48, 3), value, np.uint8))
        found[str(path)] = label
    bad = folder / "bad.mp4"
    bad.write_text("no video")
    paths = {**found, str(bad): 0}
    records = [VideoRecord(path, label, path) for path, label in paths.items()]
    return EvalVideos(
        VideoList(records, ["dark", "light"]),
        VIEWING.clip,
        VIEWING.transform,
        VIEWING.views.num_clips,
        bad_videos=BadVideoSettings(evaluation="wrong"),
    )


def test_a_bad_video_is_wrong_and_both_engines_see_the_same(videos):
    rows = measure_accuracy([Brightness("a", 130), Brightness("b", 90)], VIEWING, videos)
    assert [(row.num_videos, row.correct) for row in rows] == [(5, 4), (5, 3)]
    assert all(row.videos_per_second > 0 for row in rows)
    assert "| b | 3 of 5 | 60.0 % | -20.0 |" in accuracy_table(rows)


def test_calibration_takes_one_view_of_each_readable_video(videos):
    clips = first_clips(videos, 5)
    assert [clip.shape for clip in clips] == [(1, 3, 4, 32, 32)] * 4
    assert [round(clip.float().mean().item(), -1) for clip in clips] == [40, 110, 160, 220]
    assert len(first_clips(videos, 2)) == 2
