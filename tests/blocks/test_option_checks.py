"""Errors name the value and the remedy."""

import pytest
import torch

from snl_video.blocks import BLOCKS, build_block
from snl_video.blocks.block import check_input


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("sln", {}, r"unknown block kind 'sln': choose from nl, ns, a2, cgnl, cc, dnl, snl, gsnl"),
        ("snl", {"ordr": 3}, r"'snl' has no option 'ordr': it has num_units, bias"),
        (
            "snl",
            {"inner_channels": 0},
            r"must be 1 or more, got 16 and 0",
        ),
        ("snl", {"num_units": 0}, r"num_units .*must be 1 or more, got 0"),
        ("gsnl", {"order": 0}, r"order .*must be 1 or more, got 0"),
        (
            "gsnl",
            {"basis": "fourier"},
            r"basis .*one of monomial, chebyshev, got 'fourier'",
        ),
        ("snl", {"form": "dense"}, r"form .*must be one of auto, low_rank, matrix, got 'dense'"),
        ("snl", {"affinity": "dot"}, r"affinity .*must be one of relu, .*got 'dot'"),
        ("snl", {"pool": (1, 2, 2)}, r"cannot be symmetric: use pool_input=\(1, 2, 2\)"),
        ("nl", {"pool": (2, 2)}, r"pool .*must be three sizes .* got \(2, 2\)"),
        ("nl", {"pool": [1, 2, 0]}, r"pool .*must be three sizes .* got \[1, 2, 0\]"),
        ("gsnl", {"order": "three"}, r"order .*must be 1 or more, got 'three'"),
        ("nl", {"norm": "layer"}, r"norm .*must be one of batch, group, none, got 'layer'"),
        ("cgnl", {"groups": 3}, r"in_channels=16 is not divisible by groups=3"),
        ("cgnl", {"groups": 16}, r"inner_channels=8 is not divisible by groups=16"),
        ("cgnl", {"taylor_order": 0}, r"taylor_order .*must be 1 or more, got 0"),
        ("gsnl", {"lambda_max": 0, "basis": "chebyshev"}, r"lambda_max .*a number above 0, got 0"),
        ("snl", {"gain": -0.1}, r"gain .*a number above 0, got -0.1"),
        ("gsnl", {"lambda_max": "two"}, r"lambda_max .*a number above 0, got 'two'"),
        ("snl", {"focus": 0}, r"focus .*1 or more, got 0"),
        ("snl", {"focus": 2, "affinity": "softmax"}, r"focus=2 is of affinity='relu'.*leave it"),
        (
            "gsnl",
            {"normalisation": "random_walk", "affinity": "mean"},
            r"normalisation='random_walk' is of affinity='relu', not of 'mean'.*leave it",
        ),
        ("snl", {"normalisation": "rows"}, r"normalisation .*symmetric, random_walk, got 'rows'"),
        ("gsnl", {"lambda_max": 1.5}, r"lambda_max=1.5 rescales .*: add basis='chebyshev'"),
        ("snl", {"position": "sinus"}, r"position .*one of none, sine, learned, got 'sinus'"),
        ("snl", {"position_grid": (8, 14)}, r"position_grid .*three sizes .* got \(8, 14\)"),
        (
            "gsnl",
            {"order": 1, "position": "sine"},
            "position='sine' is added to what theta",
        ),
        ("nl", {"affinity": "gaussian", "position": "learned"}, "has neither: leave it out"),
        ("cc", {"recurrence": 0}, r"recurrence .*must be 1 or more, got 0"),
    ],
)
def test_wrong_options(kind: str, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_block(kind, 16, **arguments)


@pytest.mark.parametrize("kind", BLOCKS)
def test_wrong_inputs(kind: str) -> None:
    block = build_block(kind, 8)
    for call in (block, block.graph):
        with pytest.raises(ValueError, match=r"\(B, 8, T, H, W\), got \(2, 8, 5, 4\): .*unsqueeze"):
            call(torch.zeros(2, 8, 5, 4))
        with pytest.raises(ValueError, match=r"got \(2, 4, 1, 5, 4\): .*in_channels=4"):
            call(torch.zeros(2, 4, 1, 5, 4))
        bad = torch.zeros(1, 8, 1, 2, 2)
        bad[0, 0, 0, 0, 0], bad[0, 1, 0, 0, 0] = torch.nan, torch.inf
        with pytest.raises(ValueError, match="1 NaN and 1 infinite values of 32"):
            call(bad)


def test_huge_finite_input_passes_the_check() -> None:
    x = torch.full((1, 8, 1, 4, 4), 3e38)
    build_block("snl", 8).graph(x * 1e-30)
    check_input(x, 8)
