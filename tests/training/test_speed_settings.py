"""Settings that make training faster and leave its numbers as they are."""

import pytest
import torch
from torch import nn

from snl_video.commands.video_trainer import VideoTrainer
from snl_video.training import OptimizerSpec
from snl_video.training.optim import build_optimizer
from tests.training.tiny import classifier


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_fused_optimiser_makes_the_same_steps(name):
    weights = []
    for fused in (None, True):
        model = classifier()
        spec = OptimizerSpec(name, lr=0.01, weight_decay=0.1, fused=fused)
        optimizer = build_optimizer(model.network, spec)
        assert [group["fused"] for group in optimizer.param_groups] == [fused] * len(
            optimizer.param_groups
        )
        generator = torch.Generator().manual_seed(0)
        for _ in range(3):
            for parameter in model.parameters():
                parameter.grad = torch.randn(parameter.shape, generator=generator)
            optimizer.step()
        weights.append(dict(model.named_parameters()))
    torch.testing.assert_close(weights[1], weights[0], rtol=1e-5, atol=1e-6)


def test_a_compiled_network_keeps_the_names_of_its_weights(monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda module: compiled.append(module))
    model = classifier(compile=True)
    assert compiled == [model.network]
    assert list(model.state_dict()) == list(classifier().state_dict())
    assert len(compiled) == 1


@pytest.mark.parametrize(("tf32", "precision"), [(True, "high"), (False, "highest")])
def test_tf32_is_of_matrix_products(tf32, precision):
    try:
        VideoTrainer(tf32=tf32, accelerator="cpu", logger=False)
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision("highest")
