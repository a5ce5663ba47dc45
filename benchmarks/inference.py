"""Seconds of one clip in each engine, and whether the engines name the same class.

    python -m benchmarks.inference [--rounds 5] [--only i3d_r50]
    python -m benchmarks.inference --agreement kinetics400 --videos FOLDER --views 500

The first prints one Markdown table: networks of full size with an SNL block at the place of the
paper, random weights, one clip; all engines in turns in this run, medians. The peer is the network
of PyTorchVideo in eager float32, which has no block. The second compares the best classes of
trained weights over many views, in every engine with those of torch in float32.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.timing import Step, in_turns
from snl_video.data.clips import ClipSettings
from snl_video.errors import InputError
from snl_video.evaluation.views import ViewSetting
from snl_video.inference.engines.build_engine import build_engine
from snl_video.inference.engines.capture import capture
from snl_video.inference.engines.engine import Backend, Engine, Precision
from snl_video.inference.engines.openvino_engine import OpenVinoEngine, to_openvino
from snl_video.inference.engines.parity import (
    clips_of_videos,
    compare_engines,
    generated_clips,
    parity_table,
)
from snl_video.inference.engines.quantisation import quantise
from snl_video.inference.stored_model import read_stored_model
from snl_video.inference.viewing import Viewing
from snl_video.models.network import VideoNetwork
from snl_video.weights import build_model
from snl_video.wording import markdown_table

NETWORKS = {
    "i3d_r50": ("i3d_r50", 8, 224),
    "slowfast": ("slowfast_r50_8x8", 32, 224),
    "inception": ("i3d_inception", 32, 160),
}
"""Name -> backbone, frames and pixels."""
ENGINES: tuple[tuple[Backend, Precision], ...] = (
    ("torch", "fp32"),
    ("torch", "bf16"),
    ("compile", "fp32"),
    ("compile", "bf16"),
    ("onnxruntime", "fp32"),
    ("openvino", "fp32"),
    ("openvino", "bf16"),
)
CALIBRATED_ON = 8
"""Generated clips that int8 is calibrated with."""


def main() -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=NETWORKS, help="one network")
    parser.add_argument("--skip", nargs="*", default=[], help="backends to leave out")
    parser.add_argument("--agreement", help="a run, a checkpoint or kinetics400")
    parser.add_argument("--videos", type=Path, help="folder of the views; else they are generated")
    parser.add_argument("--views", type=int, default=500)
    parser.add_argument("--size", type=int, help="of the views, in pixels")
    parser.add_argument("--frames", type=int, help="of the views")
    options = parser.parse_args()
    if options.agreement:
        print_agreement(options)
        return
    head = ["network, one clip", "engine", "ms a clip", "x PyTorchVideo", "x torch fp32"]
    rows: list[tuple[str, ...]] = []
    for name in [options.only] if options.only else NETWORKS:
        rows += speed_rows(name, options.rounds, options.skip)
    print(markdown_table(head, rows))


def speed_rows(name: str, rounds: int, skip: list[str]) -> Iterator[tuple[str, ...]]:
    """The rows of one network."""
    backbone, num_frames, size = NETWORKS[name]
    torch.manual_seed(0)
    network = build_model(backbone, 400, non_local={"kind": "snl"}).eval()
    viewing = Viewing(ClipSettings(num_frames, 1), size, size, ViewSetting(1, 1))
    clips = list(generated_clips(viewing, CALIBRATED_ON))
    steps: dict[str, Step] = {}
    peer = peer_of(name)
    if peer is not None:
        steps["PyTorchVideo fp32"] = peer_step(peer, network, clips[0])
    for engine in engines_of(network, viewing, clips, skip):
        steps[engine.name] = lambda engine=engine: engine(clips[0])  # type: ignore[misc]
    seconds = in_turns(steps, rounds)
    theirs = seconds.get("PyTorchVideo fp32")
    for engine_name, spent in seconds.items():
        yield (
            f"{backbone}, {num_frames}x{size}x{size}",
            engine_name,
            f"{1e3 * spent:.0f}",
            f"{theirs / spent:.2f}" if theirs else "",
            f"{seconds['torch fp32'] / spent:.2f}",
        )


def engines_of(
    network: VideoNetwork, viewing: Viewing, calibration: list[Tensor], skip: list[str]
) -> Iterator[Engine]:
    """Every engine that is installed, int8 last."""
    sizes = {"num_frames": viewing.clip.num_frames, "size": viewing.size}
    for backend, precision in ENGINES:
        if backend in skip:
            continue
        try:
            yield build_engine(network, backend, precision, device="cpu", **sizes)
        except InputError as error:
            print(f"{backend}: {error}")
    if "openvino" in skip:
        return
    try:
        small = quantise(to_openvino(capture(network, **sizes)), calibration)
    except InputError as error:
        print(f"int8: {error}")
        return
    for precision in ("fp32", "bf16"):
        engine = OpenVinoEngine(small, precision)
        engine.name = f"openvino int8, the rest {precision}"
        yield engine


def peer_of(name: str) -> nn.Module | None:
    """PyTorchVideo's own network, None where it has no such one."""
    from pytorchvideo.models.hub.resnet import i3d_r50
    from pytorchvideo.models.hub.slowfast import slowfast_r50

    makers: dict[str, Callable[..., nn.Module]] = {"i3d_r50": i3d_r50, "slowfast": slowfast_r50}
    return makers[name](pretrained=False).eval() if name in makers else None


def peer_step(peer: nn.Module, network: VideoNetwork, clip: Tensor) -> Step:
    """A forward pass of the peer on what our network gets of a clip."""

    @torch.inference_mode()
    def run() -> None:
        pixels = network.normalise(clip)
        peer(pixels if network.pathways is None else network.pathways(pixels))

    return run


def print_agreement(options: argparse.Namespace) -> None:
    """Print how often each engine names the best class of torch in float32."""
    stored = read_stored_model(options.agreement)
    viewing = Viewing.of_training(stored.data, stored.evaluation)
    size = options.size or viewing.size
    clip = replace(viewing.clip, num_frames=options.frames or viewing.clip.num_frames)
    short_side = round(viewing.short_side * size / viewing.size)
    views = ViewSetting(4, 1)
    viewing = replace(viewing, clip=clip, size=size, short_side=short_side, views=views)
    if options.videos:
        paths = sorted(map(str, options.videos.rglob("*.*")))
        found = clips_of_videos(viewing, paths[:: max(1, len(paths) * 4 // options.views)])
    else:
        found = generated_clips(viewing, options.views)
    calibration = list(islice(found, 2 * CALIBRATED_ON))
    engines = list(engines_of(stored.network, viewing, calibration, options.skip))
    rows = compare_engines(engines[0], engines[1:], islice(found, options.views))
    kind = "of videos" if options.videos else "generated"
    print(
        f"{options.agreement}, {rows[0].num_clips} views {kind}, {clip.num_frames}x{size}x{size}; "
        f"int8 is calibrated with {len(calibration)} others\n\n{parity_table(rows)}"
    )


if __name__ == "__main__":
    main()
