"""One clip of a video, a network that sees it, and the graph that each of its blocks makes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snl_video.blocks import Graph, NonLocalBlock
from snl_video.blocks.pooling import Grid, coarsen
from snl_video.data.clips import ClipSettings
from snl_video.data.decoding import open_video
from snl_video.data.transforms.crops import EvalTransform
from snl_video.errors import InputError
from snl_video.evaluation.views import Activation, join_views
from snl_video.inference.stored_model import read_stored_model
from snl_video.models.insertion import inserted_blocks
from snl_video.models.network import VideoNetwork
from snl_video.weights import build_model

CLIP = {"num_frames": 8, "interval": 8, "short_side": 256, "size": 224}
"""Frames, frames of the video between them, pixels of the short side, pixels of the crop."""


@dataclass
class ClipAndNetwork:
    """What to look at: the centre clip of a video, and a network with non-local blocks.

    Attributes:
        video: the file.
        checkpoint: a checkpoint, or the folder of a run, whose network is looked at.
        backbone: in place of a checkpoint: a fresh network, e.g. i3d_r50.
        kind: of the blocks of a fresh network.
        places: of its blocks: paper, five, or a list of names.
        width: channels of its stem.
        seed: of its random weights.
        num_frames: of the clip; by default the checkpoint's, or 8, as the next three.
        interval: frames of the video between two of the clip (8).
        short_side: pixels of the shorter side before the crop (256).
        size: pixels of the centre crop (224).
    """

    video: Path
    checkpoint: Path | None = None
    backbone: str | None = None
    kind: str = "snl"
    places: str | list[str] = "paper"
    width: int = 64
    seed: int = 0
    num_frames: int | None = None
    interval: int | None = None
    short_side: int | None = None
    size: int | None = None

    def load(self) -> "Shown":
        """Read the network, in evaluation mode, and the centre clip, uint8 (1, 3, T, S, S).

        Raises:
            InputError: neither checkpoint nor backbone is given, or both; the network has no block;
                or the video cannot be read.
        """
        clip, classes = dict(CLIP), []
        activation: Activation = "softmax"
        if (self.checkpoint is None) == (self.backbone is None):
            raise InputError("name either a --checkpoint or, for random weights, a --backbone")
        if self.checkpoint is not None:
            stored = read_stored_model(self.checkpoint)
            network, classes, activation = stored.network, stored.classes, stored.activation
            trained_on = {**stored.data.get("clip", {}), **stored.data.get("crop", {})}
            clip |= {name: trained_on[name] for name in CLIP if name in trained_on}
        else:
            assert self.backbone is not None
            torch.manual_seed(self.seed)
            spec = {"kind": self.kind, "places": self.places}
            network = build_model(self.backbone, 400, width=self.width, non_local=spec).eval()
        if not inserted_blocks(network):
            raise InputError(
                f"the network of {self.checkpoint} has no non-local block to look at: "
                "train one with model.non_local, or take --backbone and --kind"
            )
        clip |= {name: getattr(self, name) for name in CLIP if getattr(self, name)}
        video = open_video(self.video)
        indices = ClipSettings(clip["num_frames"], clip["interval"]).uniform(video.num_frames, 1)
        transform = EvalTransform(clip["short_side"], clip["size"])
        frames = video.get_frames(indices[0]).permute(0, 3, 1, 2)
        return Shown(network, transform(frames), classes, activation)


class Shown(NamedTuple):
    """A network, a clip for it, and the names of its classes, none where its head is random."""

    network: VideoNetwork
    clip: Tensor
    classes: list[str]
    activation: Activation = "softmax"

    @torch.no_grad()
    def prediction(self) -> str:
        """The best two classes of the clip with their probabilities."""
        if not self.classes:
            return "no prediction: random weights"
        logits = self.network(self.network.normalise(self.clip))
        scores = join_views(logits, "probabilities", self.activation)
        values, order = scores.topk(min(2, len(self.classes)))
        pairs = zip(order.tolist(), values.tolist(), strict=True)
        return "prediction: " + ", ".join(f"{self.classes[i]} {100 * v:.1f} %" for i, v in pairs)


class Seen(NamedTuple):
    """A block, the graph it made of a clip, and the (T, H, W) of the graph's positions."""

    block: NonLocalBlock
    graph: Graph
    grid: Grid


@torch.no_grad()
def graphs_of(network: VideoNetwork, clip: Tensor) -> dict[str, Seen]:
    """place -> block and graph of every non-local block for a uint8 clip (1, 3, T, H, W)."""
    inputs: dict[str, Tensor] = {}
    blocks = inserted_blocks(network)

    def remember(place: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            inputs[place] = given[0]

        return hook

    handles = [b.register_forward_pre_hook(remember(place)) for place, b in blocks.items()]
    try:
        network(network.normalise(clip))
    finally:
        for handle in handles:
            handle.remove()
    seen = {}
    for place, block in blocks.items():
        assert isinstance(block, NonLocalBlock)
        coarse = coarsen(inputs[place], block.pool_input)
        t, h, w = coarse.shape[2:]
        seen[place] = Seen(block, block.graph(inputs[place]), (t, h, w))
    return seen
