"""`--logger` names one more place to log to; the CSV files and the learning rate stay."""

import sys
from types import SimpleNamespace

import pytest
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.loggers.logger import DummyLogger

from snl_video.commands import run_loggers
from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import UsageError
from tests.cli.tiny_run import QUIET, TINY_DATA, TINY_MODEL
from tests.videos import write_ucf101


def test_tensorboard_is_as_it_was(tmp_path):
    first, second = run_loggers.loggers_of(tmp_path, "tensorboard")
    assert isinstance(first, TensorBoardLogger)
    assert first.log_dir == f"{tmp_path}/tensorboard/"
    assert isinstance(second, CSVLogger)


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_an_absent_package_is_one_sentence(monkeypatch, tmp_path, name):
    monkeypatch.setattr(run_loggers, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=f"--logger {name} needs the package {name}: pip install"):
        run_loggers.loggers_of(tmp_path, name)


def test_what_wandb_and_mlflow_are_told(monkeypatch, tmp_path):
    told = {}
    monkeypatch.setattr(run_loggers, "find_spec", lambda _: SimpleNamespace())
    monkeypatch.setattr(run_loggers, "WandbLogger", lambda **words: told.update(wandb=words))
    monkeypatch.setattr(
        run_loggers, "MLFlowLogger", lambda name, **words: told.update(mlflow=(name, words))
    )
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run_loggers.loggers_of(tmp_path / "mine", "wandb")
    run_loggers.loggers_of(tmp_path / "mine", "mlflow")
    assert told["wandb"] == {
        **{"name": "mine", "save_dir": tmp_path / "mine", "project": "snl_video"},
    }
    store = (tmp_path / "mine/mlruns").as_uri()
    assert told["mlflow"] == ("snl_video", {"run_name": "mine", "tracking_uri": store})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker:5000")
    run_loggers.loggers_of(tmp_path / "mine", "mlflow")
    assert told["mlflow"][1]["tracking_uri"] == "http://tracker:5000"


class Kept(DummyLogger):
    """Keeps the names of what is logged."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def log_metrics(self, metrics, step=None):
        self.names |= set(metrics)


def test_a_run_logs_to_both_with_the_learning_rate(monkeypatch, tmp_path):
    kept = Kept()
    monkeypatch.setitem(run_loggers.LOGGERS, "wandb", lambda run_dir: kept)
    monkeypatch.setattr(run_loggers, "find_spec", lambda _: SimpleNamespace())
    data = write_ucf101(tmp_path / "data", num_frames=10)
    words = [f"--run_dir={tmp_path / 'run'}", f"--data.root={data}", *TINY_DATA, *TINY_MODEL]
    VideoCLI(["fit", *words, *QUIET, "--trainer.max_epochs=1", "--logger=wandb"])
    (csv,) = (tmp_path / "run/csv").glob("version_*/metrics.csv")
    header = set(csv.read_text().splitlines()[0].split(","))
    rates = {name for name in header if name.startswith("lr-")}
    assert rates
    assert {"train/loss", "val/top1", *rates} <= header & kept.names
    assert not (tmp_path / "run/tensorboard").exists()


def test_two_places_to_name_a_logger(tmp_path):
    data = write_ucf101(tmp_path / "data", num_frames=10)
    words = [f"--run_dir={tmp_path / 'run'}", f"--data.root={data}", *TINY_DATA, *TINY_MODEL]
    with pytest.raises(UsageError, match=r"--logger wandb and trainer\.logger: name only one"):
        VideoCLI(["fit", *words, *QUIET, "--logger=wandb", "--trainer.logger=false"])
    assert "wandb" not in sys.modules
