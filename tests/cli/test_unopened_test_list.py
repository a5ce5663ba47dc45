"""Training with the recipes opens no video of a test list."""

from pathlib import Path

import pytest
import torch

from snl_video.data import datasets, open_video
from snl_video.data.formats import UCF101
from snl_video.recipe_files import find_recipe
from tests.cli.tiny_run import fit
from tests.test_configs import parse
from tests.videos import write_ucf101

ROOT = Path(__file__).parents[2]
RECIPES = sorted(f"{path.parent.name}/{path.stem}" for path in ROOT.glob("configs/*/*.yaml"))
OFFICIAL = [name for name in RECIPES if name.startswith(("ucf101/", "hmdb51/"))]
ONE_EPOCH = ["--trainer.max_epochs=1", "--checkpoint.monitor=null", "--seed_everything=1"]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """The same data set twice; in the second one the files of the test list hold no video."""
    folder = tmp_path_factory.mktemp("sets")
    whole, spoilt = (
        write_ucf101(folder / name, num_frames=8, size=(32, 40)) for name in ("whole", "spoilt")
    )
    for record in UCF101(spoilt).read("test").records:
        Path(record.path).write_bytes(b"no video")
    return whole, spoilt


@pytest.fixture
def opened(monkeypatch):
    """Names of the videos that a data set opens from here on."""
    names = set()

    def noting(path, *options):
        names.add(Path(path).name)
        return open_video(path, *options)

    monkeypatch.setattr(datasets, "open_video", noting)
    return names


def names_of(root, subset):
    return {Path(record.path).name for record in UCF101(root).read(subset).records}


def test_training_opens_the_training_list_only(sets, tmp_path, opened):
    weights = []
    for root in sets:
        folder = tmp_path / root.name
        fit(root, folder, *ONE_EPOCH, "--trainer.limit_val_batches=0")
        checkpoint = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
        weights.append(checkpoint["state_dict"])
    assert opened == names_of(sets[0], "train")
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_a_validation_on_the_test_list_would_be_seen(sets, tmp_path, opened):
    fit(sets[0], tmp_path / "run", *ONE_EPOCH)
    assert opened == names_of(sets[0], "train") | names_of(sets[0], "test")


@pytest.mark.parametrize("name", OFFICIAL)
def test_no_recipe_of_a_set_without_validation_list_validates(name):
    config = parse(find_recipe(name))
    assert config.trainer.limit_val_batches == 0
    assert config.checkpoint.monitor is None
