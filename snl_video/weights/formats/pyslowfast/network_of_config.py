"""The network that a configuration of PySlowFast describes, and its blocks."""

from collections.abc import Callable
from typing import Any

from snl_video.models.backbones.resnet import c2d, i3d, slow, slowfast
from snl_video.models.insertion import NonLocalSpec
from snl_video.models.network import VideoNetwork
from snl_video.weights.formats.pyslowfast.config import Config, expect

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
ALWAYS = {"bias": True, "pool_after": False, "norm": "batch", "relu": False}
"""Options of an ``nl`` block that all of PySlowFast's blocks have."""

NORMS = ("batchnorm", "sub_batchnorm", "sync_batchnorm", "sync_batchnorm_apex")


def network_without_blocks(config: Config, dropout: float | None) -> VideoNetwork:
    """Build the network of a configuration, ``dropout`` in place of its own unless that is None.

    ``RESNET.STRIDE_1X1`` bears on the networks of one pathway only, as in PySlowFast.

    Raises:
        PretrainedError: a key asks for what can't be built here; the message names it.
    """
    arch = config.require("MODEL.ARCH", *ARCHITECTURES)
    pathways = range(config.pathways)
    only = {
        "RESNET.TRANS_FUNC": "bottleneck_transform",
        "RESNET.NUM_GROUPS": 1,
        "DETECTION.ENABLE": False,
        "RESNET.SPATIAL_STRIDES": [[size for _ in pathways] for size in (1, 2, 2, 2)],
        "RESNET.SPATIAL_DILATIONS": [[1 for _ in pathways] for _ in range(4)],
        "DATA.INPUT_CHANNEL_NUM": [3 for _ in pathways],
    }
    for key, value in only.items():
        config.require(key, value, default=value)
    config.require("BN.NORM_TYPE", *NORMS, default=NORMS[0])
    build, options = ARCHITECTURES[arch]
    options = options | {
        "depth": config.require("RESNET.DEPTH", 50, 101),
        "pixel_mean": config.colours("DATA.MEAN"),
        "pixel_std": config.colours("DATA.STD"),
    }
    if build is not c2d:
        stages = config.numbers("RESNET.NUM_BLOCK_TEMP_KERNEL")
        rows = [[cell[0] for cell in row] for row in stages]
        options["temporal_blocks"] = rows if build is slowfast else [row[0] for row in rows]
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


def block_specs(config: Config) -> list[NonLocalSpec]:
    """Return a specification for every pooling window that the blocks have.

    PySlowFast pools the input of phi and g, has biases, scales the softmax by C_s^-1/2, divides
    the dot product by the number of keys, and puts a batch norm and no ReLU after the output.

    Raises:
        PretrainedError: ``NONLOCAL.LOCATION``, ``GROUP``, ``POOL`` or ``INSTANTIATION`` can't be
            built here.
    """
    specs: dict[tuple[int, ...], NonLocalSpec] = {}
    if config.get("NONLOCAL.LOCATION", None) is None:
        return []
    locations = config.numbers("NONLOCAL.LOCATION")
    prefixes = ("slow.", "fast.") if config.pathways == 2 else ("",)
    for stage, row in enumerate(locations):
        for pathway, prefix in enumerate(prefixes):
            if not row[pathway]:
                continue
            group = config.numbers("NONLOCAL.GROUP")[stage][pathway]
            expect(group == [1], f"NONLOCAL.GROUP of res{stage + 2}", group, "1, the whole clip,")
            pool = tuple(config.numbers("NONLOCAL.POOL")[stage][pathway])
            places = [f"{prefix}res{stage + 2}.{index}" for index in row[pathway]]
            if pool in specs:
                specs[pool].places = [*specs[pool].places, *places]
            else:
                specs[pool] = NonLocalSpec("nl", places, options=_options(config, pool))
    return list(specs.values())


def _options(config: Config, pool: tuple[int, ...]) -> dict[str, Any]:
    instantiation = config.require("NONLOCAL.INSTANTIATION", *INSTANTIATIONS)
    window = list(pool) if any(size > 1 for size in pool) else None
    return ALWAYS | INSTANTIATIONS[instantiation] | {"pool": window}


def _fusion(config: Config) -> dict[str, Any]:
    multiples = (
        ("SLOWFAST.BETA_INV", "SLOWFAST.FUSION_CONV_CHANNEL_RATIO"),
        ("RESNET.WIDTH_PER_GROUP", "SLOWFAST.BETA_INV"),
        ("DATA.NUM_FRAMES", "SLOWFAST.ALPHA"),
    )
    for key, divisor in multiples:
        value, by = config.number(key), config.number(divisor)
        expect(value % by == 0, key, value, f"a multiple of {divisor} = {by}")
    return {
        "alpha": config.number("SLOWFAST.ALPHA"),
        "beta_inverse": config.number("SLOWFAST.BETA_INV"),
        "fusion_ratio": config.number("SLOWFAST.FUSION_CONV_CHANNEL_RATIO"),
        "fusion_kernel": config.number("SLOWFAST.FUSION_KERNEL_SZ"),
    }
