import re

import pytest
import torch
from torch import nn

from snl_video.training.optim import OptimizerSpec, ScheduleSpec, build_optimizer, build_schedule
from snl_video.weights import build_model

FACTORS = {"backbone_lr": 0.1, "block_lr": 2.0, "head_lr": 5.0}


def network(backbone="slow_r50", **options):
    return build_model(backbone, 4, width=8, dropout=0.0, **options)


def settings(optimizer, module):
    """name -> (lr, weight decay); fails if a parameter is in two groups."""
    found = {}
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            assert names[id(parameter)] not in found
            found[names[id(parameter)]] = group["lr"], group["weight_decay"]
    return found


def depth_by_name(name, stages):
    """0 stem, 1..16 the residual blocks, 17 head, counted from the name of a parameter."""
    if ".proj." in name:
        return 17
    found = re.search(r"blocks\.(\d+)\..*res_blocks\.(\d+)\.", name)
    if found is None:
        return 0
    before = {2: 0, 3: 3, 4: 7, 5: 13}[stages[int(found[1])]]
    return before + int(found[2]) + 1


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize("decay", [1.0, 0.8])
@pytest.mark.parametrize("backbone", ["slow_r50", "slowfast_r50_8x8"])
def test_every_parameter_once_with_its_own_rate(name, decay, backbone):
    if backbone == "slowfast_r50_8x8":
        net = network(backbone, non_local={"kind": "snl", "places": "five"})
    else:
        net = network(backbone, non_local={"kind": "gsnl", "places": "five"})
    first = 1
    stages = {first + i: 2 + i for i in range(4)}
    spec = OptimizerSpec(name=name, lr=0.3, weight_decay=0.01, layer_decay=decay, **FACTORS)
    found = settings(build_optimizer(net, spec), net)
    assert set(found) == {key for key, _ in net.named_parameters()}
    for key, parameter in net.named_parameters():
        depth = depth_by_name(key, stages)
        if "multipathway_fusion" in key:
            stage = int(re.search(r"blocks\.(\d+)", key)[1])
            depth = [0, 3, 7, 13][stage]
        factor = 2.0 if ".non_local." in key else 5.0 if depth == 17 else 0.1
        rate = 0.3 * factor * decay ** (17 - depth)
        assert found[key][0] == pytest.approx(rate, rel=1e-12), key
        assert found[key][1] == (0.01 if parameter.ndim > 1 else 0.0), key


def test_names_are_unique_and_say_the_part_and_the_place():
    net = network(non_local={"kind": "snl", "places": ["res4.4"]})
    names = [g["name"] for g in build_optimizer(net, OptimizerSpec(**FACTORS)).param_groups]
    parts = ["backbone", "blocks", "head"]
    assert sorted(names) == sorted([*parts, *(f"{part}.no_decay" for part in parts)])
    optimizer = build_optimizer(net, OptimizerSpec(layer_decay=0.5))
    names = [group["name"] for group in optimizer.param_groups]
    assert len(set(names)) == len(names)
    assert {"backbone.stem", "backbone.res2.0", "blocks.res4.4.no_decay", "head"} <= set(names)


def test_without_factors_there_are_two_groups():
    optimizer = build_optimizer(network(), OptimizerSpec())
    assert [group["name"] for group in optimizer.param_groups] == ["all", "all.no_decay"]


def test_the_schedule_keeps_the_ratios():
    net = network()
    spec = OptimizerSpec(lr=1.0, backbone_lr=0.1, head_lr=3.0)
    optimizer = build_optimizer(net, spec)
    schedule = build_schedule(optimizer, ScheduleSpec("cosine"), num_steps=4, steps_per_epoch=4)
    for _ in range(2):
        optimizer.step()
        schedule.step()
    rates = {group["name"]: group["lr"] for group in optimizer.param_groups}
    assert rates["backbone"] == pytest.approx(0.05)
    assert rates["head.no_decay"] == pytest.approx(1.5)


def test_frozen_parameters_have_their_place_for_the_epoch_that_frees_them():
    net = network()
    free = [len(g["params"]) for g in build_optimizer(net, OptimizerSpec()).param_groups]
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    frozen = build_optimizer(net, OptimizerSpec()).param_groups
    assert [len(group["params"]) for group in frozen] == free


def test_one_step_moves_by_the_rate_of_the_part():
    net = network().double()
    spec = OptimizerSpec(
        lr=1.0, momentum=0.0, weight_decay=0.0, backbone_lr=0.25, head_lr=4.0, layer_decay=0.5
    )
    optimizer = build_optimizer(net, spec)
    before = {name: value.detach().clone() for name, value in net.named_parameters()}
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    after = dict(net.named_parameters())

    def moved(name):
        return (before[name] - after[name]).mean().item()

    assert moved("trunk.blocks.0.conv.weight") == pytest.approx(0.25 * 0.5**17)
    last = "trunk.blocks.4.res_blocks.2.branch2.conv_c.weight"
    assert moved(last) == pytest.approx(0.25 * 0.5)
    (head,) = [name for name in before if name.endswith("proj.weight")]
    assert moved(head) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (OptimizerSpec(block_lr=0.0), "factor of the blocks must be positive, got 0.0; .*freeze"),
        (OptimizerSpec(layer_decay=1.5), r"layer_decay must lie in \(0, 1\], got 1.5"),
        (OptimizerSpec(layer_decay=0.0), r"layer_decay must lie in \(0, 1\], got 0.0"),
    ],
)
def test_bad_factors_are_named(spec, message):
    with pytest.raises(ValueError, match=message):
        build_optimizer(network(), spec)


def test_a_module_without_places_has_no_depth():
    with pytest.raises(ValueError, match="need a VideoNetwork, got Linear"):
        build_optimizer(nn.Linear(2, 2), OptimizerSpec(layer_decay=0.5))
