"""The network of an MMAction2 checkpoint and its blocks, read off the weights."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.models.backbones.resnet import i3d, slow, slowfast
from snl_video.models.backbones.temporal_kernels import STAGE_BLOCKS
from snl_video.models.insertion import NonLocalSpec
from snl_video.models.network import VideoNetwork
from snl_video.weights.formats.mmaction.tensor_names import (
    BLOCK,
    RESIDUAL,
    block_options,
    place_of,
)

Arch = Literal["i3d", "slowonly", "slowfast"]
Mode = Literal["embedded_gaussian", "gaussian", "dot_product", "concatenation"]

IMAGENET = {"pixel_mean": (0.485, 0.456, 0.406), "pixel_std": (0.229, 0.224, 0.225)}
ARCHITECTURES: dict[str, tuple[Callable[..., VideoNetwork], dict[str, Any]]] = {
    "i3d": (i3d, {"conv1_stride": 2, "pool1_stride": 2}),
    "slowonly": (slow, {}),
    "slowfast": (slowfast, {"strided_frames": True}),
}
"""MMAction2's network -> builder, and options that no weight tells."""

AFFINITIES = {
    "embedded_gaussian": "softmax",
    "gaussian": "gaussian",
    "dot_product": "dot_product",
    "concatenation": "concatenation",
}
PUBLISHED_ALPHA = {5: 8, 7: 4}
"""Size of the fusion kernel -> alpha, in the published networks 4x16 and 8x8."""


def network_without_blocks(
    tensors: Mapping[str, Tensor], arch: Arch, alpha: int | None, dropout: float
) -> VideoNetwork:
    """Build the network that the weights are of, with ``alpha`` where they do not tell it.

    Raises:
        PretrainedError: unknown arch, weights of another kind of network, or of SlowFast with a
            fusion kernel that does not tell alpha.
    """
    _check_known("arch", arch, ARCHITECTURES)
    build, options = ARCHITECTURES[arch]
    main = "backbone.slow_path." if arch == "slowfast" else "backbone."
    options = options | IMAGENET | {"depth": _depth(tensors, main)}
    width = _shape(tensors, f"{main}conv1.conv.weight")[0]
    if arch == "slowfast":
        options |= _fusion(tensors, width, alpha)
    return build(_shape(tensors, "cls_head.fc_cls.weight")[0], width, dropout, **options)


def block_specs(
    tensors: Mapping[str, Tensor], mode: Mode | None, use_scale: bool
) -> list[NonLocalSpec]:
    """Return a specification for every block in the weights.

    Raises:
        PretrainedError: unknown mode, or a block that needs ``mode`` or has the weights of another.
    """
    if mode is not None:
        _check_known("non_local_mode", mode, AFFINITIES)
    inner = {
        place_of(match): len(value)
        for name, value in tensors.items()
        if (match := BLOCK.fullmatch(name)) and (match["part"], match["leaf"]) == ("g", "weight")
    }
    specs = []
    for place, told in block_options(tensors).items():
        affinity = _affinity(place, told["affinity"], mode)
        options = told | {"affinity": affinity, "scale": use_scale and affinity == "softmax"}
        specs.append(NonLocalSpec("nl", [place], inner.get(place), options=options))
    if mode is not None and not specs:
        raise PretrainedError(f"non_local_mode is {mode!r}, but the weights have no block")
    return specs


def _affinity(place: str, told: str | frozenset[str], mode: Mode | None) -> str:
    possible = {told} if isinstance(told, str) else told
    modes = [name for name, affinity in AFFINITIES.items() if affinity in possible]
    chosen = [name for name in modes if mode in (name, None)]
    if len(chosen) != 1:
        raise PretrainedError(
            f"the block at {place} has the weights of {' or '.join(modes)} and non_local_mode is "
            f"{mode!r}: name the mode that it was trained in"
        )
    return AFFINITIES[chosen[0]]


def _check_known(name: str, value: str, known: Mapping[str, Any]) -> None:
    if value not in known:
        raise PretrainedError(f"unknown {name} {value!r}; choose from {', '.join(known)}")


def _depth(tensors: Mapping[str, Tensor], main: str) -> int:
    matches = [match for name in tensors if (match := RESIDUAL.fullmatch(name))]
    last = [m for m in matches if m["part"] == "conv3" and m[0].startswith(main)]
    counts = tuple(len({m["index"] for m in last if m["layer"] == layer}) for layer in "1234")
    for depth, blocks in STAGE_BLOCKS.items():
        if counts == blocks:
            return depth
    raise PretrainedError(
        f"its layers have {counts} bottleneck blocks under {main}: known are "
        + ", ".join(f"{blocks} (depth {depth})" for depth, blocks in STAGE_BLOCKS.items())
    )


def _fusion(tensors: Mapping[str, Tensor], width: int, alpha: int | None) -> dict[str, Any]:
    name = "backbone.slow_path.conv1_lateral.conv.weight"
    out_channels, fast, kernel, *_ = _shape(tensors, name)
    if alpha is None and kernel not in PUBLISHED_ALPHA:
        raise PretrainedError(f"its fusion kernel of {kernel} does not tell alpha: name it")
    return {
        "alpha": PUBLISHED_ALPHA[kernel] if alpha is None else alpha,
        "beta_inverse": width // fast,
        "fusion_kernel": kernel,
        "fusion_ratio": out_channels // fast,
        "fusion_norm": "backbone.slow_path.conv1_lateral.bn.weight" in tensors,
    }


def _shape(tensors: Mapping[str, Tensor], name: str) -> tuple[int, ...]:
    shape = tuple(tensors[name].shape) if name in tensors else ()
    wanted = 2 if name.startswith("cls_head") else 5
    if len(shape) != wanted or min(shape) < 1:
        found = f"has the shape {shape}" if name in tensors else "is absent"
        raise PretrainedError(
            f"{name} should have {wanted} sizes of 1 or more and {found}: name the arch that the "
            "weights are of"
        )
    return shape
