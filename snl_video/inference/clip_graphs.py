"""What the tools that look at one clip share: the network, the clip, and the graphs it makes."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snl_video.blocks import Graph, NonLocalBlock
from snl_video.blocks.pooling import Grid, coarsen
from snl_video.data.clips import ClipSettings
from snl_video.data.decoding import open_video
from snl_video.data.transforms.crops import EvalTransform
from snl_video.models.insertion import inserted_blocks
from snl_video.models.network import VideoNetwork
from snl_video.training.module import VideoClassifier
from snl_video.weights.build import build_model

CLIP = {"num_frames": 8, "interval": 8, "short_side": 256, "size": 224}
"""Frames, frames of the video between them, pixels of the short side, pixels of the crop."""


class Seen(NamedTuple):
    """A block, the graph it made of a clip, and the (T, H, W) of the graph's positions."""

    block: NonLocalBlock
    graph: Graph
    grid: Grid


def input_arguments(description: str | None, output: str) -> argparse.ArgumentParser:
    """A parser of the model, the video and the folder of a tool that looks at one clip."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--checkpoint", type=Path, help="a checkpoint of train.py")
    model.add_argument("--backbone", help="a fresh network, e.g. i3d_r50")
    parser.add_argument("--kind", default="snl", help="kind of its blocks")
    parser.add_argument("--places", nargs="+", default=["paper"], help="paper, five or names")
    parser.add_argument("--width", type=int, default=64, help="channels of its stem")
    parser.add_argument("--seed", type=int, default=0, help="of its random weights")
    parser.add_argument("--video", type=Path, required=True)
    for name, value in CLIP.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, help=f"by default the checkpoint's, or {value}")
    parser.add_argument("--output", type=Path, default=Path(output), help="folder to write to")
    return parser


def load(arguments: argparse.Namespace) -> tuple[VideoNetwork, Tensor]:
    """The network, in evaluation mode, and the centre clip of the video, uint8 (1, 3, T, S, S).

    Length, interval and size of the clip are the command line's, else the checkpoint's own.

    Raises ValueError when the network has no block, VideoError when the video cannot be read.
    """
    clip = dict(CLIP)
    if arguments.checkpoint:
        classifier = VideoClassifier.load_from_checkpoint(
            arguments.checkpoint, map_location="cpu", weights_only=True
        )
        network = classifier.network
        stored = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
        data = stored.get("datamodule_hyper_parameters", {})
        trained_on = {**data.get("clip", {}), **data.get("crop", {})}
        clip.update({name: trained_on[name] for name in CLIP if name in trained_on})
    else:
        torch.manual_seed(arguments.seed)
        places = arguments.places
        named = places[0] if places[0] in ("paper", "five") else places
        spec = {"kind": arguments.kind, "places": named}
        network = build_model(arguments.backbone, 400, width=arguments.width, non_local=spec)
    if not inserted_blocks(network):
        raise ValueError(
            f"the network of {arguments.checkpoint} has no non-local block to look at: "
            "train one with model.non_local, or take --backbone and --kind"
        )
    clip.update({name: getattr(arguments, name) for name in CLIP if getattr(arguments, name)})
    video = open_video(arguments.video)
    indices = ClipSettings(clip["num_frames"], clip["interval"]).uniform(video.num_frames, 1)
    transform = EvalTransform(clip["short_side"], clip["size"])
    frames = video.get_frames(indices[0]).permute(0, 3, 1, 2)
    return network.eval(), transform(frames)


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
