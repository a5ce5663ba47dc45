"""A training run with unreadable videos: replaced, told once, stopped past the limit."""

import ctypes
import logging
import os

import pytest
import pytorch_lightning as pl
import torch

from snl_video.data import (
    BadVideoSettings,
    ClipSettings,
    CropSettings,
    DecodingSettings,
    LoaderSettings,
    VideoDataModule,
)
from snl_video.data.decoding import guard
from snl_video.data.unreadable import UnreadableVideos, encode
from snl_video.errors import TooManyUnreadableError
from snl_video.training.callbacks.unreadable_report import UnreadableReport
from tests.videos import write_ucf101

pytestmark = pytest.mark.filterwarnings("ignore")


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.keys: set[str] = set()
        self.replaced = 0

    def training_step(self, batch, _):
        self.keys |= batch.keys()
        self.replaced += int(batch["replaced"].sum())
        return self.weight * 0

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(root, folder, epochs=3, num_workers=0, reported=True, **options):
    data = VideoDataModule(
        "ucf101",
        str(root),
        clip=ClipSettings(2, 2),
        crop=CropSettings(16, short_side=16),
        loader=LoaderSettings(batch_size=2, num_workers=num_workers, timeout=60),
        **options,
    )
    trainer = pl.Trainer(
        accelerator="cpu",
        logger=False,
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        max_epochs=epochs,
        callbacks=[UnreadableReport(data.unreadable)] if reported else [],
    )
    module = Module()
    trainer.fit(module, data)
    return module


@pytest.fixture
def root(tmp_path):
    """Ten training videos of two classes."""
    return write_ucf101(tmp_path / "ucf", per_class=6, num_frames=8)


def spoil(root, *names):
    for name in names:
        path = root / "videos" / name.split("_")[1] / f"{name}.mp4"
        path.write_bytes(b"this is not a video")


@pytest.mark.parametrize("num_workers", [0, 2])
def test_each_is_named_once_and_counted_every_epoch(root, tmp_path, caplog, num_workers):
    spoil(root, "v_Run_g03_c01")
    with caplog.at_level(logging.WARNING, "snl_video"):
        module = fit(root, tmp_path, num_workers=num_workers)
    assert module.keys == {"clips", "label", "index", "replaced"}
    texts = [record.getMessage() for record in caplog.records if "unreadable" in record.name]
    epochs = [text for text in texts if text.startswith("epoch")]
    assert len(epochs) == 3
    assert sum(int(text.split("replaced ")[1].split()[0]) for text in epochs) == module.replaced
    assert "".join(epochs).count("v_Run_g03_c01.mp4: no video stream") == 1
    assert "Run/v_Run_g03_c01.mp4: " in epochs[0]
    assert texts[-1].startswith("1 training videos were unreadable in this run")


def test_nothing_is_said_about_good_videos(root, tmp_path, caplog):
    fit(root, tmp_path, epochs=1)
    assert not [record for record in caplog.records if record.name.startswith("snl_video")]


def test_too_many_stop_the_run(root, tmp_path):
    spoil(root, "v_Run_g03_c01", "v_Jump_g02_c01")
    with pytest.raises(TooManyUnreadableError, match=r"2 of 10 .*s\.max_share=0\.1") as caught:
        fit(root, tmp_path)
    for part in ("Run/v_Run_g03_c01.mp4: ", "Jump/v_Jump_g02_c01.mp4: ", "no video stream"):
        assert part in str(caught.value)
    assert fit(root, tmp_path, bad_videos=BadVideoSettings(max_share=0.2)).replaced > 0


def test_the_limit_counts_videos_not_replacements():
    videos = UnreadableVideos(0.1, 20)
    for _ in range(5):
        videos.add([encode([("a", "cut short"), ("b", "empty")]), ""], epoch=0)
    with pytest.raises(TooManyUnreadableError, match="3 of 20"):
        videos.add([encode([("c", "text")])], epoch=0)
    videos.add([encode([("c", "text")])], epoch=1)
    assert videos.reasons == {"a": "cut short", "b": "empty", "c": "text"}


def test_without_the_report_every_epoch_counts_by_itself(root, tmp_path, caplog):
    """One video of ten may be unreadable in each; it is replaced, and nothing is said."""
    spoil(root, "v_Run_g03_c01")
    module = fit(root, tmp_path, reported=False, bad_videos=BadVideoSettings(max_share=0.0))
    assert module.replaced >= 3
    assert not [record for record in caplog.records if record.name.startswith("snl_video")]


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_bad_share_is_named(share):
    with pytest.raises(ValueError, match=f"max_share.*{share}"):
        BadVideoSettings(max_share=share)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")
def test_a_decoder_that_hangs_does_not_stop_the_run(root, tmp_path, caplog, monkeypatch):
    open_reader = guard.open_reader

    def hang(path, backend, *limits):
        if "v_Run_g03" in path:
            ctypes.PyDLL(None).pause()
        return open_reader(path, backend)

    monkeypatch.setattr(guard, "open_reader", hang)
    with caplog.at_level(logging.WARNING, "snl_video"):
        decoding = DecodingSettings(timeout=2.0)
        module = fit(root, tmp_path, epochs=2, num_workers=1, decoding=decoding)
    assert module.replaced >= 2
    assert "v_Run_g03_c01.mp4: its decoder did not answer within 2 s" in caplog.text
