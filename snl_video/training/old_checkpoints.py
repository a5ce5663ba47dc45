"""Runs that were begun with the names of before, brought to those of today."""

from typing import Any

from snl_video.models import VideoNetwork
from snl_video.renamed import migrate_checkpoint, unwrapped_states
from snl_video.spec import as_spec
from snl_video.training.freeze_schedule import FreezeSchedule
from snl_video.training.layout import parameter_spots
from snl_video.training.optim import OptimizerSpec, build_optimizer


def migrate_run(checkpoint: dict[str, Any], network: VideoNetwork) -> bool:
    """Bring a checkpoint to the names of today, in place; return whether it had others.

    An optimiser of before left out the parameters that are never trained; today it holds all, so
    its state is spread over the groups of today.

    Args:
        checkpoint: as Lightning reads it.
        network: of the run.
    """
    checkpoint.update(unwrapped_states(checkpoint))
    new = migrate_checkpoint(checkpoint)
    if new == checkpoint:
        return False
    checkpoint.update(new)
    if not checkpoint.get("optimizer_states"):
        return True
    freeze = checkpoint.get("freeze", {})
    last = list(FreezeSchedule(network, **freeze).steps.values())[-1]
    spots = parameter_spots(network).items()
    trained = {name for name, spot in spots if spot.part != "backbone" or spot.position > last}
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    spec = as_spec(OptimizerSpec, checkpoint["hyper_parameters"]["optimizer"], "optimizer")
    groups = build_optimizer(network, spec).param_groups
    held = [[names[id(p)] in trained for p in group["params"]] for group in groups]
    for state in checkpoint["optimizer_states"]:
        _spread_optimizer(state, groups, held)
    kept = [number for number, flags in enumerate(held) if any(flags)]
    rates = [group["lr"] for group in groups]
    for state in checkpoint["lr_schedulers"]:
        for key in ("base_lrs", "_last_lr"):
            values = list(rates)
            for number, rate in zip(kept, state[key], strict=True):
                values[number] = rate
            state[key] = values
        state["lr_lambdas"] = [None] * len(rates)
    return True


def _spread_optimizer(
    state: dict[str, Any], groups: list[dict[str, Any]], held: list[list[bool]]
) -> None:
    """Number the parameters of an optimiser's state anew, in place.

    Args:
        state: its ``param_groups`` have no group without a parameter that was held.
        groups: of today.
        held: for every group of today, which of its parameters the state has.
    """
    old = iter(state["param_groups"])
    moments, new_moments, new_groups, count = state["state"], {}, [], 0
    for group, flags in zip(groups, held, strict=True):
        settings = next(old) if any(flags) else {**group, "params": []}
        numbers = iter(settings["params"])
        for number, was_held in enumerate(flags, count):
            if was_held and (key := next(numbers)) in moments:
                new_moments[number] = moments[key]
        new_groups.append({**settings, "params": list(range(count, count + len(flags)))})
        count += len(flags)
    state.update(state=new_moments, param_groups=new_groups)
