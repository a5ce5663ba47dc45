"""The views of a real file are not one view many times over."""

import numpy as np
import pytest
import torch

from snl_video.data import ClipSettings, EvalVideos, VideoList, VideoRecord
from snl_video.data.transforms.crops import EvalTransform
from snl_video.evaluation.views import ViewSetting, settings_of


@pytest.fixture
def views(tmp_path):
    from tests.videos import write_video

    frames = np.random.default_rng(0).integers(0, 255, (40, 48, 80, 3), dtype=np.uint8)
    path = tmp_path / "noise.mp4"
    write_video(path, frames=frames)
    dataset = EvalVideos(
        VideoList([VideoRecord(str(path), 0, "noise.mp4")], ["noise"]),
        ClipSettings(4, 2),
        EvalTransform(48, 48, 3),
        num_clips=10,
    )
    return dataset[0]["clips"].float()


def test_thirty_views_are_thirty(views):
    assert len(views) == 30
    distance = torch.cdist(views.flatten(1), views.flatten(1))
    assert (distance + torch.eye(30) * 1e9).min() > 0


def test_a_cheaper_setting_is_the_centre_crop_of_a_middle_clip(views):
    whole = ViewSetting(10, 3)
    (view,) = settings_of(whole)[0].select(whole)
    left, centre, right = views[view - 1 : view + 2]
    offset = (80 - 48) // 2
    torch.testing.assert_close(centre[..., : 48 - offset], left[..., offset:])
    torch.testing.assert_close(centre[..., offset:], right[..., : 48 - offset])
