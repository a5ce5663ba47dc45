"""Eigenvalues, filter response and degree map of every non-local block, for one clip.

    python -m snl_video.tools.spectrum --checkpoint runs/a/checkpoints/best.ckpt --video a.avi
    python -m snl_video.tools.spectrum --backbone i3d_r50 --kind gsnl --places five --video a.avi

Writes `<place>.png` and `<place>.json` for each block to `--output`.
"""

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from snl_video.blocks import Graph, NonLocalBlock, filter_response, spectrum
from snl_video.blocks.graphs import LowRankGraph
from snl_video.blocks.pooling import Grid, coarsen
from snl_video.data.decoding import open_video
from snl_video.data.sampling import uniform_clips
from snl_video.data.transforms import EvalTransform
from snl_video.models.build import build_model
from snl_video.models.insertion import inserted_blocks
from snl_video.models.network import VideoNetwork
from snl_video.training.classifier import VideoClassifier

LARGEST_MATRIX = 3136


class Seen(NamedTuple):
    """A block, the graph it made of a clip, and the (T, H, W) of the graph's positions."""

    block: NonLocalBlock
    graph: Graph
    grid: Grid


def main(argv: Sequence[str] | None = None) -> None:
    """Write the figures and the numbers of every block."""
    parser = input_arguments(__doc__, "runs/spectrum")
    arguments = parser.parse_args(argv)
    network, clip = load(arguments)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for place, seen in graphs_of(network, clip).items():
        found = measure(seen)
        path = arguments.output / f"{place}.json"
        path.write_text(json.dumps({"place": place, **found}, indent=1) + "\n")
        plot(place, found, path.with_suffix(".png"))
        print(f"{path.with_suffix('.png')}, {path}")


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
    parser.add_argument("--num-frames", type=int, default=8)
    parser.add_argument("--frame-interval", type=int, default=8)
    parser.add_argument("--short-side", type=int, default=256)
    parser.add_argument("--crop-size", type=int, default=224)
    parser.add_argument("--output", type=Path, default=Path(output), help="folder to write to")
    return parser


def load(arguments: argparse.Namespace) -> tuple[VideoNetwork, Tensor]:
    """The network, in evaluation mode, and the centre clip of the video, uint8 (1, 3, T, S, S)."""
    if arguments.checkpoint:
        classifier = VideoClassifier.load_from_checkpoint(
            arguments.checkpoint, map_location="cpu", weights_only=True
        )
        network = classifier.network
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
    video = open_video(arguments.video)
    indices = uniform_clips(
        video.num_frames, arguments.num_frames, arguments.frame_interval, num_clips=1
    )
    transform = EvalTransform(arguments.short_side, arguments.crop_size)
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


@torch.no_grad()
def measure(seen: Seen) -> dict[str, Any]:
    """The numbers of one block, as plain JSON types.

    `eigenvalues` holds those that are not zero by construction, [real, imaginary] where A is not
    symmetric; it is null where they would need a matrix of more than `LARGEST_MATRIX` rows, or A is
    not square. `degree` (T, H, W) is the mean over channels for cgnl.
    """
    block, graph, grid = seen
    degree = graph.degree()[0]
    if len(degree) != math.prod(grid):
        degree = degree.view(-1, math.prod(grid)).mean(0)
    response: dict[str, Any] | None = None
    try:
        points = torch.linspace(-1, 1, 201)
        response = {
            "eigenvalue": points.tolist(),
            "gain": [filter_response(block, points, u).tolist() for u in range(len(block.units))],
        }
    except ValueError:
        pass
    return {
        "kind": block.kind,
        "in_channels": block.in_channels,
        "inner_channels": block.inner_channels,
        "options": block.options,
        "grid": list(grid),
        "symmetric": graph.symmetric,
        "eigenvalues": _eigenvalues(graph),
        "response": response,
        "degree": degree.view(grid).tolist(),
    }


def plot(place: str, found: dict[str, Any], path: Path) -> None:
    """Draw what `measure` found: histogram and response above, the degree of each frame below."""
    from matplotlib.figure import Figure

    frames = found["degree"]
    figure = Figure(figsize=(max(1.5 * len(frames), 8), 6), layout="constrained")
    upper, lower = figure.subfigures(2, 1, squeeze=False)[:, 0]
    upper.suptitle(f"{place}: {found['kind']}, {'x'.join(map(str, found['grid']))} positions")
    left, right = upper.subplots(1, 2)
    values = found["eigenvalues"]
    if values is None:
        left.text(0.5, 0.5, "not computed: A is too large or not square", ha="center")
    else:
        left.hist([v[0] if isinstance(v, list) else v for v in values], bins=60, log=True)
    left.set(xlabel="eigenvalue of A (real part)", ylabel="number")
    if found["response"] is None:
        right.text(0.5, 0.5, "not a polynomial of A", ha="center")
    else:
        for unit, gain in enumerate(found["response"]["gain"]):
            right.plot(found["response"]["eigenvalue"], gain, label=f"unit {unit}")
        right.legend()
    right.set(xlabel="eigenvalue of A", ylabel="gain of the filter")
    top = max(max(map(max, frame)) for frame in frames)
    low = min(min(map(min, frame)) for frame in frames)
    lower.suptitle(f"degree over time, {low:.3g} to {top:.3g}")
    for number, (axis, frame) in enumerate(
        zip(lower.subplots(1, len(frames), squeeze=False)[0], frames, strict=True)
    ):
        axis.imshow(frame, vmin=low, vmax=top)
        axis.set(title=f"t = {number}", xticks=[], yticks=[])
    figure.savefig(path, dpi=100)


def _eigenvalues(graph: Graph) -> list[Any] | None:
    if graph.queries != graph.keys:
        return None
    count = None
    if isinstance(graph, LowRankGraph):
        count = min(
            2 * graph.left.shape[-1] if graph.symmetric else graph.left.shape[-1], graph.keys
        )
    elif graph.queries > LARGEST_MATRIX:
        return None
    values = spectrum(graph, count)[0]
    return torch.view_as_real(values).tolist() if values.is_complex() else values.tolist()


if __name__ == "__main__":
    main()
