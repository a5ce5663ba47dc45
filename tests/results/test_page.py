"""What the document says, cell by cell and sentence by sentence."""

import pytest

from benchmarks.results.against import verdict
from benchmarks.results.command import main
from benchmarks.results.numbers import Against, Row
from benchmarks.results.page import document
from benchmarks.results.plan import Run, plan
from snl_video.evaluation.significance import ByGroup, Paired
from tests.evaluation.cases import slow_interval
from tests.results.cases import all_but, coin, finish, make_recipe, names_of, scored_of


@pytest.fixture
def recipe(tmp_path):
    return make_recipe(tmp_path)


# Ten videos of a split are the groups {0, 3, 6}, {1, 4, 7}, {2, 5, 8}, {9}; classes 0, 1, 2, 0.
WRONG = {
    Run("none", 1, 0): {0, 3, 6},
    Run("none", 2, 0): {1, 4},
    Run("snl", 1, 0): {7},
    Run("snl", 2, 0): {1},
    Run("nl", 1, 0): {7},
    Run("none", 1, 1): {0, 3},
    Run("snl", 1, 1): {0, 3, 5},
}
FAILED = {Run("snl", 1, 0): (7,), Run("nl", 1, 0): (7,), Run("snl", 1, 1): (5,)}
STARTED_AGAIN = {Run("none", 2, 0), Run("nl", 1, 0)}


def make_runs(runs, recipe):
    for run, wrong in WRONG.items():
        failed, fits = FAILED.get(run, ()), 1 + (run in STARTED_AGAIN)
        gone = ["c0/gone.avi"] if run.split == 1 and run.seed == 0 else []
        seconds = 1800.0 * run.split
        right = all_but(wrong)
        finish(runs, recipe, run, right, failed=failed, absent=gone, seconds=seconds, fits=fits)


def both_intervals(values, splits, sign=""):
    """The cells of the intervals: over videos, over groups."""
    names = [name for split in splits for name in names_of(split, 10)]
    cells = []
    for groups in ([f"{i:02d}" for i in range(len(names))], [name[:-8] for name in names]):
        ends = slow_interval(values, groups)
        cells.append(" to ".join(f"{100 * end:{sign}.1f}" for end in ends))
    assert cells[0] != cells[1]
    return " | ".join(cells)


def right_of(kind, splits, seed=0):
    return [i not in WRONG[Run(kind, split, seed)] for split in splits for i in range(10)]


def gain(kind, splits):
    return [
        int(b) - int(a)
        for a, b in zip(right_of("none", splits), right_of(kind, splits), strict=True)
    ]


def tables_of(text):
    """The lines of each table, without the rule."""
    blocks = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    return [[line for line in block if "---" not in line] for block in blocks]


def test_every_cell_of_every_table(tmp_path, recipe):
    runs = tmp_path / "runs"
    make_runs(runs, recipe)
    out = tmp_path / "docs/results.md"
    options = ["--root=x", f"--config={recipe.config}", f"--runs={runs}", f"--out={out}"]
    options += ["--kinds", "none", "snl", "--further-kinds", "nl", "--splits", "1", "2"]
    assert main([*options, "--seeds", "0", "1", "--table-only"]) == 0
    text = out.read_text()
    first, against, seeds, gains = tables_of(text)
    both = (1, 2)
    assert first == [
        "| block | videos (splits) | groups | video top-1 % | 95 %, videos drawn "
        "| 95 %, groups drawn | split 1 | split 2 | mean class % | parameters | GMACs "
        "| CPU hours a run |",
        f"| `none` | 20 (1, 2) | 8 | 75.0 | {both_intervals(right_of('none', both), both)} "
        "| 70.0 | 80.0 | 76.4 | 1.50 M | 2.50 | 1.00 |",
        f"| `snl` | 20 (1, 2) | 8 | 90.0 | {both_intervals(right_of('snl', both), both)} "
        "| 90.0 | 90.0 | 88.9 | 1.50 M | 2.50 | 1.50 |",
        f"| `nl` | 10 (1) | 4 | 90.0 | {both_intervals(right_of('nl', (1,)), (1,))} "
        "| 90.0 | - | 88.9 | 1.50 M | 2.50 | - |",
    ]
    # snl: groups gain 3, -1, 1; of the 8 sign vectors 6 reach 3. nl: 3 and -1; all 4 reach 2.
    assert against == [
        "| block | videos | groups | points | 95 %, videos drawn | 95 %, groups drawn "
        "| only `none` right | only this right | p (videos) | p (groups) | p (groups, Holm) |",
        f"| `snl` | 20 | 8 | +15.0 | {both_intervals(gain('snl', both), both, '+')} "
        "| 1 | 4 | 0.375 | 0.75 | 1 |",
        f"| `nl` | 10 | 4 | +20.0 | {both_intervals(gain('nl', (1,)), (1,), '+')} "
        "| 1 | 3 | 0.625 | 1 | 1 |",
    ]
    assert seeds == [
        "| block | seed 0 | seed 1 |",
        "| `none` | 75.0 (1, 2) | 80.0 (1) |",
        "| `snl` | 90.0 (1, 2) | 70.0 (1) |",
        "| `nl` | 90.0 (1) | - |",
    ]
    assert gains == [
        "| block | seed 0 | seed 1 |",
        "| `snl` | +15.0 (1, 2) | -10.0 (1) |",
        "| `nl` | +20.0 (1) | - |",
    ]
    for sentence in (
        "from 7 of 12 planned runs of `recipe.yaml`",
        "all splits named, seed 0; views: 2x1. Intervals are percentile bootstraps of 2000 draws, "
        "of videos and of whole groups of clips.",
        "GMACs are of one clip of 3 x 8 x 64 x 64.",
        "so the second is the one to believe. Neither tells how much another training seed",
        "Rows of fewer splits than the table has: `nl` (1). Compare video top-1,",
        "the hours are of `none` 1 of 2, `nl` 0 of 1 runs.",
        "wrong there: 2 different videos, c1/v_c1_g10_c02.avi (split 1), c2/v_c2_g10_c01.avi "
        "(split 1).",
        "in no accuracy: 1 different videos, c0/gone.avi (split 1).",
        "Code: abc.",
        "Seed 0, over the splits that both have; tests are two-sided. p (videos) is of",
        "Believe p (groups). Holm's correction is for all planned kinds other than `none` (2).",
        "only if p (groups, Holm) of seed 0 is below 0.05 and its difference has the same sign in "
        "every finished seed",
        "Preliminary: not every planned run is finished. No kind in this table is shown to differ "
        "from no block at 5 %. Not significant: `snl` (+15.0), `nl` (+20.0).",
        "finished, 5: nl/split2_seed0, none/split2_seed1, snl/split2_seed1, nl/split1_seed1,",
    ):
        assert sentence in text
    for absent in ("linear classifier", "was read", "A dash instead of an interval"):
        assert absent not in text


def test_files_without_groups_have_one_test_and_no_word_of_groups(tmp_path, recipe):
    runs = tmp_path / "runs"
    wanted = [Run("none", 1, 0), Run("snl", 1, 0)]
    names = [f"c{i % 3}/{i}.avi" for i in range(10)]
    finish(runs, recipe, wanted[0], all_but({0, 1, 2, 3, 4, 5, 9}), names=names)
    finish(runs, recipe, wanted[1], all_but({9}), names=names)
    scored = scored_of(runs, recipe, *wanted)
    text = document(wanted, scored, recipe, note="Take care.", linear=(86.8, 85.1))
    first, against = tables_of(text)
    groups = [f"{i}" for i in range(10)]
    low, high = slow_interval(all_but({9}), groups)
    assert first[2] == (
        f"| `snl` | 10 (1) | 90.0 | {100 * low:.1f} to {100 * high:.1f} | 90.0 | 91.7 | 1.50 M "
        "| 2.50 | 1.00 |"
    )
    low, high = slow_interval([1] * 6 + [0] * 4, groups)
    assert against == [
        "| block | videos | points | 95 %, videos drawn | only `none` right | only this right "
        "| p | p (Holm) |",
        f"| `snl` | 10 | +60.0 | {100 * low:+.1f} to {100 * high:+.1f} | 0 | 6 | 0.0312 | 0.0312 |",
    ]
    assert "group" not in text
    assert "p is of the exact McNemar test. Holm's correction is for all planned" in text
    assert "\n\nSignificantly different from no block at 5 %: `snl` (+60.0).\n" in text
    assert "Every listed test video was read." in text
    assert "1.00 |\n\nTake care.\n\n" in text
    assert "for ten classes of UCF101 on frozen features" in text
    assert "86.8 / 85.1 % on splits 1, 2." in text
    assert "not for ranking kinds.\n" in text
    for missing in ("Preliminary", "## Missing", "## Seeds", "fewer splits", "left out"):
        assert missing not in text


def test_an_interval_without_width_is_a_dash(tmp_path, recipe):
    runs = tmp_path / "runs"
    wanted = [Run("none", 1, 0), Run("snl", 1, 0)]
    for run in wanted:
        finish(runs, recipe, run, all_but({}))
    text = document(wanted, scored_of(runs, recipe, *wanted), recipe)
    first, against = tables_of(text)
    assert first[1] == (
        "| `none` | 10 (1) | 4 | 100.0 | - | - | 100.0 | 100.0 | 1.50 M | 2.50 | 1.00 |"
    )
    assert against[1] == "| `snl` | 10 | 4 | +0.0 | - | - | 0 | 0 | 1 | 1 | 1 |"
    assert text.count("A dash instead of an interval") == 2


def test_the_first_seed_with_a_run_is_the_seed_of_the_table(tmp_path, recipe):
    runs = tmp_path / "runs"
    wanted = plan(("none", "snl"), (), (1,), (0, 1))
    there = [run for run in wanted if run.seed == 1]
    assert "Nothing is finished.\n\n## Missing" in document(wanted, [], recipe)
    for run in there:
        finish(runs, recipe, run, coin(0.5, len(run.kind)))
    text = document(wanted, scored_of(runs, recipe, *there), recipe)
    assert "Nothing is finished" not in text
    assert "all splits named, seed 1; views" in text
    assert "Seed 1, over the splits" in text
    assert "Preliminary: " in text
    alone = document(wanted, scored_of(runs, recipe, there[1]), recipe)
    assert "No kind has a finished split in common with `none`, seed 1." in alone


def made_row(kind, adjusted, gained=2, adjusted_videos=1.0):
    by_group = ByGroup(10, (-0.05, 0.05), adjusted / 2, adjusted)
    only = (0, gained) if gained > 0 else (-gained, 0)
    pair = Paired(*only, gained / 100, (0, 1), adjusted_videos / 2, adjusted_videos, by_group)
    return Row(
        kind,
        {1: 0.5},
        100,
        10,
        0.5,
        (0, 1),
        (0, 1),
        0.5,
        None,
        None,
        (),
        None,
        0,
        Against(100, pair),
    )


def test_the_verdict_is_that_of_the_groups():
    rows = [
        made_row("a", 0.049),
        made_row("b", 0.05, adjusted_videos=0.001),
        made_row("c", 0.001, gained=-3),
    ]
    assert verdict({0: rows}) == (
        "Significantly different from no block at 5 %: `a` (+2.0), `c` (-3.0). "
        "Not significant: `b` (+2.0)."
    )
    assert verdict({0: rows[1:2]}) == (
        "No kind in this table is shown to differ from no block at 5 %. "
        "Not significant: `b` (+2.0)."
    )


def test_a_kind_is_claimed_only_where_all_seeds_have_one_sign():
    first = [made_row("a", 0.01), made_row("b", 0.01), made_row("c", 0.01), made_row("d", 0.01)]
    second = [made_row("a", 0.9, 1), made_row("b", 0.01, -1), made_row("c", 1.0, 0)]
    assert verdict({3: first, 4: second}) == (
        "Significantly different from no block at 5 %: `a` (+2.0), `d` (+2.0). "
        "Not claimed, as the seeds differ in sign: `b` (+2.0), `c` (+2.0)."
    )
