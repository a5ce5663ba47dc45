"""bfloat16 convolutions on a CPU against float64, in the shapes that oneDNN computes wrongly."""

import copy
import os
import random

import pytest
import torch
from torch import nn

from snl_video.models import safe_convolution
from snl_video.models.safe_convolution import SafeConv3d, is_faulty_in_bfloat16
from snl_video.weights import build_model
from tests.models.convolution_fuzz import TOLERANCE, Case, random_case, worst_error

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="each case runs in a child process")
FAULTY = [
    Case(3, 16, 9, (1, 3, 1), (2, 2, 1), (0, 1, 0), (6, 1, 12)),  # crashes with AVX512_BF16
    Case(2, 24, 24, (7, 1, 1), (1, 2, 1), (3, 0, 0), (3, 3, 3)),  # weight gradient
    Case(2, 1, 8, (7, 3, 3), (4, 1, 1), (3, 1, 1), (1, 5, 7), channels_last=True),  # output
    Case(2, 16, 16, (1, 3, 3), (1, 2, 2), (0, 1, 1), (4, 8, 1)),  # weight gradient with AMX
    Case(1, 8, 5, (3, 1, 1), (2, 1, 1), (1, 0, 0), (8, 4, 24)),  # input gradient with AMX
]


@needs_fork
@pytest.mark.parametrize("case", FAULTY)
def test_shapes_that_are_wrong_in_bfloat16_are_right(case):
    assert case.faulty
    assert worst_error(case, SafeConv3d) < TOLERANCE


@needs_fork
def test_other_shapes_are_right_as_they_are():
    rng = random.Random(1)
    cases = [case for case in (random_case(rng) for _ in range(60)) if not case.faulty]
    assert len(cases) > 20
    assert [case for case in cases if worst_error(case, nn.Conv3d) > TOLERANCE] == []


@pytest.mark.slow
@needs_fork
def test_thousands_of_shapes_are_right():
    rng = random.Random(2)
    cases = [random_case(rng) for _ in range(3000)]
    assert [case for case in cases if worst_error(case, SafeConv3d) > TOLERANCE] == []


@pytest.mark.parametrize("faulty", [False, True])
def test_only_faulty_shapes_leave_bfloat16(faulty):
    layer = SafeConv3d(4, 8, 3, padding=1, bias=True)
    x = torch.randn(1, 4, 2 if faulty else 3, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x)
    exact = nn.functional.conv3d(x, layer.weight, layer.bias, padding=1)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, exact.bfloat16()) == faulty
    half = copy.deepcopy(layer).bfloat16()(x.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), exact, atol=0.05, rtol=0.05)
    assert torch.equal(layer(x), exact)


@pytest.mark.parametrize(
    ("backbone", "frames"), [("i3d_r50", 8), ("slowfast_r50_8x8", 32), ("i3d_inception", 32)]
)
def test_full_clips_have_no_faulty_shape(backbone, frames, monkeypatch):
    network = build_model(backbone, 5, width=8).eval()
    found = []

    def spy(weight, stride, size):
        found.append(is_faulty_in_bfloat16(weight, stride, size))
        return True  # so that the kernels of narrow networks are not needed

    monkeypatch.setattr(safe_convolution, "is_faulty_in_bfloat16", spy)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        network(torch.zeros(1, 3, frames, 160, 160))
    assert len(found) > 50
    assert not any(found)
