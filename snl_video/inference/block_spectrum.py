"""What a block does to the spectrum of its graph: eigenvalues, filter response, degrees."""

import math
from pathlib import Path
from typing import Any

import torch

from snl_video.blocks import Graph, filter_response, spectrum
from snl_video.blocks.graphs.graph import LowRankGraph
from snl_video.inference.clip_graphs import Seen

LARGEST_MATRIX = 3136
"""Rows of a matrix whose eigenvalues are computed densely."""


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
