"""Places of transformers: their blocks, by stage."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from snl_video.models.network import KINETICS_MEAN, KINETICS_STD, Place, VideoNetwork
from snl_video.models.tracing.traced_places import traced_places

FIVE = ("stage2.0", "stage2.1", "stage3.1", "stage3.3", "stage3.5")


def named_by_stage(blocks: Mapping[str, Place]) -> dict[str, Place]:
    """Name blocks ``stage1.0``, ``stage2.0``, ``stage2.1``, ... in the order of the forward pass.

    A stage ends where the grid of the tokens changes, or the number of channels where the features
    are a grid already.
    """
    names: dict[str, Place] = {}
    stage, index, last = 0, 0, None
    for place in blocks.values():
        kind = tuple(place.layout.sizes.values()) or place.channels
        stage, index = (stage, index + 1) if kind == last else (stage + 1, 0)
        names[f"stage{stage}.{index}"], last = place, kind
    return names


def transformer_network(
    trunk: nn.Module,
    paths: Sequence[str],
    head: str,
    clip: tuple[int, int],
    pixel_mean: Sequence[float] = KINETICS_MEAN,
    pixel_std: Sequence[float] = KINETICS_STD,
) -> VideoNetwork:
    """Make a `VideoNetwork` of a transformer whose blocks widen by stage.

    Args:
        trunk: the network.
        paths: of its blocks, in the order of the forward pass.
        head: path of its last linear layer.
        clip: frames and pixels of a clip that it takes.
        pixel_mean: of each colour channel.
        pixel_std: of each colour channel.
    """
    frames, size = clip
    example = torch.empty(1, 3, frames, size, size, device="meta")
    places = named_by_stage(traced_places(trunk, paths, example))
    *_, last = places
    places[last] = places[last]._replace(read=not places[last].layout.extra_tokens)
    third = [name for name in places if name.startswith("stage3.")]
    return VideoNetwork(
        trunk,
        places=places,
        place_sets={"paper": third[-2:-1], "five": FIVE},
        head=head,
        pixel_mean=pixel_mean,
        pixel_std=pixel_std,
    )
