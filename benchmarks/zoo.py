"""The table of docs/models.md: every backbone, its size, its cost, and where its weights are.

    python -m benchmarks.zoo

writes it anew. Sizes and costs are counted; published accuracies are quoted, each from the source
in its row.
"""

import re
from pathlib import Path
from typing import NamedTuple

from torchvision.models import get_model_weights

from snl_video.models import BACKBONES, build_network
from snl_video.models.summary import summarise
from snl_video.wording import DASH, markdown_table

PTV_ZOO = "PyTorchVideo's model zoo"
PTV_HUB = "docstring of PyTorchVideo's hub"
TORCHVISION = "metadata of torchvision's weights"
PAGE = Path(__file__).parents[1] / "docs/models.md"
TABLE = re.compile(r"\| name \|.*?(?=\n\n)", re.DOTALL)
HEAD = ("name", "parameters", "GMACs", "clip", "weights", "licence", "top-1", "top-5", "source")


class Published(NamedTuple):
    """Clip of a published network (frames, interval, pixels), and its accuracy on Kinetics-400."""

    frames: int
    interval: int | None
    size: int
    weights: str = "PyTorchVideo"
    top1: float | None = None
    top5: float | None = None
    source: str = PTV_ZOO


PRESETS = {
    "i3d_r50": Published(8, 8, 256, top1=73.27, top5=90.70),
    "i3d_r101": Published(8, 8, 256, DASH, source=DASH),
    "c2d_r50": Published(8, 8, 256, top1=71.46, top5=89.68),
    "slow_r50": Published(8, 8, 256, top1=74.58, top5=91.63),
    "slow_r101": Published(8, 8, 256, DASH, source=DASH),
    "slowfast_r50_4x16": Published(32, 2, 256, top1=75.34, top5=91.89),
    "slowfast_r50_8x8": Published(32, 2, 256, top1=76.94, top5=92.69),
    "slowfast_r101_8x8": Published(32, 2, 256, top1=77.90, top5=93.27),
    "i3d_inception": Published(64, 2, 224, "`kinetics400` (DeepMind)", source=DASH),
    "r2plus1d_r50": Published(16, 4, 256, top1=76.01, top5=92.23),
    "csn_r101": Published(32, 2, 256, top1=77.0, source=PTV_HUB),
    "x3d_xs": Published(4, 12, 182, top1=69.12, top5=88.63),
    "x3d_s": Published(13, 6, 182, top1=73.33, top5=91.27),
    "x3d_m": Published(16, 5, 256, top1=75.94, top5=92.72),
    "x3d_l": Published(16, 5, 356, top1=77.44, top5=93.31),
    "mvit_b_16x4": Published(16, 4, 224, top1=78.9, source=PTV_HUB),
    "mvit_b_32x3": Published(32, 3, 224, top1=80.3, source=PTV_HUB),
}
LICENCES = {"PyTorchVideo": "Apache-2.0", "`kinetics400` (DeepMind)": "Apache-2.0", DASH: DASH}
"""Of the package, or the repository, that publishes the weights."""
CLIPS = {"s3d": (128, 2, 224), "swin3d": (32, 2, 224), "mvit": (16, 4, 224)}
"""Beginning of a name in torchvision -> clip of its published accuracy at 30 frames a second."""


def torchvision_preset(name: str) -> Published:
    """What torchvision tells of the default weights of a network."""
    meta = get_model_weights(name).DEFAULT.meta
    clip = next((clip for start, clip in CLIPS.items() if name.startswith(start)), (16, 2, 112))
    metrics = meta["_metrics"]["Kinetics-400"]
    return Published(
        *clip, f"`torchvision:{name}`", metrics["acc@1"], metrics["acc@5"], TORCHVISION
    )


def row(backbone: str) -> list[str]:
    """The cells of one backbone."""
    _, _, name = backbone.partition("torchvision:")
    of = torchvision_preset(name) if name else PRESETS[backbone]
    summary = summarise(build_network(backbone, 400), of.frames, of.size, of.size)
    return [
        f"`{backbone}`",
        f"{summary.parameters / 1e6:.2f} M",
        f"{summary.gmacs:.1f}" if summary.gmacs >= 10 else f"{summary.gmacs:.2f}",
        f"{of.frames} x {of.interval} at {of.size}",
        of.weights,
        "BSD-3-Clause" if name else LICENCES[of.weights],
        DASH if of.top1 is None else f"{of.top1}",
        DASH if of.top5 is None else f"{of.top5}",
        of.source,
    ]


def table() -> str:
    """The table of all backbones."""
    return markdown_table(HEAD, [row(backbone) for backbone in BACKBONES])


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(lambda _: table(), text, count=1), encoding="utf-8")
