import dataclasses
import json
import math
from itertools import permutations

import numpy as np
import pytest

from snl_video.evaluation import Evaluation
from snl_video.evaluation.comparison import ComparisonError, load_comparison
from snl_video.evaluation.paired import compare_with_first, holm, mcnemar_exact
from snl_video.evaluation.report import write_report
from snl_video.tools.compare import main
from tests.evaluation.cases import random_results


def report(folder, *, seed=0, skill=2.0, videos=60, classes=None, ids=None, lr=0.1, failed=()):
    results = random_results(videos, 4, seed=seed, skill=skill, failed=failed)
    names = classes or [f"class <{i}>" for i in range(4)]
    case = Evaluation(results, names, ids or [f"v{i}.mp4" for i in range(videos)])
    return write_report(folder / "report", case, {"recipe": {"model": {"lr": lr, "width": 64}}})


def binomial_two_sided(b, c):
    """Sum of the probabilities of all outcomes at most as likely as this one, Binomial(n, 1/2)."""
    n = b + c
    own = math.comb(n, b)
    return sum(math.comb(n, k) for k in range(n + 1) if math.comb(n, k) <= own) / 2**n


@pytest.mark.parametrize("b", [0, 1, 2, 5, 17])
@pytest.mark.parametrize("c", [0, 1, 3, 5, 30])
def test_mcnemar_equals_the_exact_binomial(b, c):
    assert mcnemar_exact(b, c) == pytest.approx(binomial_two_sided(b, c), rel=1e-12)
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)


def test_mcnemar_by_hand():
    assert mcnemar_exact(0, 0) == 1
    assert mcnemar_exact(3, 3) == 1
    assert mcnemar_exact(0, 5) == 2 / 32
    assert mcnemar_exact(1, 9) == 2 * (1 + 10) / 1024


def test_mcnemar_of_large_counts_meets_the_normal_approximation():
    z = (5200 - 5000 - 1) / math.sqrt(10200)
    assert mcnemar_exact(5000, 5200) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)
    assert mcnemar_exact(0, 5000) == 0
    with pytest.raises(ValueError, match="can't be negative, got -1 and 2"):
        mcnemar_exact(-1, 2)


def test_holm_by_hand_in_any_order():
    expected = {0.01: 0.04, 0.02: 0.06, 0.03: 0.06, 0.5: 0.5}
    for order in permutations(expected):
        assert holm(order) == pytest.approx([expected[p] for p in order])
    assert holm([0.4]) == [0.4]
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_pairs_are_counted_by_hand():
    first = np.array([1, 1, 1, 0, 0, 0, 1, 0], dtype=bool)
    second = np.array([1, 0, 1, 1, 1, 1, 1, 0], dtype=bool)
    same, other = compare_with_first([first, first, second])
    assert (same.only_first, same.only_second, same.p_value, same.difference) == (0, 0, 1, 0)
    assert (other.only_first, other.only_second) == (1, 3)
    assert other.difference == pytest.approx(2 / 8)
    assert other.p_value == pytest.approx(2 * (1 + 4) / 16)
    assert other.adjusted == 1
    assert other.interval[0] <= other.difference <= other.interval[1]
    with pytest.raises(ValueError, match="at least two networks, got 1"):
        compare_with_first([first])


def test_the_command_prints_and_writes_both_files(tmp_path, capsys):
    folders = [
        report(tmp_path / "base", seed=1, skill=1.0),
        report(tmp_path / "snl", seed=2, skill=3.0, lr=0.2, failed=(7,)),
        report(tmp_path / "twin", seed=1, skill=1.0),
    ]
    output = tmp_path / "out/both.html"
    main([*map(str, folders), "--output", str(output)])
    numbers = json.loads(output.with_suffix(".json").read_text())
    assert [r["name"] for r in numbers["reports"]] == ["base", "snl", "twin"]
    snl, twin = numbers["against_first"]
    right = [load_comparison(folders).reports[i].videos.correct for i in (0, 1)]
    assert snl["only_second"] == int((right[1] & ~right[0]).sum()) > 0
    assert snl["difference"] == pytest.approx(float(right[1].mean() - right[0].mean()))
    assert snl["p_value"] < snl["adjusted"] < 0.05
    assert twin["p_value"] == 1
    assert numbers["different_settings"] == {"model.lr": ["0.1", "0.2", "0.1"]}
    printed = " ".join(capsys.readouterr().out.split())
    for part in ("against base", "p (Holm)", "twin", f"{100 * snl['difference']:+.2f}"):
        assert part in printed
    html = output.read_text()
    assert "class &lt;1&gt;" in html
    assert "class <1>" not in html
    assert html.count("<table") == html.count("</table>") == 4


def test_the_largest_change_of_a_class_comes_first(tmp_path):
    comparison = load_comparison(
        [report(tmp_path / "a", seed=1, skill=1.0), report(tmp_path / "b", seed=2)]
    )
    rows = comparison.per_class()
    changes = [abs(accuracies[1] - accuracies[0]) for _, _, accuracies in rows]
    assert changes == sorted(changes, reverse=True)
    assert sum(videos for _, videos, _ in rows) == 60
    for name, _, (accuracy, _) in rows:
        videos = comparison.reports[0].videos
        own = videos.label == videos.classes.index(name)
        assert accuracy == pytest.approx(videos.correct[own].mean())


def test_reports_of_other_videos_are_refused(tmp_path):
    first = report(tmp_path / "a")
    other_ids = report(tmp_path / "b", ids=[f"v{i + 1}.mp4" for i in range(60)])
    fewer = report(tmp_path / "c", videos=59)
    renamed = report(tmp_path / "d", classes=list("wxyz"))
    with pytest.raises(ComparisonError, match=r"in one of them only: v0\.mp4, v60\.mp4"):
        load_comparison([first, other_ids])
    with pytest.raises(SystemExit, match=r"a has 60 videos .* and c 59 .*v59\.mp4"):
        main([str(first), str(fewer), "--output", str(tmp_path / "x.html")])
    with pytest.raises(ComparisonError, match="a and d name their classes differently"):
        load_comparison([first, renamed])
    assert not (tmp_path / "x.html").exists()


def test_other_labels_of_the_same_ids_are_refused(tmp_path):
    first = report(tmp_path / "a")
    results = random_results(60, 4)
    moved = dataclasses.replace(results, label=(results.label + 1) % 4)
    case = Evaluation(moved, [f"class <{i}>" for i in range(4)], [f"v{i}.mp4" for i in range(60)])
    second = write_report(tmp_path / "b" / "report", case, {})
    with pytest.raises(ComparisonError, match="same ids, other labels"):
        load_comparison([first, second])


def test_folders_that_are_no_reports_are_refused(tmp_path):
    first = report(tmp_path / "a")
    with pytest.raises(ComparisonError, match=r"nothing is not a report folder"):
        load_comparison([first, tmp_path / "nothing"])
    with pytest.raises(ComparisonError, match="at least two reports, got 1"):
        load_comparison([first])
    mixed = report(tmp_path / "mixed")
    longer = report(tmp_path / "long", videos=61)
    (mixed / "videos.parquet").write_bytes((longer / "videos.parquet").read_bytes())
    with pytest.raises(ComparisonError, match="of different lists"):
        load_comparison([first, mixed])
    (mixed / "metrics.json").write_text("{}")
    with pytest.raises(ComparisonError, match=r"mixed/report is not a report folder"):
        load_comparison([first, mixed])


def test_an_output_of_another_kind_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["a", "b", "--output", "compare.json"])
    assert "--output must end in .html" in capsys.readouterr().err


def test_names_are_as_long_as_they_must_be(tmp_path):
    folders = [report(tmp_path / "x/seed1"), report(tmp_path / "y/seed1")]
    assert [r.name for r in load_comparison(folders).reports] == ["x/seed1", "y/seed1"]
    twice = load_comparison([folders[0], folders[0]])
    assert len({r.name for r in twice.reports}) == 2
    assert twice.pairs[0].p_value == 1
