"""A checkpoint knows the videos of a folder that it was trained on. Nothing is trained here."""

from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from torch.utils.data import DataLoader

from snl_video.data import HoldoutSettings, PredictSettings, VideoDataModule
from snl_video.errors import AnnotationError
from tests.training.tiny import trainer as quiet_trainer


@pytest.fixture
def folder(tmp_path):
    return more_videos(tmp_path / "mine", range(10))


def more_videos(root, numbers):
    for name in ("run", "sit"):
        for number in numbers:
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name / f"{number}.mp4").touch()
    return root


def data(root, fn, **options):
    """A data module in the hands of a trainer that has called its `setup`."""
    module = VideoDataModule("folder", str(root), **options)
    module.trainer = SimpleNamespace(state=SimpleNamespace(fn=fn), callbacks=[])
    module.setup(fn.value)
    return module


def trained(root, **options):
    return data(root, TrainerFn.FITTING, **options).state_dict()


EVALUATIONS = [TrainerFn.FITTING, TrainerFn.VALIDATING, TrainerFn.TESTING]


def test_the_ids_of_the_training_videos_are_kept(folder):
    state = trained(folder)
    module = VideoDataModule("folder", str(folder))
    assert state == {"trained_on": sorted(r.id for r in module.video_list("train").records)}
    assert len(state["trained_on"]) == 16


@pytest.mark.parametrize("fn", EVALUATIONS)
def test_the_same_folder_is_evaluated_as_before(folder, fn):
    data(folder, fn).load_state_dict(trained(folder))


@pytest.mark.parametrize("fn", EVALUATIONS)
def test_held_out_videos_that_were_trained_on_are_refused(folder, fn):
    state = trained(folder)
    more_videos(folder, range(10, 40))
    module = data(folder, fn)
    held = [r.id for r in module.video_list("val").records]
    met = [name for name in held if name in state["trained_on"]]
    assert 0 < len(met) < len(held) == 16
    message = rf"on {len(met)} of the 16 videos .* held out of .*mine \({met[0]}"
    with pytest.raises(AnnotationError, match=message) as error:
        module.load_state_dict(state)
    assert "Make folders train/ and val/" in str(error.value)


def test_another_seed_is_another_choice(folder):
    states = [trained(folder, holdout=HoldoutSettings(seed=seed)) for seed in range(6)]
    other = next(state for state in states if state != states[0])
    with pytest.raises(AnnotationError, match=r"data\.holdout\.seed changed"):
        data(folder, TrainerFn.TESTING).load_state_dict(other)


EVERYTHING = {
    "trained_on": [f"{name}/{number}.mp4" for name in ("run", "sit") for number in range(10)]
}


def test_prediction_takes_any_video(folder):
    predict = PredictSettings(paths=[str(folder / "run")])
    data(folder, TrainerFn.PREDICTING, predict=predict).load_state_dict(EVERYTHING)
    data(folder, TrainerFn.PREDICTING).load_state_dict(EVERYTHING)
    VideoDataModule("folder", str(folder)).load_state_dict(EVERYTHING)


@pytest.mark.parametrize("fn", EVALUATIONS)
def test_lists_that_are_not_held_out_may_have_equal_names(folder, tmp_path, fn):
    for subset in ("train", "val", "test"):
        more_videos(tmp_path / "three" / subset, range(5))
    data(tmp_path / "three", fn).load_state_dict(EVERYTHING)
    whole = HoldoutSettings(share=0)
    data(folder, fn, holdout=whole).load_state_dict(EVERYTHING)
    assert trained(tmp_path / "three") == trained(folder, holdout=whole) == {}


def test_a_run_that_goes_on_keeps_what_was_trained_on_before(folder):
    module = data(folder, TrainerFn.FITTING)
    before = module.state_dict()["trained_on"]
    module.load_state_dict({"trained_on": ["run/removed.mp4"]})
    assert module.state_dict() == {"trained_on": sorted(["run/removed.mp4", *before])}


class Nothing(pl.LightningModule):
    """One number and no step that uses it."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch):
        return self.weight * 0

    def test_step(self, batch):
        pass

    def predict_step(self, batch):
        return 0

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


class Module(VideoDataModule):
    """Loaders that open no video."""

    def train_dataloader(self):
        return DataLoader(torch.zeros(2))

    val_dataloader = test_dataloader = predict_dataloader = train_dataloader


@pytest.mark.filterwarnings("ignore")
def test_lightning_keeps_them_in_a_checkpoint_and_asks_before_it_measures(folder, tmp_path):
    def run(fn, **options):
        trainer = quiet_trainer(tmp_path, limit_val_batches=0)
        getattr(trainer, fn)(Nothing(), datamodule=Module("folder", str(folder)), **options)
        return trainer

    file = tmp_path / "last.ckpt"
    run("fit").save_checkpoint(file)
    saved = torch.load(file, weights_only=True)
    assert len(saved["Module"]["trained_on"]) == 16
    run("test", ckpt_path=file)
    more_videos(folder, range(10, 40))
    for fn in ("fit", "test"):
        with pytest.raises(AnnotationError, match="the checkpoint was trained on"):
            run(fn, ckpt_path=file)
    run("predict", ckpt_path=file)
    del saved["Module"]
    torch.save(saved, file)
    run("test", ckpt_path=file)  # a checkpoint from before
