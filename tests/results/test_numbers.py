"""The numbers of the table of results, against counts by hand and brute force."""

import re

import numpy as np
import pytest

from benchmarks.results.numbers import rows
from benchmarks.results.plan import ResultsError, Run
from benchmarks.results.scored import absent, unreadable
from snl_video.evaluation.significance import holm, mcnemar_exact, sign_flip_exact
from tests.evaluation.cases import slow_interval
from tests.results.cases import (
    NUM_CLASSES,
    change_metrics,
    coin,
    finish,
    make_recipe,
    names_of,
    scored_of,
)


@pytest.fixture
def recipe(tmp_path):
    return make_recipe(tmp_path)


def read_csv(runs, kind, splits):
    """(label, right, group) of every video, from the CSV that people read."""
    found = []
    for split in splits:
        lines = (runs / kind / f"split{split}_seed0/report/videos.csv").read_text().splitlines()
        names = lines[0].split(",")
        for line in lines[1:]:
            row = dict(zip(names, line.split(","), strict=True))
            group = re.search(r"v_c\d_g\d\d", row["video"])[0]
            found.append((row["true"], int(row["correct"]), group))
    return found


def test_pooled_numbers_equal_a_count_by_hand(tmp_path, recipe):
    runs = tmp_path / "runs"
    splits_of = {"none": (1, 2, 3), "snl": (1, 2, 3), "nl": (1, 2)}
    shares = {"none": 0.4, "snl": 0.9, "nl": 0.5}
    wanted = [Run(kind, split, 0) for kind, splits in splits_of.items() for split in splits]
    for number, run in enumerate(wanted):
        failed = (2,) if run == Run("snl", 2, 0) else ()
        right = coin(shares[run.kind], number)
        seconds = 900.0 * run.split
        finish(runs, recipe, run, right, failed=failed, seconds=seconds, fits=1 + (run.split == 2))
    scored = scored_of(runs, recipe, *wanted)
    table = {row.kind: row for row in rows(scored, 6)}
    for kind, splits in splits_of.items():
        row, videos = table[kind], read_csv(runs, kind, splits)
        assert row.videos == len(videos) == 30 * len(splits)
        assert row.groups == len({group for _, _, group in videos}) == 12 * len(splits)
        assert row.top1 == pytest.approx(sum(v[1] for v in videos) / len(videos), abs=1e-12)
        classes = [[v[1] for v in videos if v[0] == f"c{i}"] for i in range(NUM_CLASSES)]
        assert row.mean_class == pytest.approx(np.mean([np.mean(c) for c in classes]), abs=1e-12)
        for split in splits:
            own = [v[1] for v in read_csv(runs, kind, (split,))]
            assert row.top1_of_split[split] == pytest.approx(np.mean(own), abs=1e-12)
        assert list(row.top1_of_split) == list(splits)
        correct, groups = [v[1] for v in videos], [v[2] for v in videos]
        assert row.group_interval == pytest.approx(slow_interval(correct, groups), abs=1e-12)
        once = [split for split in splits if split != 2]
        assert row.in_one_go == len(once)
        assert row.cpu_seconds == pytest.approx(2 * 900 * np.mean(once))
    assert (table["snl"].parameters, table["snl"].gmacs) == (1_500_000, 2.5)

    over_videos, over_groups = [], []
    for kind in ("snl", "nl"):
        splits = splits_of[kind]
        pairs = list(zip(read_csv(runs, "none", splits), read_csv(runs, kind, splits), strict=True))
        only = [sum(a[1] > b[1] for a, b in pairs), sum(a[1] < b[1] for a, b in pairs)]
        against = table[kind].against
        assert [against.pair.only_first, against.pair.only_second] == only
        assert (against.videos, against.by_group.groups) == (len(pairs), 12 * len(splits))
        over_videos.append(mcnemar_exact(*only))
        gain, groups = [b[1] - a[1] for a, b in pairs], [a[2] for a, _ in pairs]
        sums = [sum(v for v, g in zip(gain, groups, strict=True) if g == n) for n in set(groups)]
        over_groups.append(sign_flip_exact(np.array(sums)))
        assert against.pair.p_value == over_videos[-1]
        assert against.by_group.p_value == pytest.approx(over_groups[-1])
        slow = slow_interval(gain, groups)
        assert against.by_group.interval == pytest.approx(slow, abs=1e-12)
    decisive = [table[kind].against.pair.decisive for kind in ("snl", "nl")]
    assert decisive == pytest.approx(holm([*over_groups, 1, 1, 1, 1])[:2])
    assert decisive != pytest.approx(holm(over_groups))
    assert over_videos[0] < over_groups[0] < 0.001 < over_groups[1]
    assert table["none"].against is None


def test_lost_videos_are_counted_once_however_many_runs_lost_them(tmp_path, recipe):
    runs = tmp_path / "runs"
    none, snl, again = Run("none", 1, 0), Run("snl", 1, 0), Run("snl", 1, 1)
    right = coin(0.5, 0)
    finish(runs, recipe, none, right, failed=(3,), absent=["gone.avi"])
    finish(runs, recipe, snl, right, failed=(3,), absent=["gone.avi"])
    finish(runs, recipe, again, right, failed=(3, 5))
    scored = scored_of(runs, recipe, none, snl, again)
    names = names_of(1)
    assert unreadable(scored) == [f"{names[3]} (split 1)", f"{names[5]} (split 1)"]
    assert absent(scored) == ["gone.avi (split 1)"]


def test_runs_that_do_not_belong_together_are_refused(tmp_path, recipe):
    runs = tmp_path / "runs"
    none, snl = Run("none", 1, 0), Run("snl", 1, 0)
    right = coin(0.5, 0)
    finish(runs, recipe, none, right)
    finish(runs, recipe, snl, right, names=names_of(1)[::-1])
    with pytest.raises(ResultsError, match="none/split1_seed0 and snl/split1_seed0 tested diff"):
        rows(scored_of(runs, recipe, none, snl))
    again = Run("none", 2, 0)
    finish(runs, recipe, again, right, names=[names_of(1)[0], *names_of(2)[1:]])
    shared = r"splits 1 and 2 share videos \(c0/v_c0_g10_c00\.avi\).* --splits 1"
    with pytest.raises(ResultsError, match=shared):
        rows(scored_of(runs, recipe, none, again))
    renamed = Run("none", 3, 0)
    finish(runs, recipe, renamed, right, classes=list("xyz"))
    with pytest.raises(ResultsError, match="none: the splits name their classes differently"):
        rows(scored_of(runs, recipe, none, renamed))
    change_metrics(runs, none, complete=False)
    with pytest.raises(ResultsError, match="not of the whole test list"):
        scored_of(runs, recipe, none)
    (runs / none.name / "report/metrics.json").write_text("{")
    with pytest.raises(ResultsError, match="is not a report"):
        scored_of(runs, recipe, none)
