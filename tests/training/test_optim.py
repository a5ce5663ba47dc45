import math

import pytest
import torch
from torch import nn

from snl_video.training.optim import (
    OptimizerSpec,
    ScheduleSpec,
    build_optimizer,
    learning_rate_factor,
    steps_of,
)


def test_norms_and_biases_have_no_weight_decay():
    module = nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.Linear(4, 2))
    optimizer = build_optimizer(module, OptimizerSpec(weight_decay=0.1))
    decayed, free = optimizer.param_groups
    assert decayed["weight_decay"] == 0.1
    assert free["weight_decay"] == 0
    assert {id(p) for p in decayed["params"]} == {id(module[0].weight), id(module[2].weight)}
    assert len(free["params"]) == 4


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_frozen_parameter_has_no_step_no_decay_and_no_state(name):
    module = nn.Linear(4, 2)
    module.weight.requires_grad_(False)
    optimizer = build_optimizer(module, OptimizerSpec(name=name, weight_decay=0.5))
    before = {key: value.detach().clone() for key, value in module.named_parameters()}
    for _ in range(2):
        optimizer.zero_grad()
        module(torch.ones(1, 4)).sum().backward()
        optimizer.step()
    assert torch.equal(module.weight, before["weight"])
    assert not torch.equal(module.bias, before["bias"])
    assert list(optimizer.state) == [module.bias]


def test_cosine_by_hand():
    factor = learning_rate_factor(ScheduleSpec("cosine"), num_steps=100, steps_per_epoch=10)
    assert factor(0) == 1
    assert factor(50) == pytest.approx(0.5)
    assert factor(25) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))
    assert factor(100) == pytest.approx(0)


def test_warmup_rises_linearly_into_the_curve():
    spec = ScheduleSpec("cosine", warmup_epochs=2, warmup_factor=0.1)
    factor = learning_rate_factor(spec, num_steps=100, steps_per_epoch=10)
    target = 0.5 * (1 + math.cos(math.pi * 0.2))
    assert factor(0) == pytest.approx(0.1)
    assert factor(10) == pytest.approx((0.1 + target) / 2)
    assert factor(20) == pytest.approx(target)


def test_lengths_in_epochs_hold_where_the_run_ends_in_the_middle_of_one():
    spec = ScheduleSpec("multistep", warmup_epochs=0.5, warmup_factor=0.0, milestones=[1, 2])
    factor = learning_rate_factor(spec, num_steps=25, steps_per_epoch=10)
    values = [factor(step) for step in (0, 1, 5, 9, 10, 19, 20, 24)]
    assert values == pytest.approx([0, 0.2, 1, 1, 0.1, 0.1, 0.01, 0.01])


class Run:
    """What a trainer says of a run of 7 batches an epoch."""

    accumulate_grad_batches = 2
    train_dataloader = ()

    def __init__(self, steps, batches=7):
        self.estimated_stepping_batches = steps
        self.num_training_batches = batches


def test_steps_of_a_run_and_of_an_epoch():
    assert steps_of(Run(12)) == (12, 4)
    assert steps_of(Run(5)) == (5, 4)  # max_steps
    assert steps_of(Run(5, math.inf)) == (5, 5)
    assert steps_of(Run(-1, math.inf)) == (1, 1)  # no training batches at all
    assert steps_of(Run(0, 0)) == (1, 1)
    with pytest.raises(ValueError, match=r"set trainer\.max_epochs or trainer\.max_steps"):
        steps_of(Run(math.inf))


def test_multistep_by_hand():
    spec = ScheduleSpec("multistep", milestones=[2, 4], gamma=0.1)
    factor = learning_rate_factor(spec, num_steps=50, steps_per_epoch=10)
    values = [factor(step) for step in (0, 19, 20, 39, 40, 49)]
    assert values == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_constant_with_a_fraction_of_an_epoch_of_warmup():
    spec = ScheduleSpec("constant", warmup_epochs=0.5, warmup_factor=0.0)
    factor = learning_rate_factor(spec, num_steps=20, steps_per_epoch=10)
    assert [factor(step) for step in (0, 1, 5, 19)] == pytest.approx([0, 0.2, 1, 1])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (ScheduleSpec(warmup_epochs=11), "warmup_epochs=11 is longer than the run of 10 epochs"),
        (ScheduleSpec("multistep", milestones=[4, 2]), "milestones must rise"),
    ],
)
def test_bad_schedules_are_named(spec, message):
    with pytest.raises(ValueError, match=message):
        learning_rate_factor(spec, num_steps=100, steps_per_epoch=10)


def test_bad_learning_rate_is_named():
    with pytest.raises(ValueError, match=r"optimizer\.lr must be positive, got -1"):
        build_optimizer(nn.Linear(1, 1), OptimizerSpec(lr=-1))


def test_schedule_drives_the_optimizer_per_step():
    from snl_video.training.optim import build_schedule

    optimizer = build_optimizer(nn.Linear(2, 2), OptimizerSpec(lr=0.2))
    schedule = build_schedule(optimizer, ScheduleSpec("cosine"), num_steps=4, steps_per_epoch=4)
    seen = []
    for _ in range(4):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    expected = [0.1 * (1 + math.cos(math.pi * step / 4)) for step in range(4)]
    torch.testing.assert_close(seen, expected)
