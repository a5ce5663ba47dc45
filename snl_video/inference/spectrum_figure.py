"""The figure of a block's spectrum: eigenvalues, filter response, degrees on the frames."""

import textwrap
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from torch import Tensor

from snl_video.inference.affinity_pictures import blend, overlay
from snl_video.inference.block_spectrum import reading

COLUMNS, MOST_FRAMES = 4, 16
BLUE = "#2d5f8b"


def draw_spectrum(place: str, found: dict[str, Any], clip: Tensor, path: Path) -> None:
    """Draw what `measure` found: eigenvalues and response above, degrees on frames below.

    Args:
        place: of the block.
        found: of `measure`.
        clip: that the graph was made of, uint8 (3, T, H, W).
        path: the picture.
    """
    degree = torch.tensor(found["degree"])
    chosen = torch.linspace(0, clip.shape[1] - 1, min(clip.shape[1], MOST_FRAMES)).round().int()
    rows = -(-len(chosen) // COLUMNS)
    figure = Figure(figsize=(12, 5 + 2.9 * rows), layout="constrained")
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(4.4, 2.9 * rows))
    upper, lower = parts[:, 0]
    upper.suptitle(f"{place}: {found['kind']} block, {_grid(found)}", x=0.01, ha="left")
    left, right = upper.subplots(1, 2)
    draw_eigenvalues(left, found["eigenvalues"])
    draw_response(right, found["response"])
    scale = 320 / max(clip.shape[2:])
    size = (round(clip.shape[2] * scale), round(clip.shape[3] * scale))
    pictures = overlay(clip, degree, size)
    axes = lower.subplots(rows, COLUMNS, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, number in zip(axes.flat, chosen.tolist(), strict=False):
        axis.imshow(pictures[number].numpy())
        axis.set_title(f"frame {number}", fontsize=10, loc="left")
    grey = torch.full((1, 256, 3), 170.0)
    colours = ListedColormap((blend(grey, torch.linspace(0, 1, 256)[None])[0] / 255).tolist())
    values = ScalarMappable(Normalize(float(degree.min()), float(degree.max())), colours)
    kind = "sum of weights to all positions" if found["degree_of_kernel"] else "row sum of A"
    lower.colorbar(values, ax=axes, label=f"degree ({kind})", shrink=0.9)
    words = "\n".join(textwrap.wrap(reading(found), 125))
    figure.supxlabel(words, x=0.01, ha="left", fontsize=11)
    figure.savefig(path, dpi=100)


def draw_eigenvalues(axis: Axes, values: list[Any] | None) -> None:
    """How many eigenvalues are how large."""
    if values is None:
        axis.text(0.5, 0.5, "not computed: A is too large or not square", ha="center", wrap=True)
    else:
        real = [v[0] if isinstance(v, list) else v for v in values]
        axis.hist(real, bins=60, log=True, color=BLUE)
        axis.set_xlim(min(-1.1, *real), max(1.1, *real))
    axis.set_title("How positions are tied", fontsize=11, loc="left")
    axis.set(xlabel="eigenvalue of A (real part, no unit)", ylabel="number of eigenvalues")


def draw_response(axis: Axes, response: dict[str, Any] | None) -> None:
    """How strongly the filter passes each eigenvalue."""
    if response is None:
        axis.text(0.5, 0.5, "the filter is not a polynomial of A", ha="center")
    else:
        for unit, gain in enumerate(response["gain"]):
            axis.plot(
                response["eigenvalue"], gain, label=f"unit {unit}", color=None if unit else BLUE
            )
        axis.set_ylim(bottom=0)
        if len(response["gain"]) > 1:
            axis.legend()
    axis.set_title("What the filter passes", fontsize=11, loc="left")
    axis.set(xlabel="eigenvalue of A (no unit)", ylabel="gain (output per input)")


def _grid(found: dict[str, Any]) -> str:
    return f"{' x '.join(map(str, found['grid']))} positions (time, height, width)"
