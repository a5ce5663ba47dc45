"""What the document about kinds says, cell by cell and sentence by sentence."""

from dataclasses import replace

from snl_video.data.holdout import group_of
from snl_video.evaluation.kind_results import KindRow, KindRun, rows_by_seed
from snl_video.evaluation.kind_tables import kinds_document, lost_videos, verdict
from snl_video.evaluation.significance import ByGroup, Paired
from tests.evaluation.cases import slow_interval
from tests.evaluation.finished_runs import finished, names_of

# Ten videos of a split are the groups {0, 3, 6}, {1, 4, 7}, {2, 5, 8}, {9}; classes 0, 1, 2, 0.
WRONG = {
    KindRun("none", 1, 0): {0, 3, 6},
    KindRun("none", 2, 0): {1, 4},
    KindRun("snl", 1, 0): {7},
    KindRun("snl", 2, 0): {1},
    KindRun("none", 1, 1): {0, 3},
    KindRun("snl", 1, 1): {0, 3, 5},
}
PLANNED = [KindRun(k, split, seed) for seed in (0, 1) for split in (1, 2) for k in ("none", "snl")]


def document(planned, runs, note=""):
    return kinds_document(planned, runs, rows_by_seed(planned, runs, group_of), note)


def tables_of(text):
    """The lines of each table, without the rule."""
    blocks = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    return [[line for line in block if "---" not in line] for block in blocks]


def interval(values, groups, sign=""):
    ends = slow_interval(values, groups)
    return " to ".join(f"{100 * end:{sign}.1f}" for end in ends)


def test_every_cell_of_every_table(tmp_path):
    runs = [
        finished(
            tmp_path,
            run.kind,
            run.split,
            wrong,
            seed=run.seed,
            cpu_seconds=None if run == KindRun("none", 2, 0) else 1800.0 * run.split,
        )
        for run, wrong in WRONG.items()
    ]
    text = document(PLANNED, runs, note="Take care.")
    first, second = tables_of(text)
    groups = [name[:-8] for split in (1, 2) for name in names_of(split)]
    none, snl = (
        [i not in WRONG[KindRun(kind, split, 0)] for split in (1, 2) for i in range(10)]
        for kind in ("none", "snl")
    )
    # snl: groups gain 3, -1, 1; of the 8 sign vectors 6 reach 3.
    gain = interval([int(b) - int(a) for a, b in zip(none, snl, strict=True)], groups, "+")
    assert first == [
        "| block | videos | groups | video top-1 % | 95 % | split 1 | split 2 | mean class % "
        "| points | 95 % | p | p (Holm) | parameters | GMACs | CPU hours |",
        f"| `none` | 20 | 8 | 75.0 | {interval(none, groups)} | 70.0 | 80.0 | 76.4 "
        "|  |  |  |  | 1.50 M | 2.50 | 0.50 |",
        f"| `snl` | 20 | 8 | 90.0 | {interval(snl, groups)} | 90.0 | 90.0 | 88.9 "
        f"| +15.0 (4, 1) | {gain} | 0.75 | 0.75 | 1.50 M | 2.50 | 0.75 |",
    ]
    assert [row.split(" | ")[3] for row in second[1:]] == ["80.0", "70.0"]
    assert [row.split(" | ")[7][:5] for row in second[1:]] == ["", "-10.0"]
    for sentence in (
        "from 6 of 8 planned runs",
        "\n\nTake care.\n\n",
        "Seed 0, views 2x1:\n\n|",
        "Seed 1, views 2x1:\n\n|",
        "differ from `none`: no kind (p (Holm) of the first table is below 0.05, and the "
        "difference has one sign in all seeds).",
        "bootstraps of 2000 draws of whole groups",
        "With fewer than 25 groups the intervals over them are too narrow",
        "Every listed test video was read.",
        "missing: none/split2_seed1, snl/split2_seed1.",
    ):
        assert sentence in text
    assert "A dash instead of an interval" not in text


def test_files_without_groups_are_groups_of_one(tmp_path):
    names = [f"c{i % 3}/{i}.avi" for i in range(10)]
    runs = [
        finished(tmp_path, "none", 1, {0, 1, 2, 3, 4, 5, 9}, names=names),
        finished(tmp_path, "snl", 1, {9}, names=names),
    ]
    text = document(PLANNED[:2], runs)
    row = tables_of(text)[0][2]
    assert row.startswith("| `snl` | 10 | 10 | 90.0 | 59.6 to 98.2 |")  # Wilson's, of 9 in 10
    gain = interval([1] * 6 + [0] * 4, names, "+")
    assert f"| +60.0 (6, 0) | {gain} | 0.0312 | 0.0312 |" in row
    assert "differ from `none`: `snl` (p (Holm) of the first table is below 0.05)." in text
    for absent in ("missing", "fewer than 25 groups"):
        assert absent not in text


def test_an_interval_without_width_is_a_dash(tmp_path):
    text = document(PLANNED[:2], [finished(tmp_path, run.kind, 1, set()) for run in PLANNED[:2]])
    none, snl = tables_of(text)[0][1:]
    assert none.startswith("| `none` | 10 | 4 | 100.0 | - | 100.0 | 100.0 |  |")
    assert "| +0.0 (0, 0) | - | 1 | 1 |" in snl
    assert "A dash instead of an interval" in text


def test_a_plan_without_a_run_or_without_its_first_kind(tmp_path):
    assert not tables_of(document(PLANNED, []))
    assert f"from 0 of {len(PLANNED)} planned runs" in document(PLANNED, [])
    text = document(PLANNED, [finished(tmp_path, "snl", 1, {1, 2}, seed=1)])
    assert "Seed 1, views" in text
    assert "Seed 0" not in text
    assert "differ from" not in text


def test_a_video_that_several_runs_lost_is_counted_once(tmp_path):
    none = finished(tmp_path, "none", 1, {1}, failed=(3,), absent=["gone.avi"])
    snl = finished(tmp_path, "snl", 1, {1}, failed=(3, 5), absent=["gone.avi"])
    names = names_of(1)
    assert lost_videos([none, snl]) == [
        "Not readable in at least one run, and counted as wrong there: 2 different videos, "
        f"{names[3]} (split 1), {names[5]} (split 1).",
        "Listed but not there, and in no accuracy: 1 different videos, gone.avi (split 1).",
    ]


def row(kind, adjusted, gained=2, adjusted_videos=1.0):
    by_group = ByGroup(10, (-0.05, 0.05), adjusted / 2, adjusted)
    only = (0, gained) if gained > 0 else (-gained, 0)
    pair = Paired(*only, gained / 100, (0, 1), adjusted_videos / 2, adjusted_videos, by_group)
    return KindRow(kind, {1: 0.5}, 100, 10, 0.5, (0, 1), 0.5, None, None, None, pair)


def test_a_kind_differs_by_its_groups_and_only_where_all_seeds_have_one_sign():
    none = replace(row("none", 1), against=None)
    rows = [none, row("a", 0.049), row("b", 0.05, adjusted_videos=0.001), row("c", 0.001, -3)]
    assert "differ from `none`: `a`, `c` (p" in verdict({0: rows})
    assert "differ from `none`: no kind (p" in verdict({0: [none, rows[2]]})
    first = [none, *(row(kind, 0.01) for kind in "abcd")]
    second = [none, row("a", 0.9, 1), row("b", 0.01, -1), row("c", 1.0, 0)]
    assert "differ from `none`: `a`, `d` (p" in verdict({3: first, 4: second})
