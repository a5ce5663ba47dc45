"""The report of ``test``, and how its network was trained and evaluated."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console

from snl_video.evaluation.report.training_curves import read_curves
from snl_video.evaluation.report.write_report import write_report
from snl_video.evaluation.results import Evaluation
from snl_video.evaluation.terminal import headline_table, per_class_table, views_table
from snl_video.training.callbacks.network_summary import NetworkSummary
from snl_video.training.module import VideoClassifier


class EvaluationReport(pl.Callback):
    """Prints the result of ``test`` and writes its report.

    Args:
        folder: where the report goes.
        context: what was evaluated, for ``metrics.json`` and the page. The settings of the model
            and the data and the network's summary are added.
        show_frames: open the videos of the most confident mistakes again, to show their frames.
    """

    def __init__(
        self,
        folder: str | Path,
        context: dict[str, Any],
        show_frames: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.context = context
        self.show_frames = show_frames

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write and print, in the first process only."""
        assert isinstance(pl_module, VideoClassifier)
        results = pl_module.results
        if not trainer.is_global_zero or results is None:
            return
        views = pl_module.results_of_views
        loader: Any = trainer.test_dataloaders
        videos = loader.dataset.videos
        evaluation = Evaluation(
            results,
            pl_module.classes,
            [record.id for record in videos.records],
            views=views,
            setting=list(views)[-1],
            absent=videos.missing,
        )
        write_report(
            self.folder,
            evaluation,
            {**recipe_context(trainer, pl_module), **self.context},
            open_video=loader.dataset.open if self.show_frames else None,
            curves=read_curves(self.folder.parent / "csv"),
        )
        console = Console()
        console.print(per_class_table(results, pl_module.classes))
        console.print(views_table(views))
        console.print(headline_table(results, "test" if results.complete else "test (PARTIAL)"))
        page = self.folder / "report.html"
        console.print(f"report: {page}", soft_wrap=True, markup=False)


def recipe_context(trainer: pl.Trainer, module: VideoClassifier) -> dict[str, Any]:
    """Return how the network was trained and evaluated, what it costs, and where it started."""
    trained = {"hyper_parameters": dict(module.hparams), **module.origin}
    data = getattr(trainer, "datamodule", None)
    recipe: dict[str, dict[str, Any]] = {
        "model": trained["hyper_parameters"],
        "pretrained": trained.get("pretrained") or {},
        "freeze": trained.get("freeze") or {},
        "training": {
            "epochs": trained["epoch"] + 1 if "epoch" in trained else None,
            "steps": trained.get("global_step"),
        },
        "data": dict(data.hparams) if data is not None else {},
        "evaluation": {
            "protocol": module.network.protocol,
            **asdict(module.scores.spec),
            "precision": trainer.precision,
            "processes": trainer.world_size,
            "torch": torch.__version__,
            "lightning": pl.__version__,
        },
    }
    hidden = ("classes", "predict", "evaluation", "_instantiator")
    recipe = {
        section: {name: value for name, value in settings.items() if name not in hidden}
        for section, settings in recipe.items()
        if any(value is not None for value in settings.values()) or section == "training"
    }
    callbacks = getattr(trainer, "callbacks", [])
    summaries = [c.summary for c in callbacks if isinstance(c, NetworkSummary)]
    loaded = {"load_report": trained["load_report"]} if trained.get("load_report") else {}
    return {"recipe": recipe, "network": summaries[0] if summaries else {}, **loaded}
