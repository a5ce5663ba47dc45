"""What the report after a test says of how the network was trained."""

from types import SimpleNamespace

import pytorch_lightning as pl

from snl_video.training import VideoClassifier
from snl_video.training.callbacks import _context


def context(model, callbacks=()):
    data = pl.LightningDataModule()
    data.save_hyperparameters({"num_clips": 10, "predict_paths": ["a"], "class_names": ["b"]})
    trainer = SimpleNamespace(
        datamodule=data, precision="32-true", world_size=1, callbacks=list(callbacks)
    )
    return _context(trainer, model)


def test_the_recipe_is_that_of_the_weights_and_the_averaging_that_of_the_test():
    model = VideoClassifier("i3d_r50", 3, width=8, average="logits")
    trained = {"optimizer": {"lr": 0.7}, "average": "probabilities", "classes": ["x"]}
    model.on_load_checkpoint({"hyper_parameters": trained, "epoch": 4, "global_step": 99})
    recipe = context(model)["recipe"]
    assert recipe["model"] == {"optimizer": {"lr": 0.7}}
    assert recipe["training"] == {"epochs": 5, "steps": 99}
    assert recipe["evaluation"]["average"] == "logits"
    assert recipe["data"] == {"num_clips": 10}
    assert "classes" in trained


def test_without_a_checkpoint_the_settings_are_the_module_s_own():
    recipe = context(VideoClassifier("i3d_r50", 3, width=8))["recipe"]
    assert recipe["model"]["width"] == 8
    assert recipe["training"] == {"epochs": None, "steps": None}
