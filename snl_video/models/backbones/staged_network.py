"""PyTorchVideo's networks of residual stages, with their places."""

import warnings
from collections.abc import Sequence

from torch import nn

from snl_video.models.network import (
    KINETICS_MEAN,
    KINETICS_STD,
    Place,
    SlowFastPathways,
    VideoNetwork,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # it calls torch.jit.script when imported
    from pytorchvideo.models.resnet import ResStage

STAGES = ("res2", "res3", "res4", "res5")
FIVE_PLACES = ("res3.1", "res3.3", "res4.1", "res4.3", "res4.5")


def staged_network(
    trunk: nn.Module,
    *,
    prefixes: tuple[str, ...] = ("",),
    pathways: SlowFastPathways | None = None,
    windows: bool = True,
    pixel_mean: Sequence[float] = KINETICS_MEAN,
    pixel_std: Sequence[float] = KINETICS_STD,
) -> VideoNetwork:
    """Make a `VideoNetwork` of a network with four residual stages, res2 to res5.

    Args:
        trunk: the network, with a linear layer at its end.
        prefixes: of the names of the places, one a pathway; the first one has the sets.
        pathways: see `VideoNetwork`.
        windows: whether a protocol may average the last feature map over windows.
        pixel_mean: of each colour channel.
        pixel_std: of each colour channel.
    """
    _use_plain_int_strides(trunk)
    places = _residual_places(trunk, prefixes)
    slow = prefixes[0]
    averages = [path for path, m in trunk.named_modules() if isinstance(m, nn.AdaptiveAvgPool3d)]
    fourth = [name for name in places if name.startswith(f"{slow}res4.")]
    return VideoNetwork(
        trunk,
        places=places,
        place_sets={"paper": fourth[-2:-1], "five": [slow + name for name in FIVE_PLACES]},
        head=next(path for path, m in trunk.named_modules() if isinstance(m, nn.Linear)),
        head_pools=[p for p in averages if windows and not p.endswith("output_pool")],
        pathways=pathways,
        pixel_mean=pixel_mean,
        pixel_std=pixel_std,
    )


def _residual_places(trunk: nn.Module, prefixes: tuple[str, ...]) -> dict[str, Place]:
    """Name every residual block of ``trunk``; the stages of the pathways alternate in its order."""
    stages = [(path, module) for path, module in trunk.named_modules() if type(module) is ResStage]
    places = {}
    for number, (path, stage) in enumerate(stages):
        prefix = prefixes[number % len(prefixes)]
        name = STAGES[number // len(prefixes)]
        for index, block in enumerate(stage.res_blocks):
            channels = block.branch2.conv_c.out_channels
            places[f"{prefix}{name}.{index}"] = Place(f"{path}.res_blocks.{index}", channels)
    return places


def _use_plain_int_strides(trunk: nn.Module) -> None:
    """Replace NumPy integers in the convolutions: ``torch.compile`` breaks its graph at each."""
    for module in trunk.modules():
        if isinstance(module, nn.Conv3d):
            for name in ("stride", "padding", "dilation", "kernel_size"):
                setattr(module, name, tuple(int(size) for size in getattr(module, name)))
