"""Whether a confidence of 0.8 is right in eight of ten cases."""

import torch
from torch import Tensor


def reliability(
    confidence: Tensor, correct: Tensor, *, num_bins: int = 15
) -> tuple[Tensor, Tensor, Tensor]:
    """Sort predictions into bins of equal width by their confidence.

    Bin m of M holds the confidences in ((m - 1) / M, m / M]; 0 falls into the first.

    Args:
        confidence: (N,) probability of the predicted class, in [0, 1].
        correct: (N,) bool, whether that class is right.
        num_bins: M.

    Returns:
        Counts (M,) int64, mean confidence (M,) and accuracy (M,) float64; 0 in an empty bin.

    Raises:
        ValueError: confidences outside [0, 1].
    """
    confidence = confidence.double()
    if len(confidence) and not (confidence.min() >= -1e-6 and confidence.max() <= 1 + 1e-6):
        raise ValueError(
            f"confidences must lie in [0, 1], got {confidence.min():.4g} to "
            f"{confidence.max():.4g}; are these logits?"
        )
    edges = torch.arange(1, num_bins, dtype=torch.float64) / num_bins
    place = torch.bucketize(confidence, edges)
    counts = torch.bincount(place, minlength=num_bins)
    some = counts.clamp_min(1)
    sums = torch.bincount(place, weights=confidence, minlength=num_bins)
    hits = torch.bincount(place, weights=correct.double(), minlength=num_bins)
    return counts, sums / some, hits / some


def expected_calibration_error(confidence: Tensor, correct: Tensor, *, num_bins: int = 15) -> float:
    """ECE = sum over bins of (count / N) |accuracy - mean confidence|; 0 is best, 1 is worst.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning"
    (AAAI 2015); with 15 bins as in Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern
    Neural Networks" (ICML 2017), equation 3. Arguments as in `reliability`; NaN for N = 0.
    """
    counts, mean_confidence, accuracy = reliability(confidence, correct, num_bins=num_bins)
    gaps = (accuracy - mean_confidence).abs()
    total = int(counts.sum())
    return float((counts * gaps).sum() / total) if total else float("nan")
