"""Batch-norm statistics of the weights as they are, measured over many batches."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import pytorch_lightning as pl
import torch
import torch.distributed
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from snl_video.errors import InputError
from snl_video.training.callbacks.freezing import Freezing
from snl_video.training.module import VideoClassifier
from snl_video.training.training_data import training_data


class Moments:
    """Count, mean (C,) and sum of squared deviations (C,) of all values so far, in float64.

    Batches are joined exactly (Chan, Golub and LeVeque, 1979), so the result is that of all values
    at once.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: Tensor = torch.zeros(())
        self.squares: Tensor = torch.zeros(())

    def add(self, count: int, mean: Tensor, squares: Tensor) -> None:
        """Join ``count`` more values of this mean and this sum of squared deviations."""
        total = self.count + count
        delta = mean - self.mean
        self.squares = self.squares + squares + delta**2 * (self.count * count / total)
        self.mean = self.mean + delta * (count / total)
        self.count = total


def estimate_statistics(
    norms: Sequence[_BatchNorm], forward: Callable[[Any], Any], batches: Iterable[Any]
) -> None:
    """Set the running statistics of ``norms`` to those of their inputs over all ``batches``.

    As described for fvcore's precise batch norm (and in Wu and Johnson, "Rethinking 'Batch' in
    BatchNorm", 2021): the weights stay fixed, every batch is normalised by its own statistics, and
    the population's replace the moving averages, which lag behind the weights. The mean is that of
    all values; the variance is theirs too, the mean of the batch variances plus the variance of the
    batch means, with Bessel's correction, as batch norm stores it. On several processes the
    batches of all are joined.

    Args:
        norms: layers to measure; they are left in the mode they had.
        forward: runs the network on one batch; its other layers should be in evaluation mode.
        batches: at least one.

    Raises:
        InputError: no batch at all.
    """
    moments = [Moments() for _ in norms]
    before = [(norm.momentum, norm.training, _clone(norm.num_batches_tracked)) for norm in norms]
    hooks = [
        norm.register_forward_hook(_collector(of_norm))
        for norm, of_norm in zip(norms, moments, strict=True)
    ]
    seen = 0
    try:
        for norm in norms:
            norm.momentum = 1.0
            norm.train()
        with torch.no_grad():
            for batch in batches:
                forward(batch)
                seen += 1
    finally:
        for hook in hooks:
            hook.remove()
        for norm, (momentum, training, tracked) in zip(norms, before, strict=True):
            norm.momentum = momentum
            norm.train(training)
            norm.num_batches_tracked = tracked
    if norms and not seen:
        raise InputError("precise batch norm got no batch to measure; is the training list empty?")
    for norm, of_norm in zip(norms, _joined(moments), strict=True):
        if of_norm.count > 1:
            cast(Tensor, norm.running_mean).copy_(of_norm.mean)
            cast(Tensor, norm.running_var).copy_(of_norm.squares / (of_norm.count - 1))


class PreciseBatchNorm(pl.Callback):
    """Measures the batch-norm statistics anew before every validation and at the end of training.

    Training batches of the epoch are read once more for it. Layers whose statistics are frozen are
    left out. With a moving average of the weights, which must come before this callback, the
    statistics are those of the averaged network.

    Args:
        num_batches: of each process, at most those of one epoch.
    """

    def __init__(self, num_batches: int = 200) -> None:
        if num_batches < 1:
            raise InputError(f"num_batches must be at least 1, got {num_batches}")
        self.num_batches = num_batches
        self._measured_at = -1

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Check what comes with it.

        Raises:
            InputError: an averaging of weights comes later, or there is no data module.
        """
        if stage != "fit":
            return
        training_data(trainer, "PreciseBatchNorm")
        callbacks = _callbacks(trainer)
        if any(isinstance(c, WeightAveraging) for c in callbacks[callbacks.index(self) :]):
            raise InputError(
                "PreciseBatchNorm must come after the averaging of weights in trainer.callbacks, "
                "or it would measure other weights than those that are validated"
            )

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure, unless this is not part of training."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._measure(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure, if training went on after the last validation."""
        if self._measured_at != trainer.global_step:
            self._measure(trainer, pl_module)

    def _measure(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, VideoClassifier)
        freezing = [c for c in _callbacks(trainer) if isinstance(c, Freezing)]
        held = {id(norm) for callback in freezing for norm in callback.held_norms()}
        norms = [
            norm
            for norm in module.network.modules()
            if isinstance(norm, _BatchNorm) and norm.track_running_stats and id(norm) not in held
        ]
        modes = {layer: layer.training for layer in module.network.modules()}
        module.network.eval()
        try:
            with torch.random.fork_rng(devices=[]), trainer.precision_plugin.forward_context():
                estimate_statistics(norms, module, self._clips(trainer))
        finally:
            for layer, training in modes.items():
                layer.training = training
        self._measured_at = trainer.global_step

    def _clips(self, trainer: pl.Trainer) -> Iterable[Tensor]:
        """Clips (B, 3, T, H, W) of the epoch's training batches, as training gets them."""
        loader = training_data(trainer, "PreciseBatchNorm").train_dataloader()
        sampler: Any = getattr(loader, "sampler", None)
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(trainer.current_epoch)
        for batch in itertools.islice(loader, self.num_batches):
            batch.pop("unreadable", None)
            yield trainer.strategy.batch_to_device(batch)["clips"].flatten(0, 1)


def _collector(moments: Moments) -> Callable[[nn.Module, Any, Any], None]:
    def collect(norm: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        x = inputs[0]
        count = x.numel() // x.shape[1]
        mean, variance = (
            _exact(cast(Tensor, value)) for value in (norm.running_mean, norm.running_var)
        )
        moments.add(count, mean, variance * (count - 1))

    return collect


def _exact(value: Tensor) -> Tensor:
    """In float64, on the CPU where the device has none."""
    return value.cpu().double() if value.device.type == "mps" else value.double()


def _joined(moments: list[Moments]) -> list[Moments]:
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return moments
    for part in moments:  # a device of one process may not be another's
        part.mean, part.squares = part.mean.cpu(), part.squares.cpu()
    everyone: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(everyone, moments)
    joined = []
    for of_layer in zip(*everyone, strict=True):
        total = Moments()
        for part in of_layer:
            if part.count:
                total.add(part.count, part.mean, part.squares)
        joined.append(total)
    return joined


def _clone(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.clone()


def _callbacks(trainer: pl.Trainer) -> list[pl.Callback]:
    return trainer.callbacks  # type: ignore[attr-defined]
