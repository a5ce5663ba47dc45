import math

import pytest
import torch

from snl_video.evaluation.calibration import expected_calibration_error, reliability


def brute_force(confidence, correct, num_bins):
    total = 0.0
    for m in range(num_bins):
        low, high = m / num_bins, (m + 1) / num_bins
        inside = [
            (c, r)
            for c, r in zip(confidence, correct, strict=True)
            if (low < c <= high) or (m == 0 and c == 0)
        ]
        if inside:
            mean = sum(c for c, _ in inside) / len(inside)
            accuracy = sum(r for _, r in inside) / len(inside)
            total += len(inside) / len(confidence) * abs(accuracy - mean)
    return total


def test_by_hand():
    confidence = torch.tensor([0.9, 0.9, 0.3, 0.3])
    correct = torch.tensor([True, False, False, False])
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.5 * 0.4 + 0.5 * 0.3)


@pytest.mark.parametrize("num_bins", [1, 2, 15])
@pytest.mark.parametrize("count", [1, 7, 200])
def test_equals_brute_force(num_bins, count):
    generator = torch.Generator().manual_seed(count)
    confidence = torch.rand(count, generator=generator, dtype=torch.float64)
    correct = torch.rand(count, generator=generator) < 0.6
    expected = brute_force(confidence.tolist(), correct.tolist(), num_bins)
    value = expected_calibration_error(confidence, correct, num_bins=num_bins)
    assert value == pytest.approx(expected, abs=1e-12)


def test_edges_belong_to_the_bin_below_and_zero_to_the_first():
    confidence = torch.tensor([0.0, 0.25, 0.5, 1.0], dtype=torch.float64)
    counts, _, _ = reliability(confidence, torch.ones(4, dtype=torch.bool), num_bins=4)
    assert counts.tolist() == [2, 1, 0, 1]


def test_a_network_that_knows_its_errors_has_none():
    confidence = torch.full((10,), 0.7, dtype=torch.float64)
    correct = torch.arange(10) < 7
    assert expected_calibration_error(confidence, correct) == pytest.approx(0, abs=1e-12)


def test_no_video_gives_no_number():
    assert math.isnan(expected_calibration_error(torch.empty(0), torch.empty(0, dtype=torch.bool)))


def test_logits_and_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match="are these logits"):
        reliability(torch.tensor([3.0]), torch.tensor([True]))
    with pytest.raises(RuntimeError, match="same length"):
        reliability(torch.tensor([0.1, 0.2]), torch.tensor([True]))
    with pytest.raises(RuntimeError, match="bound"):
        reliability(torch.tensor([0.1]), torch.tensor([True]), num_bins=0)
