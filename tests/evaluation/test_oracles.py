"""Every metric of the table agrees with torchmetrics, which computes it in another way."""

import pytest
import torch
from torchmetrics.functional import classification as oracle

from snl_video.evaluation.metrics import compute_metrics, metrics_of
from snl_video.evaluation.results import VideoResults
from tests.evaluation.cases import results_of


def results(videos, classes, seed):
    """Random scores without ties, of videos that were all read; some classes without a video."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(videos, classes, generator=generator)
    label = torch.randint(max(classes - 1, 1), (videos,), generator=generator)
    logits[torch.arange(videos), label] += 1.5
    return results_of(label, logits.softmax(1), torch.rand(videos, generator=generator))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("videos", "classes"), [(40, 3), (200, 7), (500, 101)])
def test_the_metrics_are_those_of_torchmetrics(videos, classes, seed):
    found = results(videos, classes, seed)
    scores, label = found.scores[:].double(), found.label
    accuracy = {"num_classes": classes, "average": "micro"}
    seen = label.unique()
    per_class = oracle.multiclass_accuracy(scores, label, classes, average="none")
    expected = {
        "top1": oracle.multiclass_accuracy(scores, label, **accuracy),
        "top5": oracle.multiclass_accuracy(scores, label, top_k=min(5, classes), **accuracy),
        "mean_class": per_class[seen].mean(),
        "clip_top1": found.clip_correct.mean(),
        "nll": torch.nn.functional.nll_loss(scores.log(), label),
        "ece": oracle.multiclass_calibration_error(scores, label, classes, n_bins=15, norm="l1"),
    }
    values = compute_metrics(found)
    assert set(values) == set(metrics_of(VideoResults)) == set(expected)
    for name, value in expected.items():
        assert values[name] == pytest.approx(float(value), abs=1e-5), name
