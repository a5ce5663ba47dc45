"""Nothing of a training step reads a number of a tensor, for which a GPU would be waited for.

There is no GPU here: the reads themselves are counted, in Python and below it.
"""

import pytest
import pytorch_lightning as pl
import torch

from snl_video.training import Freezing, MovingAverage, OptimizerSpec
from snl_video.training.callbacks.precise_bn import estimate_statistics
from snl_video.training.view_scores import EvaluationSpec, ViewScores
from tests.training.host_waits import HostWaits, checked_elsewhere, ones_hot
from tests.training.test_precise_bn import all_norms
from tests.training.tiny import CLASSES, TinyData, classifier, trainer


class Watch(pl.Callback):
    """Watches every step but the first, from its batch to the end of its callbacks."""

    def __init__(self):
        self.found = []
        self.waits = None

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if batch_idx:
            self.waits = HostWaits().__enter__()

    def stop(self):
        if self.waits is not None:
            self.waits.close()
            self.found += self.waits.found
            self.waits = None


class Stop(pl.Callback):
    def __init__(self, watch):
        self.watch = watch

    def on_train_batch_end(self, *_):
        self.watch.stop()


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        lambda x: x.cpu(),
        lambda x: bool(x.sum() > 0),
        lambda x: float(x.sum()),
        lambda x: x[x > 0],
        lambda x: torch.equal(x, x),
        lambda x: torch.repeat_interleave(x, x.long()),
    ],
)
def test_a_read_is_found(read):
    with HostWaits() as waits:
        read(torch.ones(3))
    assert waits.found


def test_arithmetic_is_no_read():
    x = torch.ones(3, requires_grad=True)
    with HostWaits() as waits:
        (x * 2).relu().sum().backward()
    assert waits.found == []


def reads_of_steps(folder, monkeypatch, model, *callbacks, soft=False):
    """Train, and return the reads of every step that a GPU would see too."""
    monkeypatch.setattr(torch.nn.functional, "one_hot", ones_hot)
    # a block checks its input on a CPU only
    monkeypatch.setattr("snl_video.blocks.block.check_input", lambda x, channels: None)
    watch = Watch()
    run = trainer(
        folder,
        callbacks=[watch, *callbacks, Stop(watch)],
        gradient_clip_val=1.0,
        limit_val_batches=0,
    )
    run.fit(model, TinyData(soft=soft))
    assert run.global_step == 4
    return [place for place in watch.found if not checked_elsewhere(place)]


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize("soft", [False, True])
def test_a_training_step_reads_nothing(tmp_path, monkeypatch, name, soft):
    model = classifier(
        "i3d_r50",
        non_local={"kind": "snl"},
        optimizer=OptimizerSpec(name, lr=0.01),
        activation_checkpointing=soft,
    )
    callbacks = Freezing("res2"), MovingAverage()
    assert reads_of_steps(tmp_path, monkeypatch, model, *callbacks, soft=soft) == []


class Curious(pl.Callback):
    def on_before_optimizer_step(self, trainer, module, optimizer):
        print(next(module.parameters()).norm().item())


def test_a_read_in_a_training_step_is_found(tmp_path, monkeypatch):
    reads = reads_of_steps(tmp_path, monkeypatch, classifier(), Curious())
    assert [name for name, *_ in reads] == ["item", "_local_scalar_dense"] * 3


def test_a_batch_of_an_evaluation_is_copied_twice():
    scores = ViewScores(EvaluationSpec())
    batch = {"index": torch.arange(2), "label": torch.zeros(2, dtype=torch.int64)}
    with HostWaits() as waits:
        scores.update(batch, torch.randn(2, 3, CLASSES))
    assert [name for name, *_ in waits.found if name == "cpu"] == ["cpu", "cpu"]


def test_precise_statistics_read_nothing():
    model = classifier()
    batches = [torch.randn(2, 3, 4, 32, 32) for _ in range(2)]
    with HostWaits() as waits:
        estimate_statistics(all_norms(model), model.network, batches)
    assert waits.found == []


def test_a_moving_average_follows_the_network_to_its_device(tmp_path):
    model, average = classifier(), MovingAverage()
    run = trainer(tmp_path)
    average.setup(run, model, "fit")
    average.on_fit_start(run, model.to("meta"))
    followed = average._average_model
    assert {p.device.type for p in followed.module.parameters()} == {"meta"}
    assert followed.n_averaged.device.type == "cpu"
