"""Which learning rate and which weight decay every parameter has."""

from typing import Any

from torch import nn

from snl_video.errors import InputError
from snl_video.models import VideoNetwork
from snl_video.training.layout import depths, label_of, parameter_spots

Group = dict[str, Any]


def parameter_groups(
    module: nn.Module,
    *,
    lr: float,
    weight_decay: float,
    factors: dict[str, float],
    layer_decay: float,
) -> list[Group]:
    """Put every parameter of ``module`` into one named group.

    The learning rate is ``lr * factors[part] * layer_decay ** (depth of the head - own depth)``,
    as in BEiT (Bao et al., ICLR 2022); tensors of fewer than two dimensions have no weight decay
    and a group of their own, called ``<group>.no_decay``. When no factor differs from 1 there are
    only ``all`` and ``all.no_decay``.

    Args:
        module: a `VideoNetwork`, unless nothing depends on the part or the depth.
        lr: peak learning rate.
        weight_decay: on tensors of two or more dimensions.
        factors: of ``backbone``, ``blocks`` and ``head``.
        layer_decay: factor from one depth to the one before it.

    Raises:
        InputError: a rate or a factor that is not positive, a ``layer_decay`` outside (0, 1], or a
            module that is no `VideoNetwork`.
    """
    rates = {"optimizer.lr": lr, **{f"factor of the {part}": f for part, f in factors.items()}}
    for name, rate in rates.items():
        if rate <= 0:
            raise InputError(
                f"{name} must be positive, got {rate}; to keep weights as they are, freeze them "
                "with freeze.until"
            )
    if not 0 < layer_decay <= 1:
        raise InputError(f"optimizer.layer_decay must lie in (0, 1], got {layer_decay}")
    plain = layer_decay == 1 and all(factor == 1 for factor in factors.values())
    if not plain and not isinstance(module, VideoNetwork):
        raise InputError(
            f"learning rates by part or depth need a VideoNetwork, got {type(module).__name__}"
        )
    groups: dict[str, Group] = {}
    labels = {} if plain else _labels(module, factors, layer_decay)
    for name, parameter in module.named_parameters():
        label, rate = labels.get(name, ("all", 1.0))
        decayed = parameter.ndim > 1
        group = groups.setdefault(
            label if decayed else f"{label}.no_decay",
            {"params": [], "lr": lr * rate, "weight_decay": weight_decay if decayed else 0.0},
        )
        group["params"].append(parameter)
    names = sorted(groups, key=lambda name: name.endswith(".no_decay"))
    return [{**groups[name], "name": name} for name in names]


def _labels(
    network: Any, factors: dict[str, float], layer_decay: float
) -> dict[str, tuple[str, float]]:
    """Return parameter -> name of its group and its share of the learning rate."""
    levels = depths(network)
    labels = {}
    for name, spot in parameter_spots(network).items():
        rate = factors[spot.part] * layer_decay ** (levels[-1] - levels[spot.position + 1])
        shared = spot.part == "head" or layer_decay == 1
        label = spot.part if shared else f"{spot.part}.{label_of(network, spot.position)}"
        labels[name] = label, rate
    return labels
