import dataclasses
import json

import pytest
import torch

from snl_video.evaluation import Evaluation, MissingVideosError, VideoResults
from snl_video.evaluation.metrics import metrics_of
from snl_video.evaluation.per_class import confused_pairs, per_class_rows
from snl_video.evaluation.report.numbers import evaluation_numbers
from snl_video.evaluation.report.write_report import write_report
from snl_video.evaluation.terminal import headline_table, views_table
from tests.evaluation.cases import evaluation, random_results


def test_listed_is_scored_and_failed_and_absent():
    case = dataclasses.replace(evaluation(20, 4, failed=(0, 5)), absent=["gone.mp4"])
    numbers = evaluation_numbers(case)
    assert (numbers["listed"], numbers["scored"], numbers["failed"], numbers["absent"]) == (
        21,
        18,
        2,
        1,
    )
    right = int(case.results.correct().sum())
    assert numbers["top1"] == pytest.approx(right / 20)
    assert numbers["top1_of_listed"] == pytest.approx(right / 21)
    assert numbers["absent_ids"] == ["gone.mp4"]


def test_a_partial_run_has_no_accuracy_of_the_whole_list(tmp_path):
    partial = dataclasses.replace(random_results(5, 2), expected=9)
    case = Evaluation(partial, ["a", "b"], list("rstuvwxyz"), absent=["gone.mp4"])
    numbers = evaluation_numbers(case)
    assert numbers["top1"] == pytest.approx(float(partial.correct().double().mean()))
    assert (numbers["listed"], numbers["top1_of_listed"]) == (10, None)
    write_report(tmp_path, case, {})
    assert json.loads((tmp_path / "metrics.json").read_text())["top1_of_listed"] is None
    assert "wrong in top-1 of the whole list only.<" in (tmp_path / "report.html").read_text()


def test_failed_videos_are_not_called_scored():
    table = headline_table(random_results(20, 4, failed=(0, 5)), "test")
    names, values = ([str(cell) for cell in column.cells] for column in table.columns)
    shown = dict(zip(names, values, strict=True))
    assert shown["videos scored"] == "18 of 20"
    assert shown["unreadable, counted as wrong"] == "2"


def test_a_failure_without_a_reason_is_a_lost_video():
    results = random_results(5, 2, failed=(1,))
    silent = dataclasses.replace(results, reasons=("",) * 5)
    with pytest.raises(MissingVideosError, match="4 scores, 1 failures, 0 reasons for 5"):
        Evaluation(silent, ["a", "b"], list("vwxyz"))


def test_a_video_that_is_counted_twice_hides_a_lost_one():
    results = random_results(5, 2)
    twice = dataclasses.replace(results, index=torch.tensor([0, 1, 2, 3, 3]))
    with pytest.raises(MissingVideosError, match="5 scores, 0 failures, 0 reasons for 4"):
        Evaluation(twice, ["a", "b"], list("vwxyz"))


def test_names_of_another_number_are_refused():
    results = random_results(5, 2)
    with pytest.raises(ValueError, match="3 class names for scores of 2 classes"):
        Evaluation(results, ["a", "b", "c"], list("vwxyz"))
    with pytest.raises(ValueError, match="4 ids for a list of 5 videos"):
        Evaluation(results, ["a", "b"], list("vwxy"))


def test_every_view_setting_has_its_own_numbers():
    case = evaluation()
    cheap, whole = evaluation_numbers(case)["views"]
    assert (cheap["setting"], whole["setting"]) == ("1x1", "2x3")
    assert cheap["top1"] == case.views["1x1"].accuracy(1)
    assert cheap["interval_methods"] == {
        "top1": "wilson",
        "top5": "wilson",
        "mean_class": "bootstrap",
        "clip_top1": "bootstrap",
    }
    assert whole["top1"] == case.results.accuracy(1)


def test_a_list_of_which_nothing_could_be_read_still_gives_json(tmp_path):
    case = evaluation(3, 2, failed=(0, 1, 2))
    write_report(tmp_path, case, {})
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    assert (numbers["top1"], numbers["failed"], numbers["ece"]) == (0, 3, None)


def test_context_may_not_hide_a_number(tmp_path):
    with pytest.raises(ValueError, match="can't be called top1"):
        write_report(tmp_path, evaluation(), {"top1": 1.0})


def test_the_most_frequent_confusions_come_first():
    case = evaluation(200, 5, skill=0.5)
    confusion = case.results.confusion()
    pairs = confused_pairs(case.results, case.classes, 100)
    times = [count for *_, count in pairs]
    assert times == sorted(times, reverse=True)
    assert sum(times) == int(confusion.sum() - confusion.diagonal().sum())
    true, said, most = pairs[0]
    assert confusion[case.classes.index(true), case.classes.index(said)] == most


def test_per_class_rows_name_the_worst_confusion():
    case = evaluation(100, 5, skill=0.5)
    confusion = case.results.confusion()
    for number, row in enumerate(per_class_rows(case.results, case.classes)):
        assert row["class"] == case.classes[number]
        assert row["top1"] == pytest.approx(confusion[number, number].item() / row["videos"])
        others = confusion[number].clone()
        others[number] = 0
        assert row["times"] == torch.max(others)


def test_an_interval_is_around_the_mean_of_its_values():
    results = random_results(30, 7, failed=(2,))
    for name, metric in metrics_of(VideoResults).items():
        if metric.values is None:
            continue
        values = metric.values(results).double()
        if metric.by_class:
            labels = results.label.unique()
            values = torch.stack([values[results.label == label].mean() for label in labels])
        assert metric.compute(results) == pytest.approx(values.mean().item()), name


def test_top5_of_five_classes_is_in_the_file_and_not_on_show(tmp_path):
    for num_classes, shown in ((5, False), (6, True)):
        case = evaluation(30, num_classes)
        write_report(tmp_path, case, {})
        assert "top5" in json.loads((tmp_path / "metrics.json").read_text())
        page = (tmp_path / "report.html").read_text().lower()
        table = [*headline_table(case.results, "").columns[0].cells]
        views = [column.header for column in views_table(case.views).columns]
        assert ("top-5" in page, "video top-5 %" in table, "video top-5 %" in views) == (shown,) * 3
