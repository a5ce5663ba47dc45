"""Finished runs made of given answers, for tests of the table of results."""

import json

import numpy as np
import torch

from benchmarks.results.plan import Recipe, mark
from benchmarks.results.record import read_record
from benchmarks.results.scored import read_scored
from snl_video.evaluation import Evaluation, VideoResults
from snl_video.evaluation.report.write_report import write_report

NUM_CLASSES = 3


def make_recipe(folder):
    config = folder / "recipe.yaml"
    config.write_text("run_dir: x\nmodel:\n  width: 8\n  non_local:\n    kind: snl\n")
    return Recipe(config, folder / "data")


def names_of(split, videos=30):
    """Groups of up to three clips of one class: 0, 3, 6 are one, 1, 4, 7 the next, ..."""
    return [
        f"c{i % NUM_CLASSES}/v_c{i % NUM_CLASSES}_g{10 * split + i // 9:02d}_c{i // 3 % 3:02d}.avi"
        for i in range(videos)
    ]


def all_but(wrong, videos=10):
    return [i not in wrong for i in range(videos)]


def coin(share, seed, videos=30):
    return list(np.random.default_rng(seed).random(videos) < share)


def finish(
    runs, recipe, run, right, *, names=None, failed=(), absent=(), classes=None, seconds=1800.0,
    fits=1,
):  # fmt: skip
    """A finished run, as far as anybody can see; video i is of class i % 3.

    `seconds` is of each stage; `fits` how often the training was started.
    """
    record = read_record(runs, run, recipe)
    record.commits = ["abc"]
    for stage, spent in record.spent.items():
        starts = fits if stage == "fit" else 1
        spent.seconds, spent.starts, spent.counted = seconds, starts, starts
    record.write(runs)
    folder = runs / run.name
    results = answers(right, failed)
    names = names or names_of(run.split, len(right))
    classes = classes or [f"c{i}" for i in range(NUM_CLASSES)]
    case = Evaluation(results, classes, names, {"2x1": results}, "2x1", absent)
    network = {"parameters": 1_500_000, "gmacs": 2.5, "clip_shape": [3, 8, 64, 64], "blocks": []}
    write_report(folder / "report", case, {"network": network})
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/best.ckpt").touch()
    for stage in ("fit", "test"):
        mark(folder, stage).touch()
    return record


def answers(right, failed):
    label = torch.arange(len(right)) % NUM_CLASSES
    right = torch.tensor(right)
    lost = torch.zeros(len(right), dtype=torch.bool)
    lost[list(failed)] = True
    scores = torch.eye(NUM_CLASSES)[torch.where(right, label, (label + 1) % NUM_CLASSES)]
    return VideoResults(
        index=torch.arange(len(right)),
        label=label,
        scores=torch.where(lost[:, None], 0.0, scores),
        clip_correct=(right & ~lost).float(),
        failed=lost,
        reasons=tuple("moov atom not found" if i in failed else "" for i in range(len(right))),
        expected=len(right),
    )


def scored_of(runs, recipe, *wanted):
    return [read_scored(runs, read_record(runs, run, recipe)) for run in wanted]


def change_metrics(runs, run, **values):
    file = runs / run.name / "report/metrics.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))
