import json
import re
from html import unescape

import pytest
import torch

from snl_video.commands.compare import main
from snl_video.data.holdout import group_of
from snl_video.errors import ComparisonError, InputError, UsageError
from snl_video.evaluation import Evaluation
from snl_video.evaluation.comparison import load_comparison
from snl_video.evaluation.comparison_tables import difference_table
from snl_video.evaluation.intervals import NO_SPREAD
from snl_video.evaluation.report.write_report import write_report
from snl_video.wording import DASH
from tests.evaluation.cases import random_results, results_of


def report(folder, *, seed=0, skill=2.0, videos=60, classes=None, ids=None, lr=0.1, failed=()):
    results = random_results(videos, 4, seed=seed, skill=skill, failed=failed)
    names = classes or [f"class <{i}>" for i in range(4)]
    case = Evaluation(results, names, ids or [f"v{i}.mp4" for i in range(videos)])
    return write_report(folder / "report", case, {"recipe": {"model": {"lr": lr, "width": 64}}})


def test_the_command_prints_and_writes_both_files(tmp_path, capsys):
    folders = [
        report(tmp_path / "base", seed=1, skill=1.0),
        report(tmp_path / "snl", seed=2, skill=3.0, lr=0.2, failed=(7,)),
        report(tmp_path / "twin", seed=1, skill=1.0),
    ]
    output = tmp_path / "out/both.html"
    main(["compare", *map(str, folders), "--output", str(output)])
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
    assert snl["by_group"] is twin["by_group"] is numbers["groups"] is None
    assert "group" not in html
    assert "group" not in printed
    assert header_of(html, "differences")[-3:] == ["Only this", "p", "p (Holm)"]
    # twin is base again: every draw of its difference is 0
    assert cells_of(html, "differences")[1][2:] == ["", DASH, "0", "0", "1", "1"]
    assert NO_SPREAD in printed
    assert unescape(html).count(NO_SPREAD) == 1


def section_of(html, anchor):
    return re.search(rf'<section id="{anchor}">(.*?)</section>', html, flags=re.DOTALL)[1]


def text_of(markup):
    return re.sub(r"<[^>]+>", "", markup).strip()


def header_of(html, anchor):
    return [text_of(cell) for cell in re.findall(r"<th[ >].*?</th>", section_of(html, anchor))]


def cells_of(html, anchor):
    """The text of every cell of a section's table, row by row."""
    body = re.search(r"<tbody>(.*?)</tbody>", section_of(html, anchor), flags=re.DOTALL)[1]
    rows = re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL)
    cell = re.compile(r"<td.*?</td>", flags=re.DOTALL)
    return [[text_of(part) for part in cell.findall(row)] for row in rows]


def grouped_report(folder, wrong):
    """Ten clips of four UCF101 groups, {0, 3, 6}, {1, 4, 7}, {2, 5, 8} and {9}."""
    label = torch.arange(10) % 3
    right = torch.tensor([i not in wrong for i in range(10)])
    scores = torch.eye(3)[torch.where(right, label, (label + 1) % 3)]
    results = results_of(label, scores, right.float())
    names = [f"c{i % 3}/v_c{i % 3}_g{i // 9:02d}_c{i // 3 % 3:02d}.avi" for i in range(10)]
    return write_report(folder / "report", Evaluation(results, list("abc"), names), {})


def test_groups_of_clips_are_compared_as_groups(tmp_path, capsys):
    folders = [
        grouped_report(tmp_path / "base", {0, 3, 6, 2}),
        grouped_report(tmp_path / "snl", {7}),
        grouped_report(tmp_path / "nl", {0, 3, 6, 1, 2}),
    ]
    main(["compare", *map(str, folders), "--output", str(tmp_path / "out.html")])
    numbers = json.loads((tmp_path / "out.json").read_text())
    html, printed = (tmp_path / "out.html").read_text(), " ".join(capsys.readouterr().out.split())
    # snl: the groups gain 3, -1, 1, so 6 of 8 sign vectors reach 3. nl: a single -1.
    snl, nl = numbers["against_first"]
    assert numbers["groups"] == snl["by_group"]["groups"] == nl["by_group"]["groups"] == 4
    assert snl["p_value"] == pytest.approx(2 * (1 + 5) / 32)
    assert [snl["by_group"][name] for name in ("p_value", "adjusted")] == pytest.approx([0.75, 1])
    assert header_of(html, "differences") == [
        "Report",
        "Difference",
        "",
        "95 %, videos drawn",
        "95 %, groups drawn",
        "Only first",
        "Only this",
        "p (videos)",
        "p (groups)",
        "p (groups, Holm)",
    ]
    over_videos, over_groups = (
        " to ".join(f"{100 * end:+.1f}" for end in one["interval"])
        for one in (snl, snl["by_group"])
    )
    assert over_videos != over_groups
    rows = cells_of(html, "differences")
    assert rows[0] == ["snl", "+30.0", "", over_videos, over_groups, "1", "4", "0.38", "0.75", "1"]
    assert rows[1][-5:] == ["1", "0", "1", "1", "1"]
    assert "10 videos, 4 groups." in printed
    for text in (printed, html):
        assert "use the interval and the p-values over groups (sign flips)" in text
        assert "With fewer than 25 groups their interval is too narrow" in text
    low, high = snl["by_group"]["interval"]
    comparison = load_comparison(folders, group_of)
    table = difference_table(comparison)
    assert [column.header for column in table.columns][-3:] == header_of(html, "differences")[-3:]
    assert [next(iter(column.cells)) for column in table.columns] == [
        "snl",
        "+30.00",
        f"{100 * low:+.2f} to {100 * high:+.2f}",
        "1",
        "4",
        "0.375",
        "0.75",
        "1",
    ]
    assert load_comparison(folders).by_group == []


def test_enough_groups_need_no_warning(tmp_path):
    names = [f"c/v_c_g{i // 2:02d}_c{i % 2:02d}.avi" for i in range(60)]
    folders = [report(tmp_path / name, seed=seed, ids=names) for seed, name in enumerate("ab")]
    comparison = load_comparison(folders, group_of)
    assert comparison.by_group[0].groups == 30
    assert "fewer than" not in comparison.advice


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
    with pytest.raises(InputError, match=r"a has 60 videos .* and c 59 .*v59\.mp4"):
        main(["compare", str(first), str(fewer), "--output", str(tmp_path / "x.html")])
    with pytest.raises(ComparisonError, match="a and d name their classes differently"):
        load_comparison([first, renamed])
    assert not (tmp_path / "x.html").exists()


def test_other_labels_of_the_same_ids_are_refused(tmp_path):
    first = report(tmp_path / "a")
    results = random_results(60, 4)
    moved = results_of((results.label + 1) % 4, results.scores[:], results.clip_correct)
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


def test_an_output_of_another_kind_is_refused():
    with pytest.raises(UsageError, match=r"--output must end in \.html"):
        main(["compare", "a", "b", "--output", "compare.json"])


def test_names_are_as_long_as_they_must_be(tmp_path):
    folders = [report(tmp_path / "x/seed1"), report(tmp_path / "y/seed1")]
    assert [r.name for r in load_comparison(folders).reports] == ["x/seed1", "y/seed1"]
    twice = load_comparison([folders[0], folders[0]])
    assert len({r.name for r in twice.reports}) == 2
    assert twice.pairs[0].p_value == 1


def test_numbers_of_another_test_than_the_table_are_refused_by_name(tmp_path):
    first, second = report(tmp_path / "a", skill=1.0), report(tmp_path / "b", seed=2, skill=3.0)
    (second / "videos.parquet").write_bytes((first / "videos.parquet").read_bytes())
    with pytest.raises(ComparisonError, match=r"b/report: .* different tests \(top1 0\..* and 0\."):
        load_comparison([first, second])


def test_a_test_that_is_killed_leaves_the_report_that_was_there(tmp_path, monkeypatch):
    folder = report(tmp_path / "a", seed=1)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def killed(*given):
        raise KeyboardInterrupt

    for place in ("write_parquet", "save_confusion", "report_page"):
        with monkeypatch.context() as patch:
            patch.setattr(f"snl_video.evaluation.report.write_report.{place}", killed)
            with pytest.raises(KeyboardInterrupt):
                report(tmp_path / "a", seed=2)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    load_comparison([folder, folder])
