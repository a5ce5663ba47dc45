"""One option decides the protocol of data and network; checkpoints and reports name it."""

import json
import logging

import pytest
import torch

from snl_video import load_model
from snl_video.commands.video_cli import VideoCLI
from snl_video.data import ClipSettings, VideoDataModule
from snl_video.errors import InputError
from snl_video.training import VideoClassifier
from tests.cli.tiny_run import QUIET, TINY_DATA, TINY_MODEL


@pytest.fixture(scope="module")
def other(run, tmp_path_factory):
    """A checkpoint of a run with protocol mmaction2."""
    path = tmp_path_factory.mktemp("other") / "other.ckpt"
    checkpoint = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    checkpoint["hyper_parameters"]["protocol"] = "mmaction2"
    checkpoint["datamodule_hyper_parameters"]["clip"]["protocol"] = "mmaction2"
    torch.save(checkpoint, path)
    return path


def test_a_checkpoint_names_its_protocol_and_that_is_proposed(run, other, tmp_path):
    own = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    assert own["hyper_parameters"]["protocol"] == "snl_video"
    assert own["datamodule_hyper_parameters"]["clip"]["protocol"] == "snl_video"
    cli = VideoCLI(["test", f"--ckpt_path={other}", f"--run_dir={tmp_path}", *QUIET])
    assert cli.datamodule.loaders.clip.protocol == cli.model.network.protocol == "mmaction2"
    told = json.loads((tmp_path / "report/metrics.json").read_text())["recipe"]
    assert told["evaluation"]["protocol"] == told["model"]["protocol"] == "mmaction2"
    assert "mmaction2" in (tmp_path / "report/report.html").read_text()
    recogniser = load_model(other)
    assert recogniser.viewing.clip.protocol == recogniser.network.protocol == "mmaction2"


@pytest.fixture
def lightning_log(caplog):
    """What Lightning logs, which it keeps from the root."""
    caplog.set_level(logging.INFO, "pytorch_lightning")
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning.pytorch")]
    for logger in loggers:
        logger.addHandler(caplog.handler)
    yield caplog
    for logger in loggers:
        logger.removeHandler(caplog.handler)


def test_another_protocol_is_a_choice_that_is_told(other, tmp_path, lightning_log):
    words = ["test", f"--ckpt_path={other}", f"--run_dir={tmp_path}", "--protocol=pyslowfast"]
    cli = VideoCLI([*words, *QUIET])
    assert cli.datamodule.loaders.clip.protocol == cli.model.network.protocol == "pyslowfast"
    assert "trained with mmaction2 and is evaluated with pyslowfast" in lightning_log.text


def test_a_checkpoint_of_before_has_todays_frames(run, tmp_path):
    checkpoint = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    del checkpoint["hyper_parameters"]["protocol"]
    clip = checkpoint["datamodule_hyper_parameters"]["clip"]
    clip.update(short="repeat")
    del clip["protocol"]
    torch.save(checkpoint, tmp_path / "old.ckpt")
    new, old = load_model(run), load_model(tmp_path / "old.ckpt")
    assert old.network.protocol == old.viewing.clip.protocol == "snl_video"
    frames = torch.randint(256, (12, 40, 48, 3), dtype=torch.uint8)
    assert torch.equal(new.scores(frames), old.scores(frames))


def test_a_run_goes_on_with_its_protocol_only(run, videos, tmp_path):
    last = run / "checkpoints/last.ckpt"
    words = ["fit", f"--ckpt_path={last}", f"--run_dir={tmp_path}", f"--data.root={videos}"]
    options = [*TINY_MODEL, *TINY_DATA, *QUIET, "--model.non_local.kind=snl"]
    with pytest.raises(InputError, match="began with protocol snl_video and would go on with mma"):
        VideoCLI([*words, *options, "--protocol=mmaction2", "--trainer.max_epochs=2"])


def test_data_and_network_have_the_same_protocol(videos):
    import pytorch_lightning as pl

    data = VideoDataModule("ucf101", str(videos), clip=ClipSettings(2, 2, protocol="mmaction2"))
    model = VideoClassifier("i3d_r50", 10, width=8, classes=data.classes)
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(accelerator="cpu", fast_dev_run=True, **options)
    with pytest.raises(InputError, match="data follow protocol mmaction2 and the network snl_vid"):
        trainer.fit(model, data)
