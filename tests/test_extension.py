"""What people add from outside the package: one row or one file each."""

import json

import pytest
from rich.console import Console

from snl_video.evaluation import METRICS, Evaluation, Metric
from snl_video.evaluation.report.write_report import write_report
from snl_video.evaluation.terminal import headline_table, views_table
from tests.training.tiny import CLASSES, TinyData, classifier, trainer


def printed(table) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_a_metric_is_one_row(tmp_path, monkeypatch):
    mine = Metric(
        "my share",
        lambda results: results.correct(2).double().mean().item(),
        "its class is among the best two",
        shown=("progress", "terminal", "headline", "views"),
        values=lambda results: results.correct(2),
    )
    monkeypatch.setitem(METRICS, "mine", mine)
    model, run = classifier(), trainer(tmp_path)
    run.validate(model, TinyData(), verbose=False)
    results = model.results
    expected = results.accuracy(2)
    assert run.callback_metrics["val/mine"].item() == pytest.approx(expected)
    assert run.progress_bar_metrics["val/mine"] == pytest.approx(expected)
    case = Evaluation(
        results,
        [f"class {i}" for i in range(CLASSES)],
        [f"{i}.mp4" for i in range(results.expected)],
        views={"1x1": results},
        setting="1x1",
    )
    write_report(tmp_path / "report", case, {})
    numbers = json.loads((tmp_path / "report/metrics.json").read_text())
    assert numbers["mine"] == numbers["views"][0]["mine"] == pytest.approx(expected)
    low, high = numbers["intervals"]["mine"]
    assert low <= expected <= high
    page = (tmp_path / "report/report.html").read_text()
    assert "my share" in page.lower()
    assert "its class is among the best two" in page
    for table in (headline_table(results, "test"), views_table(case.views)):
        assert "my share %" in printed(table)
        assert f"{100 * expected:.2f}" in printed(table)
