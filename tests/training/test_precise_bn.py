import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from snl_video.training import Freezing, MovingAverage, PreciseBatchNorm
from snl_video.training.callbacks.precise_bn import Moments, estimate_statistics
from snl_video.training.freeze_schedule import FreezeSchedule
from tests.training.tiny import Clips, TinyData, changed, classifier, every_epoch, state_of, trainer


def batches(sizes=(4, 2, 3)):
    generator = torch.Generator().manual_seed(0)
    return [5 + 3 * torch.randn(n, 3, 2, 8, 8, generator=generator).double() for n in sizes]


def inputs_of(network, norms, forward, data):
    """What each norm is fed in training mode, over all batches: (values, C)."""
    seen = {norm: [] for norm in norms}
    hooks = [
        norm.register_forward_hook(lambda m, i, o: seen[m].append(i[0].transpose(0, 1).flatten(1)))
        for norm in norms
    ]
    state = {name: value.clone() for name, value in network.state_dict().items()}
    network.eval()
    for norm in norms:
        norm.train()
    with torch.no_grad():
        for batch in data:
            forward(batch)
    for hook in hooks:
        hook.remove()
    network.load_state_dict(state)
    return {norm: torch.cat(values, 1) for norm, values in seen.items()}


def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.ReLU(), nn.Conv3d(4, 2, 1), nn.BatchNorm3d(2)
    ).double()


def test_statistics_are_those_of_all_values_of_all_batches():
    network, data = small(), [batch[:, :, :, :] for batch in batches()]
    network[0] = nn.Conv3d(3, 4, (1, 3, 3)).double()
    norms = [network[1], network[4]]
    inputs = inputs_of(network, norms, network, data)
    estimate_statistics(norms, network, data)
    for norm in norms:
        values = inputs[norm]
        torch.testing.assert_close(norm.running_mean, values.mean(1), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(norm.running_var, values.var(1), rtol=1e-12, atol=1e-12)
        assert int(norm.num_batches_tracked) == 0
        assert norm.momentum == 0.1


def test_only_the_given_layers_change_and_modes_return():
    network = small()
    network[0] = nn.Conv3d(3, 4, (1, 3, 3)).double()
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    estimate_statistics([network[4]], network, batches())
    moved = {n for n, v in network.state_dict().items() if not torch.equal(v, before[n])}
    assert moved == {"4.running_mean", "4.running_var"}
    assert not network[4].training


def test_no_batch_is_an_error_and_leaves_everything():
    network = small()
    with pytest.raises(ValueError, match="no batch to measure"):
        estimate_statistics([network[1]], network, [])
    assert torch.equal(network[1].running_var, torch.ones(4).double())


def test_joining_is_exact_in_any_order():
    values = torch.randn(20, 3).double()
    parts = [values[:7], values[7:8], values[8:]]
    for order in ([0, 1, 2], [2, 0, 1]):
        moments = Moments()
        for part in (parts[i] for i in order):
            mean = part.mean(0)
            moments.add(len(part), mean, ((part - mean) ** 2).sum(0))
        torch.testing.assert_close(moments.mean, values.mean(0))
        torch.testing.assert_close(moments.squares / 19, values.var(0))


def all_norms(model):
    return [module for module in model.network.modules() if isinstance(module, _BatchNorm)]


@pytest.mark.parametrize("average", [False, True])
def test_a_run_ends_with_the_statistics_of_its_final_weights(tmp_path, average):
    model = classifier(non_local={"kind": "snl", "places": ["res2.1"]})
    schedule = FreezeSchedule(model.network, "res3.2")
    schedule.apply(0)
    held = schedule.held_norms()
    frozen = {
        f"{name}.{kind}"
        for name, module in model.network.named_modules()
        if module in held
        for kind in ("running_mean", "running_var")
    }
    before = state_of(model)
    callbacks = [Freezing("res3.2"), *([MovingAverage(0.5)] if average else [])]
    run = trainer(
        tmp_path,
        max_epochs=2,
        precision="64-true",
        enable_checkpointing=True,
        callbacks=[*callbacks, PreciseBatchNorm(num_batches=3), every_epoch(tmp_path)],
    )
    data = TinyData()
    run.fit(model, data)
    after = state_of(model)
    norms = [norm for norm in all_norms(model) if norm not in held]
    assert 0 < len(norms) < len(all_norms(model))
    dataset = Clips(8)
    clips = [
        torch.stack([dataset[i]["clips"] for i in pair]).flatten(0, 1)
        for pair in ((0, 1), (2, 3), (4, 5))
    ]
    inputs = inputs_of(model.network, norms, model, clips)
    for norm in norms:
        torch.testing.assert_close(norm.running_mean, inputs[norm].mean(1))
        torch.testing.assert_close(norm.running_var, inputs[norm].var(1))
    assert not changed(before, {name: after[name].to(before[name].dtype) for name in before}) & (
        frozen
    )
    saved = torch.load(tmp_path / "epoch=1.ckpt", weights_only=True)["state_dict"]
    for name, value in after.items():
        if "running_" in name:
            assert torch.equal(saved[f"network.{name}"], value), name


def test_training_itself_is_the_same_with_it(tmp_path):
    plain, precise = classifier(), classifier()
    trainer(tmp_path, max_epochs=2).fit(plain, TinyData())
    trainer(tmp_path, max_epochs=2, callbacks=[PreciseBatchNorm()]).fit(precise, TinyData())
    moved = changed(state_of(plain), state_of(precise))
    assert moved
    assert all("running_" in name for name in moved)
    assert plain.network.training == precise.network.training


def test_the_average_must_come_first(tmp_path):
    wrong = [PreciseBatchNorm(), MovingAverage()]
    with pytest.raises(ValueError, match="must come after the averaging of weights"):
        trainer(tmp_path, callbacks=wrong).fit(classifier(), TinyData())


def test_it_needs_a_datamodule(tmp_path):
    data = TinyData()
    with pytest.raises(ValueError, match="needs a datamodule"):
        trainer(tmp_path, callbacks=[PreciseBatchNorm()]).fit(
            classifier(), data.train_dataloader(), data.val_dataloader()
        )


def test_at_least_one_batch():
    with pytest.raises(ValueError, match="num_batches must be at least 1, got 0"):
        PreciseBatchNorm(0)
