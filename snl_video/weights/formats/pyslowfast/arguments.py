"""The network that a configuration of PySlowFast describes, and its blocks."""

from collections.abc import Callable
from typing import Any

from snl_video.errors import PretrainedError
from snl_video.models.network import VideoNetwork
from snl_video.models.resnet import c2d, i3d, slow, slowfast
from snl_video.weights.formats.nl_blocks import nl_options
from snl_video.weights.formats.pyslowfast.config import Config, is_whole, short

ARCHITECTURES: dict[str, tuple[Callable[..., VideoNetwork], dict[str, Any]]] = {
    "i3d": (i3d, {}),
    "i3d_nopool": (i3d, {"temporal_pool": False}),
    "c2d": (c2d, {}),
    "c2d_nopool": (c2d, {"temporal_pool": False}),
    "2d": (c2d, {"temporal_pool": False}),
    "slow": (slow, {}),
    "slowfast": (slowfast, {}),
}
"""``MODEL.ARCH`` -> builder and its options."""

INSTANTIATIONS = {
    "softmax": {"affinity": "softmax", "scale": True},
    "dot_product": {"affinity": "dot_product", "scale": False},
}
NORMS = ("batchnorm", "sub_batchnorm", "sync_batchnorm", "sync_batchnorm_apex")


def network_without_blocks(config: Config, dropout: float | None) -> VideoNetwork:
    """Build the network of a configuration, ``dropout`` in place of its own unless that is None.

    ``RESNET.STRIDE_1X1`` bears on the networks of one pathway only, as in PySlowFast.

    Raises:
        PretrainedError: a key asks for what can't be built here; the message names it.
    """
    arch = config.require("MODEL.ARCH", *ARCHITECTURES)
    config.require("RESNET.TRANS_FUNC", "bottleneck_transform", default="bottleneck_transform")
    config.require("RESNET.NUM_GROUPS", 1, default=1)
    config.require("RESNET.DEPTH", 50, 101)
    config.require("DETECTION.ENABLE", False, default=False)
    config.require("BN.NORM_TYPE", *NORMS, default="batchnorm")
    _check_stages(config, "RESNET.SPATIAL_STRIDES", (1, 2, 2, 2))
    _check_stages(config, "RESNET.SPATIAL_DILATIONS", (1, 1, 1, 1))
    config.require("DATA.INPUT_CHANNEL_NUM", [3] * pathways(config), default=[3] * pathways(config))
    build, options = ARCHITECTURES[arch]
    options = options | {
        "depth": config.get("RESNET.DEPTH"),
        "pixel_mean": _channels(config, "DATA.MEAN"),
        "pixel_std": _channels(config, "DATA.STD"),
    }
    if build is not c2d:
        options["temporal_blocks"] = _temporal_blocks(config)
    if build is slowfast:
        options |= _fusion(config)
    else:
        options["stride_1x1"] = bool(config.get("RESNET.STRIDE_1X1", False))
    return build(
        config.number("MODEL.NUM_CLASSES"),
        config.number("RESNET.WIDTH_PER_GROUP"),
        float(config.get("MODEL.DROPOUT_RATE", 0.5)) if dropout is None else dropout,
        **options,
    )


def block_specs(config: Config) -> list[dict[str, Any]]:
    """Return a ``non_local`` specification for every pooling window that the blocks have.

    PySlowFast pools the input of phi and g, has biases, scales the softmax by C_s^-1/2, divides
    the dot product by the number of keys, and puts a batch norm and no ReLU after the output.

    Raises:
        PretrainedError: ``NONLOCAL.LOCATION``, ``GROUP``, ``POOL`` or ``INSTANTIATION`` can't be
            built here.
    """
    specs: dict[tuple[int, ...], dict[str, Any]] = {}
    if config.get("NONLOCAL.LOCATION", None) is None:
        return []
    for stage in range(4):
        for pathway in range(pathways(config)):
            indices = _numbers_of(config, "NONLOCAL.LOCATION", stage, pathway)
            if not indices:
                continue
            if (group := _of_stage(config, "NONLOCAL.GROUP", stage, pathway)) != 1:
                raise PretrainedError(
                    f"NONLOCAL.GROUP of res{stage + 2} is {short(group)}: a block here sees the "
                    "whole clip, only 1 can be built"
                )
            pool = tuple(_numbers_of(config, "NONLOCAL.POOL", stage, pathway))
            spec = specs.setdefault(pool, _spec(config, pool))
            prefix = ("slow.", "fast.")[pathway] if pathways(config) == 2 else ""
            spec["places"] += [f"{prefix}res{stage + 2}.{index}" for index in indices]
    return list(specs.values())


def pathways(config: Config) -> int:
    """Return 2 for SlowFast, else 1."""
    return 2 if config.get("MODEL.ARCH") == "slowfast" else 1


def _spec(config: Config, pool: tuple[int, ...]) -> dict[str, Any]:
    instantiation = config.require("NONLOCAL.INSTANTIATION", *INSTANTIATIONS)
    window = list(pool) if any(size > 1 for size in pool) else None
    options = nl_options(bias=True, pool=window, **INSTANTIATIONS[instantiation])
    del options["num_units"]
    return {"kind": "nl", "places": [], "options": options}


def _of_stage(config: Config, key: str, stage: int, pathway: int) -> Any:
    stages = config.get(key)
    try:
        return stages[stage][pathway]
    except (TypeError, IndexError, KeyError) as error:
        raise PretrainedError(
            f"{key} must hold four stages with a value for each pathway, got {short(stages)}"
        ) from error


def _numbers_of(config: Config, key: str, stage: int, pathway: int) -> list[int]:
    found = _of_stage(config, key, stage, pathway)
    if not isinstance(found, list) or not all(map(is_whole, found)):
        raise PretrainedError(f"{key} of res{stage + 2} must be numbers, got {short(found)}")
    return found


def _check_stages(config: Config, key: str, wanted: tuple[int, ...]) -> None:
    found = config.get(key, None)
    expected = [[size] * pathways(config) for size in wanted]
    if found is not None and found != expected:
        raise PretrainedError(f"{key} is {short(found)}, but only {expected} can be built here")


def _temporal_blocks(config: Config) -> list[Any]:
    key = "RESNET.NUM_BLOCK_TEMP_KERNEL"
    size = pathways(config)
    rows = [
        [_of_stage(config, key, stage, pathway) for pathway in range(size)] for stage in range(4)
    ]
    if not all(is_whole(number) for row in rows for number in row):
        raise PretrainedError(f"{key} must hold whole numbers, got {short(rows)}")
    return rows if size == 2 else [row[0] for row in rows]


def _fusion(config: Config) -> dict[str, Any]:
    beta, ratio, alpha = (
        config.number(f"SLOWFAST.{key}")
        for key in ("BETA_INV", "FUSION_CONV_CHANNEL_RATIO", "ALPHA")
    )
    for key, value, divisor_key, divisor in (
        ("SLOWFAST.BETA_INV", beta, "SLOWFAST.FUSION_CONV_CHANNEL_RATIO", ratio),
        ("RESNET.WIDTH_PER_GROUP", config.number("RESNET.WIDTH_PER_GROUP"), "BETA_INV", beta),
        ("DATA.NUM_FRAMES", config.number("DATA.NUM_FRAMES"), "SLOWFAST.ALPHA", alpha),
    ):
        if value % divisor:
            raise PretrainedError(f"{key} = {value} is no multiple of {divisor_key} = {divisor}")
    return {
        "alpha": alpha,
        "beta_inverse": beta,
        "fusion_ratio": ratio,
        "fusion_kernel": config.number("SLOWFAST.FUSION_KERNEL_SZ"),
    }


def _channels(config: Config, key: str) -> list[float]:
    found = config.get(key)
    if (
        not isinstance(found, list)
        or len(found) != 3
        or not all(isinstance(value, int | float) for value in found)
    ):
        raise PretrainedError(f"{key} must hold three numbers, got {short(found)}")
    return [float(value) for value in found]
