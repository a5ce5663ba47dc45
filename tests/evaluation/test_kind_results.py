"""The numbers of kinds side by side, against counts by hand and brute force."""

import csv

import numpy as np
import pytest

from snl_video.data.holdout import group_of
from snl_video.errors import ComparisonError
from snl_video.evaluation.kind_results import KindRun, rows_by_seed
from snl_video.evaluation.significance import holm, mcnemar_exact, sign_flip_exact
from tests.evaluation.cases import slow_interval
from tests.evaluation.finished_runs import NUM_CLASSES, finished, names_of

KINDS = ("none", "snl", "nl", "gsnl")
SHARES = {"none": 0.4, "snl": 0.9, "nl": 0.5}


def coin(share, seed, videos=30):
    return (np.random.default_rng(seed).random(videos) < share).tolist()


def plan(kinds=KINDS, splits=(1, 2, 3), seeds=(0,)):
    return [KindRun(k, split, seed) for seed in seeds for split in splits for k in kinds]


def read_csv(folder, run):
    """(label, right, group) of every video, from the CSV that people read."""
    with (folder / run.name / "videos.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [(row["true"], int(row["correct"]), row["video"][: -len("_c00.avi")]) for row in rows]


def test_pooled_numbers_equal_a_count_by_hand(tmp_path):
    runs = [
        finished(
            tmp_path,
            kind,
            split,
            coin(share, 10 * split + number),
            failed=(2,) if (kind, split) == ("snl", 2) else (),
            cpu_seconds=900.0 * split if split != 2 else None,
        )
        for number, (kind, share) in enumerate(SHARES.items())
        for split in ((1, 2) if kind == "nl" else (1, 2, 3))
    ]
    table = {row.kind: row for row in rows_by_seed(plan(), runs, group_of)[0]}
    assert list(table) == ["none", "snl", "nl"]
    common = (1, 2)  # nl has no more, so nobody is measured on more
    seen = {
        kind: [video for split in common for video in read_csv(tmp_path, KindRun(kind, split, 0))]
        for kind in table
    }
    for kind, row in table.items():
        videos = seen[kind]
        assert row.videos == len(videos) == 60
        assert row.groups == len({group for _, _, group in videos}) == 24
        assert row.top1 == pytest.approx(np.mean([v[1] for v in videos]), abs=1e-12)
        classes = [[v[1] for v in videos if v[0] == f"c{i}"] for i in range(NUM_CLASSES)]
        assert row.mean_class == pytest.approx(np.mean([np.mean(c) for c in classes]), abs=1e-12)
        for split, half in zip(common, (videos[:30], videos[30:]), strict=True):
            assert row.top1_of_split[split] == pytest.approx(np.mean([v[1] for v in half]))
        slow = slow_interval([v[1] for v in videos], [v[2] for v in videos])
        assert row.interval == pytest.approx(slow, abs=1e-12)
        assert row.cpu_hours == 0.25
        assert (row.parameters, row.gmacs) == (1_500_000, 2.5)
    over_videos, over_groups = [], []
    for kind in ("snl", "nl"):
        gain = [b[1] - a[1] for a, b in zip(seen["none"], seen[kind], strict=True)]
        groups = [v[2] for v in seen[kind]]
        only = [gain.count(-1), gain.count(1)]
        row = table[kind]
        assert [row.against.only_first, row.against.only_second] == only
        over_videos.append(mcnemar_exact(*only))
        sums = [sum(v for v, g in zip(gain, groups, strict=True) if g == n) for n in set(groups)]
        over_groups.append(sign_flip_exact(np.array(sums)))
        assert row.against.p_value == over_videos[-1]
        assert row.by_group.p_value == pytest.approx(over_groups[-1])
        assert row.by_group.interval == pytest.approx(slow_interval(gain, groups), abs=1e-12)
    adjusted = [table[kind].by_group.adjusted for kind in ("snl", "nl")]
    assert adjusted == pytest.approx(holm([*over_groups, 1])[:2])  # gsnl is planned
    assert adjusted != pytest.approx(holm(over_groups))
    assert over_groups[0] < 0.01 < over_groups[1]
    assert table["none"].against is None


def test_seeds_have_rows_of_their_own_and_the_first_kind_may_be_missing(tmp_path):
    runs = [
        finished(tmp_path, "none", 1, {0, 3}, seed=7),
        finished(tmp_path, "snl", 1, {0}, seed=7),
        finished(tmp_path, "snl", 1, {0}, seed=3),
        finished(tmp_path, "nl", 1, {0, 1}, seed=3),
    ]
    tables = rows_by_seed(plan(seeds=(3, 7, 9)), runs, group_of)
    assert {seed: [row.kind for row in rows] for seed, rows in tables.items()} == {
        3: ["snl", "nl"],
        7: ["none", "snl"],
    }
    assert [row.against for row in tables[3]] == [None, None]
    assert tables[7][1].against.difference == pytest.approx(0.1)


def test_kinds_without_a_common_split_have_no_rows(tmp_path):
    runs = [finished(tmp_path, "none", 1, {0}), finished(tmp_path, "snl", 2, {0})]
    assert rows_by_seed(plan(), runs, group_of) == {}
    assert rows_by_seed(plan(), [], group_of) == {}


def test_runs_that_do_not_belong_together_are_refused(tmp_path):
    none = finished(tmp_path, "none", 1, {1})

    def refused(message, *runs):
        with pytest.raises(ComparisonError, match=message):
            rows_by_seed(plan(), [none, *runs], group_of)

    names = names_of(1)
    other = [*names[:-1], "c0/v_c0_g77_c00.avi"]
    refused(
        "none/split1_seed0 has .* and snl/split1_seed0",
        finished(tmp_path, "snl", 1, {1}, names=other),
    )
    shared = [names[0], *names_of(2)[1:]]
    refused(
        r"splits 1 and 2 share videos \(c0/v_c0_g10_c00\.avi\).* --splits 1",
        finished(tmp_path, "none", 2, {1}, names=shared),
    )
    refused(
        "the splits name their classes differently",
        finished(tmp_path, "none", 3, {1}, classes=list("xyz")),
    )
    none.report.metrics["complete"] = False
    refused("none/split1_seed0 was not tested on its whole list")
