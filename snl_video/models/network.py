"""The network every backbone becomes: one clip in, logits out, with named places for blocks."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snl_video.errors import NetworkError
from snl_video.models.feature_layout import FeatureLayout
from snl_video.models.safe_convolution import use_safe_convolutions
from snl_video.protocol import ProtocolName

KINETICS_MEAN = (0.45, 0.45, 0.45)
KINETICS_STD = (0.225, 0.225, 0.225)


class Place(NamedTuple):
    """Where a block can go.

    Attributes:
        path: of a module in the trunk; the block comes after it.
        channels: of the features that the module returns.
        layout: of these features.
        item: index or key of the features in what it returns; None where that is a tensor.
        read: whether the network goes on with these features. After the last layer of a transformer
            that classifies its class token, it does not, and a block would do nothing.
    """

    path: str
    channels: int
    layout: FeatureLayout = FeatureLayout()
    item: int | str | None = None
    read: bool = True


class SlowFastPathways(nn.Module):
    """Split one clip into the list [slow, fast] of SlowFast's pathways.

    The slow pathway takes T // alpha frames at ``linspace(0, T - 1, T // alpha)``, truncated to
    integers, as PySlowFast's ``pack_pathway_output`` does; the fast pathway takes the whole clip.
    With ``strided`` the slow pathway takes the frames 0, alpha, 2 alpha, ... as MMAction2 does.
    """

    def __init__(self, alpha: int, *, strided: bool = False) -> None:
        super().__init__()
        if alpha < 1:
            raise NetworkError(f"alpha is the frame-rate ratio of the pathways, >= 1; got {alpha}")
        self.alpha = alpha
        self.strided = strided

    def forward(self, clip: Tensor) -> list[Tensor]:
        """Return [(B, 3, T // alpha, H, W), (B, 3, T, H, W)]; T must be a multiple of alpha."""
        num_frames = clip.shape[2]
        if num_frames % self.alpha:
            raise NetworkError(
                f"SlowFast with alpha={self.alpha} needs a multiple of {self.alpha} frames, got a "
                f"clip of {num_frames}; change data.clip.num_frames or backbone_options.alpha"
            )
        if self.strided:
            return [clip[:, :, :: self.alpha], clip]
        slow = torch.linspace(0, num_frames - 1, num_frames // self.alpha, device=clip.device)
        return [clip.index_select(2, slow.long()), clip]


class VideoNetwork(nn.Module):
    """A trunk with its pixel statistics and its named places.

    Args:
        trunk: takes a clip (or the list that ``pathways`` makes of it) and returns logits.
        places: name -> `Place`, in the order of the forward pass.
        head: path in the trunk of the layer that classifies: a linear layer or a 1x1x1 convolution.
        head_pools: paths of the modules that average the last feature map for it, one a pathway,
            where `use_protocol` may exchange them.
        place_sets: name -> places that it stands for, such as ``paper`` and ``five``.
        pathways: splits the clip for the trunk; None hands it over as it is.
        pixel_mean: mean of each colour channel, of pixels scaled to [0, 1].
        pixel_std: standard deviation of each colour channel, of pixels scaled to [0, 1].

    ``non_local`` lists the inserted blocks as plain dictionaries (see
    `insert_blocks`); ``protocol`` names how the head averages (see `use_protocol`).
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        trunk: nn.Module,
        *,
        places: Mapping[str, Place],
        head: str,
        head_pools: Sequence[str] = (),
        place_sets: Mapping[str, Sequence[str]] = MappingProxyType({}),
        pathways: nn.Module | None = None,
        pixel_mean: Sequence[float] = KINETICS_MEAN,
        pixel_std: Sequence[float] = KINETICS_STD,
    ) -> None:
        super().__init__()
        use_safe_convolutions(trunk)
        self.trunk = trunk
        self.places = dict(places)
        self.place_sets = {name: list(names) for name, names in place_sets.items()}
        self.head = head
        self.head_pools = list(head_pools)
        self.pathways = pathways
        self.non_local: list[dict] = []
        self.protocol: ProtocolName = "snl_video"
        self.register_buffer("pixel_mean", torch.tensor(pixel_mean), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(pixel_std), persistent=False)

    def normalise(self, clips: Tensor) -> Tensor:
        """Turn uint8 RGB (..., 3, T, H, W) into the floats that `forward` takes."""
        if clips.dtype != torch.uint8:
            raise TypeError(f"normalise takes uint8 pixels, got {clips.dtype}")
        mean, std = (v.view(-1, 1, 1, 1) for v in (self.pixel_mean, self.pixel_std))
        return (clips.to(mean.dtype) / 255 - mean) / std

    def forward(self, clip: Tensor) -> Tensor:
        """Map normalised pixels (B, 3, T, H, W) to logits (B, num_classes)."""
        if clip.ndim != 5 or clip.shape[1] != self.pixel_mean.shape[0]:
            raise NetworkError(
                f"expected a clip of shape (B, {self.pixel_mean.shape[0]}, T, H, W), "
                f"got {tuple(clip.shape)}"
            )
        return self.trunk(clip if self.pathways is None else self.pathways(clip))
