"""Trains the head of a probe on features that are in memory."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from snl_video.models.probe_network import ProbeHead, ProbeHeadSpec
from snl_video.training.parameter_groups import parameter_groups

VIDEOS_A_FORWARD = 64


@dataclass(frozen=True)
class ProbeFitSettings:
    """How a probe is trained: AdamW, a cosine schedule after a short warm-up.

    Attributes:
        inner_channels: C_s of the block.
        channels: after the 1x1x1 convolution.
        dropout: before the last layer.
        steps: optimiser steps.
        batch_size: videos of a step, one view of each.
        lr: peak learning rate.
        weight_decay: on weights of two or more dimensions.
        label_smoothing: share of the target spread over all classes.
    """

    inner_channels: int = 64
    channels: int = 256
    dropout: float = 0.5
    steps: int = 400
    batch_size: int = 16
    lr: float = 1e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1


WARM_UP = 0.05
"""Share of the steps in which the learning rate rises."""


def fit_probe(
    features: Tensor,
    labels: Tensor,
    spec: ProbeHeadSpec,
    num_classes: int,
    settings: ProbeFitSettings,
    seed: int,
) -> ProbeHead:
    """Train a head; the same seed gives the same head.

    Every epoch takes the videos in a new order, and of each a view at random.

    Args:
        features: of the training videos (N, V, C, T, H, W) or (N, V, C), of any float type.
        labels: (N,) int64.
        spec: of the head.
        num_classes: size of the logits.
        settings: of the training.
        seed: of weights, order, views and dropout.

    Returns:
        The head, in evaluation mode.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = spec.build(features.shape[2], num_classes).train()
        groups = parameter_groups(
            head,
            lr=settings.lr,
            weight_decay=settings.weight_decay,
            factors={},
            layer_decay=1.0,
        )
        optimizer = torch.optim.AdamW(groups)
        order = torch.empty(0, dtype=torch.int64)
        for step in range(settings.steps):
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * _share_of_lr(step, settings.steps)
            while len(order) < settings.batch_size:
                order = torch.cat([order, torch.randperm(len(labels))])
            batch, order = order[: settings.batch_size], order[settings.batch_size :]
            view = torch.randint(features.shape[1], (len(batch),))
            logits = head(features[batch, view].float())
            loss = F.cross_entropy(logits, labels[batch], label_smoothing=settings.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    return head.eval()


@torch.inference_mode()
def probe_scores(head: ProbeHead, features: Tensor) -> Tensor:
    """Map features (N, V, C, ...) to probabilities (N, K), the mean over the views."""
    scores = [
        head(part.flatten(0, 1).float()).softmax(1).unflatten(0, part.shape[:2]).mean(1)
        for part in features.split(VIDEOS_A_FORWARD)
    ]
    return torch.cat(scores)


def _share_of_lr(step: int, steps: int) -> float:
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising))) / 2
