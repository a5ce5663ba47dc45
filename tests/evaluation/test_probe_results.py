"""Numbers of probes against a count by hand and all sign flips one by one."""

from itertools import product

import numpy as np
import pytest

from snl_video.evaluation.probe_results import ProbeRun, probe_rows
from snl_video.evaluation.probe_tables import probe_markdown, probe_page
from snl_video.evaluation.significance import holm

GROUPS, PER_GROUP = 6, 4
IDS = {
    split: [
        f"v_A_g{10 * split + group:02d}_c{clip:02d}.avi"
        for group in range(GROUPS)
        for clip in range(PER_GROUP)
    ]
    for split in (1, 2)
}


def group_of(name):
    return name.rpartition("_c")[0]


def run(kind, split, seed, share, **changes):
    rng = np.random.default_rng([sum(map(ord, kind)), split, seed])
    label = [i % 3 for i in range(GROUPS * PER_GROUP)]
    wrong = rng.random(len(label)) > share
    predicted = [(k + 1) % 3 if bad else k for k, bad in zip(label, wrong, strict=True)]
    values = {
        "kind": kind, "split": split, "seed": seed, "ids": IDS[split], "label": label,
        "predicted": predicted, "parameters": 1000, "gain": None, "seconds": 2.0,
    }  # fmt: skip
    return ProbeRun(**{**values, **changes})


SHARES = {"none": 0.6, "snl": 0.95, "nl": 0.7}
RUNS = [run(k, split, seed, s) for k, s in SHARES.items() for split in (1, 2) for seed in (0, 1, 2)]


def right(kind):
    """(seeds, videos) of both splits, 0 or 1."""
    return np.array(
        [
            [
                float(p == k)
                for split in (1, 2)
                for one in RUNS
                if (one.kind, one.split, one.seed) == (kind, split, seed)
                for p, k in zip(one.predicted, one.label, strict=True)
            ]
            for seed in (0, 1, 2)
        ]
    )


def brute_p(gain):
    """Two-sided, every sign of every group tried; (videos,) sums over seeds."""
    sums = gain.reshape(-1, PER_GROUP).sum(1)
    flips = [
        abs(np.dot(signs, sums)) >= abs(sums.sum()) for signs in product((-1, 1), repeat=len(sums))
    ]
    return np.mean(flips)


def test_the_numbers_are_those_of_a_count_by_hand():
    rows = {row.kind: row for row in probe_rows(RUNS, group_of)}
    assert list(rows) == ["none", "snl", "nl"]
    p_values = []
    for kind, row in rows.items():
        own = right(kind)
        assert row.top1 == pytest.approx(own.mean())
        assert row.spread == pytest.approx(np.std(own.mean(1), ddof=1))
        assert row.top1_of_split[2] == pytest.approx(own[:, 24:].mean())
        assert (row.videos, row.groups, row.seeds) == (48, 12, 3)
        assert row.interval[0] < row.top1 < row.interval[1]
        if kind != "none":
            gain = own.sum(0) - right("none").sum(0)
            assert row.difference == pytest.approx(gain.mean() / 3)
            assert row.p_value == pytest.approx(brute_p(gain))
            p_values.append(row.p_value)
    assert rows["none"].p_value is None
    assert [rows["snl"].adjusted, rows["nl"].adjusted] == holm(p_values)
    assert rows["snl"].adjusted < 0.05 < rows["nl"].p_value


def test_the_interval_draws_whole_groups():
    """All videos of a group are right together: far wider than over independent videos."""
    predicted = [k if i // PER_GROUP % 2 else -1 for i, k in enumerate(RUNS[0].label)]
    (row,) = probe_rows([run("none", 1, 0, 1.0, predicted=predicted)], group_of)
    assert row.top1 == 0.5
    assert row.interval[1] - row.interval[0] > 0.6


def test_runs_that_can_not_stand_together_are_refused():
    with pytest.raises(ValueError, match="every split and seed"):
        probe_rows(RUNS[:-1], group_of)
    other = run("nl", 2, 2, 0.7, ids=IDS[1])
    with pytest.raises(ValueError, match="same videos"):
        probe_rows([*RUNS[:-1], other], group_of)


def test_the_page_shows_every_row_and_escapes():
    rows = probe_rows([run("<b>", 1, 0, 0.6, gain=0.125), run("snl", 1, 0, 0.9)], group_of)
    text = probe_markdown(rows, "test videos", ["Kept."])
    assert "| snl | " in text
    assert "0.125" in text
    assert "24 test videos in 6 groups, 1 seed." in text
    assert "fewer than 25 groups" in text
    page = probe_page(rows, "test videos", ["Kept."])
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
