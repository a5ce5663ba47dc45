"""How many views go through the network at a time."""

import pytest
import torch

from snl_video.training.view_scores import EvaluationSpec, ViewScores


@pytest.mark.parametrize(
    ("given", "shape", "device", "expected"),
    [
        (0, (1, 6, 3, 8, 224, 224), "cpu", [2, 2, 2]),
        (0, (1, 3, 3, 64, 224, 224), "cpu", [1, 1, 1]),
        (0, (10, 2, 3, 8, 32, 32), "cpu", [20]),
        (4, (2, 5, 3, 8, 32, 32), "cpu", [4, 4, 2]),
        (0, (1, 30, 3, 32, 256, 256), "meta", [30]),
    ],
)
def test_a_cpu_takes_about_a_million_pixels_and_a_gpu_all(given, shape, device, expected):
    taken = []

    def forward(clips):
        taken.append(len(clips))
        return torch.zeros(len(clips), 4, device=device)

    clips = torch.empty(shape, dtype=torch.uint8, device=device)
    logits = ViewScores(EvaluationSpec(views_per_forward=given)).logits(forward, clips)
    assert taken == expected
    assert logits.shape == (*shape[:2], 4)
