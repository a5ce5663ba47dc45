"""What the report after a test says of how the network was trained."""

import json
from types import SimpleNamespace

import pytorch_lightning as pl

from snl_video.evaluation.report.mistakes import confident_mistakes
from snl_video.training import EvaluationSpec, VideoClassifier
from snl_video.training.callbacks.evaluation_report import EvaluationReport, recipe_context
from snl_video.training.callbacks.network_summary import NetworkSummary
from tests.evaluation.cases import random_results


def context(model, callbacks=()):
    data = pl.LightningDataModule()
    data.save_hyperparameters(
        {"views": {"num_clips": 10}, "predict": {"paths": ["a"], "classes": ["b"]}}
    )
    trainer = SimpleNamespace(
        datamodule=data, precision="32-true", world_size=1, callbacks=list(callbacks)
    )
    return recipe_context(trainer, model)


def test_the_recipe_is_that_of_the_weights_and_the_averaging_that_of_the_test():
    model = VideoClassifier("i3d_r50", 3, width=8, evaluation=EvaluationSpec("logits"))
    evaluation = {"average": "probabilities"}
    trained = {"optimizer": {"lr": 0.7}, "evaluation": evaluation, "classes": ["x"]}
    freeze = {"until": "res3", "norm": False, "unfreeze": None}
    model.on_load_checkpoint(
        {"hyper_parameters": trained, "freeze": freeze, "epoch": 4, "global_step": 99}
    )
    recipe = context(model)["recipe"]
    assert recipe["model"] == {"optimizer": {"lr": 0.7}}
    assert recipe["freeze"] == freeze
    assert "pretrained" not in recipe
    assert recipe["training"] == {"epochs": 5, "steps": 99}
    assert recipe["evaluation"]["average"] == "logits"
    assert recipe["data"] == {"views": {"num_clips": 10}}
    assert "classes" in trained


def test_without_a_checkpoint_the_settings_are_the_module_s_own():
    recipe = context(VideoClassifier("i3d_r50", 3, width=8))["recipe"]
    assert recipe["model"]["width"] == 8
    assert recipe["training"] == {"epochs": None, "steps": None}


def test_the_callback_hands_everything_to_the_report(tmp_path, capsys):
    results = random_results(12, 3, failed=(2,), skill=0.5)
    model = VideoClassifier("i3d_r50", 3, width=8, classes=["a", "b", "c"])
    model.results = results
    model.results_of_views = {"1x1": random_results(12, 3, seed=1, failed=(2,)), "2x1": results}
    records = [SimpleNamespace(id=f"id {i}", path=f"/videos/{i}.mp4") for i in range(12)]
    videos = SimpleNamespace(records=records, missing=["gone.mp4"])
    opened = []
    loader = SimpleNamespace(dataset=SimpleNamespace(videos=videos, open=opened.append))
    summary = NetworkSummary(4, 32)
    summary.summary = {"clip_shape": [3, 4], "parameters": 7, "gmacs": 0.5, "blocks": []}
    trainer = SimpleNamespace(
        is_global_zero=True,
        test_dataloaders=loader,
        precision="32-true",
        world_size=1,
        callbacks=[summary],
    )
    report = EvaluationReport(tmp_path, {"checkpoint": "best.ckpt"}, show_frames=True)
    report.on_test_end(trainer, model)
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    assert (numbers["listed"], numbers["scored"], numbers["failed"], numbers["absent"]) == (
        13,
        11,
        1,
        1,
    )
    assert numbers["setting"] == "2x1"
    assert [view["setting"] for view in numbers["views"]] == ["1x1", "2x1"]
    assert numbers["network"]["parameters"] == 7
    assert numbers["checkpoint"] == "best.ckpt"
    mistakes = confident_mistakes(results)
    assert opened == [item.index for item in mistakes]
    printed = capsys.readouterr().out
    assert "views (clips x crops)" in printed
    assert "report.html" in printed


def test_other_processes_write_nothing(tmp_path):
    model = VideoClassifier("i3d_r50", 3, width=8)
    model.results = random_results(4, 3)
    EvaluationReport(tmp_path / "r", {}).on_test_end(SimpleNamespace(is_global_zero=False), model)
    assert not (tmp_path / "r").exists()
