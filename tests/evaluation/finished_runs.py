"""Finished runs of `compare-kinds`, made of given answers."""

import torch

from snl_video.evaluation import Evaluation
from snl_video.evaluation.comparison import read_report
from snl_video.evaluation.kind_results import FinishedRun, KindRun
from snl_video.evaluation.report.write_report import write_report
from tests.evaluation.cases import results_of

NUM_CLASSES = 3
NETWORK = {"parameters": 1_500_000, "gmacs": 2.5, "clip_shape": [3, 8, 64, 64], "blocks": []}


def names_of(split, videos=10):
    """Groups of up to three clips of one class: 0, 3, 6 are one, 1, 4, 7 the next, ..."""
    return [
        f"c{i % NUM_CLASSES}/v_c{i % NUM_CLASSES}_g{10 * split + i // 9:02d}_c{i // 3 % 3:02d}.avi"
        for i in range(videos)
    ]


def write_test_report(folder, split, right, *, names=None, failed=(), absent=(), classes=None):
    """What `snl-video test` leaves where video i is of class i % 3 and right says which it knew."""
    results = answers(right, failed)
    classes = classes or [f"c{i}" for i in range(NUM_CLASSES)]
    names = names or names_of(split, len(right))
    case = Evaluation(results, classes, names, {"2x1": results}, "2x1", absent)
    write_report(folder, case, {"network": NETWORK})


def finished(folder, kind, split, right, *, seed=0, cpu_seconds=1800.0, **report):
    """A finished run; `right` is of each video, or the set of the videos that it had wrong."""
    run = KindRun(kind, split, seed)
    if isinstance(right, set):
        right = [i not in right for i in range(10)]
    write_test_report(folder / run.name, split, right, **report)
    return FinishedRun(run, read_report(folder / run.name, run.name), cpu_seconds)


def answers(right, failed):
    label = torch.arange(len(right)) % NUM_CLASSES
    right = torch.tensor(right)
    scores = torch.eye(NUM_CLASSES)[torch.where(right, label, (label + 1) % NUM_CLASSES)]
    return results_of(label, scores, right.float(), failed)
