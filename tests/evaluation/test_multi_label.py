"""Videos with several labels: average precision, thresholds, intervals, report."""

import csv
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from snl_video.errors import InputError
from snl_video.evaluation import Evaluation, MultiLabelResults, VideoScores
from snl_video.evaluation.average_precision import RankedClasses
from snl_video.evaluation.intervals import bootstrap_intervals, metric_intervals
from snl_video.evaluation.metrics import compute_metrics, metrics_of
from snl_video.evaluation.predictions import best_classes
from snl_video.evaluation.report.numbers import evaluation_numbers
from snl_video.evaluation.report.write_report import write_report
from snl_video.evaluation.terminal import headline_table, per_class_table, views_table
from snl_video.evaluation.video_table import read_parquet
from snl_video.evaluation.views import join_views


def results(videos=60, classes=5, *, seed=0, ties=False, failed=(), share=0.3):
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(videos, classes, generator=generator) < share
    scores = torch.sigmoid(torch.randn(videos, classes, generator=generator) + 1.5 * target)
    if ties:
        scores = (scores * 4).round() / 4
    lost = torch.zeros(videos, dtype=torch.bool)
    lost[list(failed)] = True
    collected = VideoScores()
    collected.update(
        torch.arange(videos),
        torch.full((videos,), -1),
        scores,
        torch.rand(videos, generator=generator),
        failed=lost,
        reasons=["moov atom not found" if i in failed else "" for i in range(videos)],
        target=target.float(),
    )
    found = collected.results(videos)
    assert isinstance(found, MultiLabelResults)
    return found


def brute_average_precision(scores, right):
    """Every threshold in turn, in plain Python floats."""
    area, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        said = [r for s, r in zip(scores, right, strict=True) if s >= threshold]
        now = sum(said) / sum(right)
        area += (now - recall) * sum(said) / len(said)
        recall = now
    return area


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_by_brute_force(seed, ties):
    found = results(seed=seed, ties=ties)
    scores, target = found.scores.double().numpy(), found.target.numpy()
    for number, value in enumerate(found.average_precision().tolist()):
        expected = brute_average_precision(scores[:, number].tolist(), target[:, number].tolist())
        assert value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_that_of_scikit_learn(seed, ties):
    reason = "scikit-learn is the reference; pip install scikit-learn"
    metrics = pytest.importorskip("sklearn.metrics", reason=reason)
    found = results(300, 12, seed=seed, ties=ties, share=0.1)
    scores, target = found.scores.double().numpy(), found.target.numpy()
    assert target.any(axis=0).all()
    for number, value in enumerate(found.average_precision().tolist()):
        expected = metrics.average_precision_score(target[:, number], scores[:, number])
        assert value == pytest.approx(expected, abs=1e-9)
    expected = metrics.average_precision_score(target, scores, average="macro")
    assert found.mean_average_precision() == pytest.approx(expected, abs=1e-9)
    said = found.decided().numpy()
    assert found.micro_f1() == pytest.approx(metrics.f1_score(target, said, average="micro"))
    assert found.f1().numpy() == pytest.approx(metrics.f1_score(target, said, average=None))


def test_a_draw_counts_as_the_videos_written_out():
    found = results(40, 4, ties=True)
    scores, target = found.scores.double().numpy(), found.target.numpy()
    rows = np.random.default_rng(3).integers(40, size=40)
    ranked = RankedClasses(scores, target).average_precision(np.bincount(rows, minlength=40))
    expected = [
        brute_average_precision(scores[rows, k].tolist(), target[rows, k].tolist())
        for k in range(4)
    ]
    assert ranked == pytest.approx(expected, abs=1e-12)
    assert found.map_of_draw()(rows) == pytest.approx(np.mean(expected), abs=1e-12)


def test_the_interval_of_map_is_that_of_a_slow_bootstrap():
    found = results(30, 3)
    generator = np.random.default_rng(0)
    scores, target = found.scores.double().numpy(), found.target.numpy()
    sample = []
    for _ in range(200):
        rows = generator.integers(30, size=30)
        of_class = [
            brute_average_precision(scores[rows, k].tolist(), target[rows, k].tolist())
            for k in range(3)
            if target[rows, k].any()
        ]
        sample.append(np.mean(of_class))
    low, high = bootstrap_intervals(found, replicates=200)["map"]
    assert (low, high) == pytest.approx(tuple(np.quantile(sample, (0.025, 0.975))), abs=1e-12)
    intervals = metric_intervals(found)
    assert set(intervals) == {"map", "micro_f1", "top1", "top5", "clip_top1"}
    for name, value in compute_metrics(found).items():
        assert intervals[name][0] <= value <= intervals[name][1]


def test_a_class_that_no_video_shows_is_left_out():
    found = results(20, 3)
    target = found.target.clone()
    target[:, 1] = False
    found = replace(found, target=target)
    precision = found.average_precision()
    assert torch.isnan(precision[1])
    assert found.mean_average_precision() == pytest.approx(float(precision[[0, 2]].mean()))
    assert found.best_thresholds()[1] == 0.5
    nothing = replace(found, target=torch.zeros_like(target))
    assert compute_metrics(nothing)["map"] is None


def test_a_video_that_failed_stands_behind_all_others():
    found = results(30, 4, failed=(2, 9))
    scores = found.scores.double().clone()
    scores[[2, 9]] = -1
    for number, value in enumerate(found.average_precision().tolist()):
        own = found.target[:, number].tolist()
        assert value == pytest.approx(brute_average_precision(scores[:, number].tolist(), own))
    assert not found.at([0.0] * 4).decided()[[2, 9]].any()
    assert not found.correct(4)[[2, 9]].any()


def test_a_video_is_right_where_one_of_its_classes_is_the_best():
    target = torch.tensor([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0]]).bool()
    scores = torch.tensor([[0.1, 0.9, 0.2], [0.2, 0.9, 0.3], [0.9, 0.1, 0.1], [0.4, 0.4, 0.4]])
    found = replace(results(4, 3), target=target, scores=scores)
    assert found.rank().tolist() == [1, 0, 3, 0]
    assert found.correct().tolist() == [False, True, False, True]
    assert found.labels() == ["0,2", "1", "", "0,1"]
    assert found.chance() == pytest.approx((2 / 4 + 2 / 4 + 1 / 4) / 3)


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_gives_a_better_f1(seed):
    found = results(40, 4, seed=seed, ties=seed % 2 == 0)
    best = found.at(found.best_thresholds()).f1()
    for number in range(4):
        for threshold in [0.0, *found.scores[:, number].tolist(), 1.0]:
            other = [0.5] * 4
            other[number] = threshold
            assert best[number] >= found.at(other).f1()[number].nan_to_num() - 1e-12


def test_scores_without_labels_are_no_longer_refused_but_others_are():
    scores = VideoScores()
    with pytest.raises(InputError, match="labels must be 0"):
        scores.update(torch.arange(1), torch.tensor([-1]), torch.ones(1, 3) / 3, torch.zeros(1))


def test_views_are_joined_class_by_class():
    logits = torch.randn(2, 3, 4)
    mean = sum(1 / (1 + torch.exp(-logits[:, v])) for v in range(3)) / 3
    torch.testing.assert_close(join_views(logits, "probabilities", "sigmoid"), mean)
    of_mean = 1 / (1 + torch.exp(-logits.mean(1)))
    torch.testing.assert_close(join_views(logits, "logits", "sigmoid"), of_mean)
    assert torch.equal(join_views(logits, "probabilities", "softmax"), logits.softmax(2).mean(1))


def test_the_report(tmp_path):
    found = results(30, 4, failed=(3,)).at([0.3, 0.4, 0.5, 0.6])
    names = ["open <door>", "b", "c", "d"]
    case = Evaluation(
        found,
        names,
        [f"v{i}#0-1s" for i in range(30)],
        views={"1x1": results(30, 4, seed=9, failed=(3,)), "2x1": found},
        setting="2x1",
    )
    write_report(tmp_path, case, {})
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    assert numbers["map"] == found.mean_average_precision()
    assert numbers["intervals"]["map"][0] < numbers["map"] < numbers["intervals"]["map"][1]
    assert numbers["interval_methods"]["map"] == "bootstrap"
    assert numbers["chance"] == found.chance()
    page = (tmp_path / "report.html").read_text()
    assert "open &lt;door&gt;" in page
    for absent in ('id="confusion"', 'id="calibration"', 'id="mistakes"', "open <door>"):
        assert absent not in page
    assert f"{100 * numbers['map']:.1f}" in page
    rows = list(csv.DictReader((tmp_path / "per_class.csv").open()))
    assert [float(row["average_precision"]) for row in rows] == pytest.approx(
        found.average_precision().tolist()
    )
    assert [float(row["threshold"]) for row in rows] == pytest.approx([0.3, 0.4, 0.5, 0.6])
    table = pq.read_table(tmp_path / "videos.parquet")
    for row, labels in enumerate(table["labels"].to_pylist()):
        assert labels == found.target[row].nonzero().flatten().tolist()
    assert np.array(table["scores"].to_pylist()) == pytest.approx(found.scores.numpy())
    videos = list(csv.DictReader((tmp_path / "videos.csv").open()))
    said = [n for n, there in zip(names, found.decided()[0], strict=True) if there]
    assert videos[0]["predicted"] == "; ".join(said)
    assert videos[3]["failed"] == "1"
    assert not (tmp_path / "confusion.csv").exists()
    with pytest.raises(InputError, match="videos with several labels; only reports of one class"):
        read_parquet(tmp_path / "videos.parquet")
    shown = [str(cell) for cell in headline_table(found, "test").columns[0].cells]
    assert {"mAP %", "F1 %", "video top-1 %"} <= set(shown)
    assert not {"negative log-likelihood", "mean-class %"} & set(shown)
    assert views_table(case.views).columns[1].header == "mAP %"
    assert per_class_table(found, names).row_count == 4
    assert set(evaluation_numbers(case)) >= set(metrics_of(MultiLabelResults))


def test_a_prediction_names_all_classes_that_reach_their_thresholds():
    scores = torch.tensor([0.2, 0.9, 0.6, 0.55])
    found = best_classes("a.mp4", scores, list("abcd"), 2, thresholds=[0.1, 0.95, 0.5, 0.55])
    assert found.top == (("b", pytest.approx(0.9)), ("c", pytest.approx(0.6)))
    assert found.present == ("a", "c", "d")
    assert found.to_dict()["present"] == ["a", "c", "d"]
    assert str(found) == "a.mp4: b 0.900, c 0.600 (present: a, c, d)"
    assert "present" not in best_classes("a.mp4", scores, list("abcd")).to_dict()
