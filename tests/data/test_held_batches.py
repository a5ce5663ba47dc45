"""How much loaded video the workers of an evaluation hold."""

import pytest

from snl_video.data import ClipSettings, CropSettings, LoaderSettings, VideoDataModule, ViewSettings
from snl_video.data.loaders import MOST_HELD
from tests.videos import write_video


@pytest.fixture
def root(tmp_path):
    for subset in ("train", "val", "test"):
        write_video(tmp_path / f"{subset}/a/{subset}.mp4", num_frames=8)
    return tmp_path


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize(
    ("frames", "num_workers", "ahead"), [(8, 2, 4), (32, 8, 2), (32, 32, 1), (128, 32, 1)]
)
def test_long_samples_are_loaded_fewer_ahead(root, frames, num_workers, ahead):
    """A sample of 10x3 views of 32x256x256 has 189 MB."""
    data = VideoDataModule(
        "folder",
        str(root),
        clip=ClipSettings(frames, 2),
        crop=CropSettings(size=224, test_size=256, short_side=256),
        views=ViewSettings(num_clips=10, num_crops=3),
        loader=LoaderSettings(num_workers=num_workers, prefetch_factor=4),
    )
    data.setup("test")
    loader = data.test_dataloader()
    assert loader.prefetch_factor == ahead
    sample = 30 * 3 * frames * 256**2
    assert ahead == 1 or ahead * num_workers * sample <= MOST_HELD
