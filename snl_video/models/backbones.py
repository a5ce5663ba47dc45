"""The residual backbones, built by PyTorchVideo and made ready for non-local blocks.

This is the only module of the package that imports PyTorchVideo.

::

    clip (B, 3, T, H, W)
      stem                          conv1 + max-pool
      res2  3 blocks                res2.0 ... res2.2
      (max-pool over time, i3d_r50 and c2d_r50 only)
      res3  4 blocks                res3.0 ... res3.3
      res4  6 blocks                res4.0 ... res4.5
      res5  3 blocks                res5.0 ... res5.2
      head                          mean over (T, H, W), dropout, linear
    logits (B, num_classes)
"""

import warnings
from collections.abc import Callable

from torch import nn

from snl_video.models.network import Place, SlowFastPathways, VideoNetwork

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # it calls torch.jit.script when imported
    from pytorchvideo.models.resnet import ResStage, create_resnet
    from pytorchvideo.models.slowfast import create_slowfast

KINETICS_MEAN = (0.45, 0.45, 0.45)
KINETICS_STD = (0.225, 0.225, 0.225)
STAGES = ("res2", "res3", "res4", "res5")
FIVE_PLACES = ("res3.1", "res3.3", "res4.1", "res4.3", "res4.5")
SLOWFAST_BETA_INVERSE = 8


def i3d_r50(num_classes: int, width: int, dropout: float) -> VideoNetwork:
    """Inflated 3-D ResNet-50, 3x1x1 kernels in every other block (Wang et al., CVPR 2018)."""
    trunk = create_resnet(
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_out=width,
        stem_conv_kernel_size=(5, 7, 7),
        stage1_pool=nn.MaxPool3d,
        stage_conv_a_kernel_size=(
            (3, 1, 1),
            [(3, 1, 1), (1, 1, 1)],
            [(3, 1, 1), (1, 1, 1)],
            [(1, 1, 1), (3, 1, 1)],
        ),
        head_pool=nn.AdaptiveAvgPool3d,
    )
    return _single_pathway(trunk)


def c2d_r50(num_classes: int, width: int, dropout: float) -> VideoNetwork:
    """Frame-wise ResNet-50 with one max-pool over time (Wang et al., CVPR 2018)."""
    trunk = create_resnet(
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_out=width,
        stem_conv_kernel_size=(1, 7, 7),
        stage1_pool=nn.MaxPool3d,
        stage_conv_a_kernel_size=((1, 1, 1),) * 4,
        head_pool=nn.AdaptiveAvgPool3d,
    )
    return _single_pathway(trunk)


def slow_r50(num_classes: int, width: int, dropout: float) -> VideoNetwork:
    """Slow pathway alone: 3x1x1 kernels in res4 and res5 only (Feichtenhofer et al., ICCV 2019)."""
    trunk = create_resnet(
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_out=width,
        stem_conv_kernel_size=(1, 7, 7),
        head_pool=nn.AdaptiveAvgPool3d,
    )
    return _single_pathway(trunk)


def slowfast_r50(
    num_classes: int, width: int, dropout: float, *, alpha: int = 4, fusion_kernel: int = 7
) -> VideoNetwork:
    """SlowFast ResNet-50 (Feichtenhofer et al., ICCV 2019), beta = 1/8.

    8x8 is ``alpha=4, fusion_kernel=7``; 4x16 is ``alpha=8, fusion_kernel=5``, both on 32 frames.
    """
    if width % SLOWFAST_BETA_INVERSE:
        raise ValueError(
            f"slowfast_r50 needs a width divisible by {SLOWFAST_BETA_INVERSE} (its fast pathway "
            f"has 1/{SLOWFAST_BETA_INVERSE} of the channels), got width={width}"
        )
    trunk = create_slowfast(
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_outs=(width, width // SLOWFAST_BETA_INVERSE),
        slowfast_channel_reduction_ratio=(SLOWFAST_BETA_INVERSE,),
        slowfast_fusion_conv_kernel_size=(fusion_kernel, 1, 1),
        slowfast_fusion_conv_stride=(alpha, 1, 1),
        head_pool=nn.AdaptiveAvgPool3d,
        head_output_size=((1, 1, 1), (1, 1, 1)),
    )
    return _network(trunk, prefixes=("slow.", "fast."), pathways=SlowFastPathways(alpha))


BACKBONES: dict[str, Callable[..., VideoNetwork]] = {
    "i3d_r50": i3d_r50,
    "c2d_r50": c2d_r50,
    "slow_r50": slow_r50,
    "slowfast_r50": slowfast_r50,
}


def _single_pathway(trunk: nn.Module) -> VideoNetwork:
    return _network(trunk, prefixes=("",), pathways=None)


def _network(
    trunk: nn.Module, prefixes: tuple[str, ...], pathways: SlowFastPathways | None
) -> VideoNetwork:
    _use_plain_int_strides(trunk)
    places = _residual_places(trunk, prefixes)
    slow = prefixes[0]
    fourth = [name for name in places if name.startswith(f"{slow}res4.")]
    return VideoNetwork(
        trunk,
        places=places,
        place_sets={"paper": fourth[-2:-1], "five": [slow + name for name in FIVE_PLACES]},
        head=f"blocks.{len(trunk.blocks) - 1}.proj",
        pathways=pathways,
        pixel_mean=KINETICS_MEAN,
        pixel_std=KINETICS_STD,
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
