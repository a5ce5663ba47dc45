"""The residual backbones, built by PyTorchVideo and made ready for non-local blocks.

This is the only module of the package that imports PyTorchVideo.

    clip (B, 3, T, H, W)
      stem                          conv1 + max-pool
      res2  3 blocks                res2.0 ... res2.2
      (max-pool over time, i3d and c2d only)
      res3  4 blocks                res3.0 ... res3.3
      res4  6 blocks                res4.0 ... res4.5
      res5  3 blocks                res5.0 ... res5.2
      head                          mean over (T, H, W), dropout, linear
    logits (B, num_classes)
"""

import warnings
from collections.abc import Sequence

from torch import nn

from snl_video.errors import NetworkError
from snl_video.models.backbones.staged_network import staged_network
from snl_video.models.backbones.temporal_kernels import (
    FAST_KERNELS,
    FRAME_KERNELS,
    INFLATED_KERNELS,
    SLOW_KERNELS,
    of_pathways,
    temporal_kernels,
)
from snl_video.models.network import (
    KINETICS_MEAN,
    KINETICS_STD,
    SlowFastPathways,
    VideoNetwork,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # it calls torch.jit.script when imported
    from pytorchvideo.models.resnet import BottleneckBlock, create_resnet
    from pytorchvideo.models.slowfast import FuseFastToSlow, create_slowfast


def i3d(
    num_classes: int,
    width: int,
    dropout: float,
    *,
    depth: int = 50,
    conv1_stride: int = 1,
    pool1_stride: int = 1,
    temporal_pool: bool = True,
    temporal_blocks: Sequence[int] | None = None,
    stride_1x1: bool = False,
    pixel_mean: Sequence[float] = KINETICS_MEAN,
    pixel_std: Sequence[float] = KINETICS_STD,
) -> VideoNetwork:
    """Inflated 3-D ResNet, 3x1x1 kernels in every other block (Wang et al., CVPR 2018).

    Options, which this module's other builders share where they have them:
        depth: 50, 101 or 152 layers.
        conv1_stride, pool1_stride: over time, of the stem's convolution and max-pool; both are 2
            in MMAction2's networks and 1 in PySlowFast's.
        temporal_pool: the max-pool over time after res2.
        temporal_blocks: how many blocks of each stage, from its first on, may have a temporal
            kernel (PySlowFast's ``NUM_BLOCK_TEMP_KERNEL``); all by default.
        stride_1x1: stages stride in the first convolution of a block, not in its 3x3 one.
        pixel_mean, pixel_std: of each colour channel, of pixels scaled to [0, 1].
    """
    trunk = create_resnet(
        model_depth=depth,
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_out=width,
        stem_conv_kernel_size=(5, 7, 7),
        stem_conv_stride=(conv1_stride, 2, 2),
        stem_pool_stride=(pool1_stride, 2, 2),
        stage1_pool=nn.MaxPool3d if temporal_pool else None,
        stage_conv_a_kernel_size=temporal_kernels(INFLATED_KERNELS, depth, temporal_blocks),
        head_pool=nn.AdaptiveAvgPool3d,
    )
    return _single_pathway(trunk, stride_1x1, pixel_mean, pixel_std)


def c2d(
    num_classes: int,
    width: int,
    dropout: float,
    *,
    depth: int = 50,
    temporal_pool: bool = True,
    stride_1x1: bool = False,
    pixel_mean: Sequence[float] = KINETICS_MEAN,
    pixel_std: Sequence[float] = KINETICS_STD,
) -> VideoNetwork:
    """Frame-wise ResNet with one max-pool over time (Wang et al., CVPR 2018)."""
    trunk = create_resnet(
        model_depth=depth,
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_out=width,
        stem_conv_kernel_size=(1, 7, 7),
        stage1_pool=nn.MaxPool3d if temporal_pool else None,
        stage_conv_a_kernel_size=temporal_kernels(FRAME_KERNELS, depth),
        head_pool=nn.AdaptiveAvgPool3d,
    )
    return _single_pathway(trunk, stride_1x1, pixel_mean, pixel_std)


def slow(
    num_classes: int,
    width: int,
    dropout: float,
    *,
    depth: int = 50,
    temporal_blocks: Sequence[int] | None = None,
    stride_1x1: bool = False,
    pixel_mean: Sequence[float] = KINETICS_MEAN,
    pixel_std: Sequence[float] = KINETICS_STD,
) -> VideoNetwork:
    """Slow pathway alone: 3x1x1 kernels in res4 and res5 only (Feichtenhofer et al., ICCV 2019)."""
    trunk = create_resnet(
        model_depth=depth,
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_out=width,
        stem_conv_kernel_size=(1, 7, 7),
        stage_conv_a_kernel_size=temporal_kernels(SLOW_KERNELS, depth, temporal_blocks),
        head_pool=nn.AdaptiveAvgPool3d,
    )
    return _single_pathway(trunk, stride_1x1, pixel_mean, pixel_std)


def slowfast(
    num_classes: int,
    width: int,
    dropout: float,
    *,
    depth: int = 50,
    alpha: int = 4,
    beta_inverse: int = 8,
    fusion_kernel: int = 7,
    fusion_ratio: int = 2,
    fusion_norm: bool = True,
    strided_frames: bool = False,
    temporal_blocks: Sequence[Sequence[int]] | None = None,
    pixel_mean: Sequence[float] = KINETICS_MEAN,
    pixel_std: Sequence[float] = KINETICS_STD,
) -> VideoNetwork:
    """SlowFast ResNet (Feichtenhofer et al., ICCV 2019), beta = 1/8.

    Options beside those of `i3d`:
        alpha: the slow pathway takes one of this many frames.
        beta_inverse: the fast pathway has ``width / beta_inverse`` channels.
        fusion_kernel: over time, of the convolutions of the fusions.
        fusion_ratio: channels that a fusion adds to the slow pathway, per fast channel.
        fusion_norm: batch norm and ReLU after the convolutions of the fusions; MMAction2 has none.
        strided_frames: see `SlowFastPathways`.
        temporal_blocks: for each stage the two numbers of the slow and the fast pathway.
    """
    if beta_inverse < 1 or width % beta_inverse:
        raise NetworkError(
            f"SlowFast needs a width divisible by {beta_inverse} (its fast pathway "
            f"has 1/{beta_inverse} of the channels), got width={width}"
        )
    slow_blocks, fast_blocks = of_pathways(temporal_blocks)
    trunk = create_slowfast(
        model_depth=depth,
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_outs=(width, width // beta_inverse),
        slowfast_channel_reduction_ratio=(beta_inverse,),
        slowfast_conv_channel_fusion_ratio=fusion_ratio,
        slowfast_fusion_conv_kernel_size=(fusion_kernel, 1, 1),
        slowfast_fusion_conv_stride=(alpha, 1, 1),
        stage_conv_a_kernel_sizes=(
            temporal_kernels(SLOW_KERNELS, depth, slow_blocks),
            temporal_kernels(FAST_KERNELS, depth, fast_blocks),
        ),
        head_pool=nn.AdaptiveAvgPool3d,
        head_output_size=((1, 1, 1), (1, 1, 1)),
    )
    if not fusion_norm:
        for module in trunk.modules():
            if isinstance(module, FuseFastToSlow):
                module.norm = module.activation = None
    pathways = SlowFastPathways(alpha, strided=strided_frames)
    return staged_network(
        trunk,
        prefixes=("slow.", "fast."),
        pathways=pathways,
        pixel_mean=pixel_mean,
        pixel_std=pixel_std,
    )


def _single_pathway(
    trunk: nn.Module, stride_1x1: bool, pixel_mean: Sequence[float], pixel_std: Sequence[float]
) -> VideoNetwork:
    if stride_1x1:
        for module in trunk.modules():
            if isinstance(module, BottleneckBlock):
                module.conv_a.stride, module.conv_b.stride = (
                    (module.conv_a.stride[0], *module.conv_b.stride[1:]),
                    (module.conv_b.stride[0], 1, 1),
                )
    return staged_network(trunk, pixel_mean=pixel_mean, pixel_std=pixel_std)
