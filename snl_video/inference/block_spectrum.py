"""What a block does to the spectrum of its graph: eigenvalues, filter response, degrees."""

import math
from typing import Any

import torch

from snl_video.blocks import Graph, filter_response, spectrum
from snl_video.blocks.graphs.graph import LowRankGraph
from snl_video.inference.clip_graphs import Seen

LARGEST_MATRIX = 3136
"""Rows of a matrix whose eigenvalues are computed densely."""
HIGH = 0.5
"""A larger eigenvalue tells of a group of positions that are tied."""


@torch.no_grad()
def measure(seen: Seen) -> dict[str, Any]:
    """The numbers of one block, as plain JSON types.

    `eigenvalues` holds those that are not zero by construction, [real, imaginary] where they are
    complex; it is null where they would need a matrix of more than `LARGEST_MATRIX` rows, or A is
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
        "degree_of_kernel": graph.degree_of_kernel,
        "eigenvalues": _eigenvalues(graph),
        "response": response,
        "degree": degree.view(grid).tolist(),
    }


def reading(found: dict[str, Any]) -> str:
    """Say in plain words what `measure` found: eigenvalues, response, degree."""
    words, response = [], found["response"]
    positions = math.prod(found["grid"])
    if found["eigenvalues"] is not None:
        real = [v[0] if isinstance(v, list) else v for v in found["eigenvalues"]]
        words.append(
            f"of {positions} eigenvalues {sum(v > HIGH for v in real)} above {HIGH} (groups of "
            f"positions tied among themselves) and {sum(v < -HIGH for v in real)} below -{HIGH} "
            "(pairs of groups tied to each other)"
        )
    if response is not None:
        gain = response["gain"][0]
        apart, together = gain[len(gain) // 2], gain[-1]
        if max(apart, together) == 0:
            words.append("the filter passes nothing yet")
        elif apart < together / 1000:
            words.append("the filter passes only what tied positions share")
        else:
            words.append(
                f"the filter passes what tied positions share (eigenvalue 1) "
                f"{together / apart:.2g} times as strongly as what they don't (eigenvalue 0)"
            )
    means = torch.tensor(found["degree"]).mean((1, 2))
    most = int(means.argmax())
    if float(means.max() - means.min()) < 1e-4 * float(means.abs().max()):
        words.append("all moments have the same mean degree")
    else:
        words.append(
            f"moment {most} of {len(means)} is tied most, with a mean degree of {means[most]:.3g} "
            f"against {means.mean():.3g} over all"
        )
    text = "; ".join(words)
    return f"{text[0].upper()}{text[1:]}."


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
