import math

import numpy as np
import pytest

from snl_video.evaluation.intervals import (
    bootstrap_difference,
    bootstrap_groups,
    bootstrap_intervals,
    interval_text,
    is_point,
    metric_intervals,
    wilson,
)
from tests.evaluation.cases import random_results, slow_interval


def binomial_quantile(share, n, p):
    total = 0.0
    for k in range(n + 1):
        total += math.comb(n, k) * p**k * (1 - p) ** (n - k)
        if total >= share:
            return k / n
    return 1.0


def test_interval_of_an_accuracy_is_that_of_the_exact_binomial():
    """A resample of N videos of accuracy p has Binomial(N, p) / N right ones."""
    results = random_results(60, 4)
    p = results.accuracy(1)
    assert 0.2 < p < 0.95
    low, high = bootstrap_intervals(results, replicates=4000)["top1"]
    assert low == pytest.approx(binomial_quantile(0.025, 60, p), abs=1.01 / 60)
    assert high == pytest.approx(binomial_quantile(0.975, 60, p), abs=1.01 / 60)


def test_every_interval_holds_its_number_and_the_seed_fixes_it():
    results = random_results(80, 5, failed=(3,))
    intervals = bootstrap_intervals(results, replicates=300)
    numbers = {
        "top1": results.accuracy(1),
        "top5": results.accuracy(5),
        "mean_class": results.mean_class_accuracy(),
        "clip_top1": results.clip_accuracy(),
    }
    assert set(intervals) == set(numbers)
    for name, value in numbers.items():
        low, high = intervals[name]
        assert low <= value <= high, name
    assert bootstrap_intervals(results, replicates=300) == intervals
    assert bootstrap_intervals(results, replicates=300, seed=1) != intervals
    del intervals["top1"]
    assert bootstrap_intervals(results, leave_out=["top1"], replicates=300) == intervals


def test_mean_class_replicates_equal_a_slow_computation():
    results = random_results(12, 3)
    generator = np.random.default_rng(7)
    label, right = results.label.numpy(), results.correct().numpy()
    slow = []
    for _ in range(50):
        draw = generator.integers(12, size=12)
        per_class = [
            np.mean([right[i] for i in draw if label[i] == c])
            for c in range(3)
            if any(label[i] == c for i in draw)
        ]
        slow.append(np.mean(per_class))
    expected = np.quantile(slow, [0.025, 0.975])
    assert bootstrap_intervals(results, replicates=50, seed=7)["mean_class"] == pytest.approx(
        tuple(expected)
    )


def test_a_difference_is_drawn_in_pairs():
    first = np.array([1, 0, 1, 0] * 10)
    assert bootstrap_difference(first, first) == (0, 0)
    assert bootstrap_difference(np.zeros(40), np.ones(40)) == (1, 1)
    low, high = bootstrap_difference(first, 1 - first)
    assert -0.4 < low < -0.2 < 0.2 < high < 0.4
    low, high = bootstrap_difference(first, np.array([1, 1, 1, 0] * 10))
    assert low == pytest.approx(binomial_quantile(0.025, 40, 0.25), abs=0.03)
    assert high == pytest.approx(binomial_quantile(0.975, 40, 0.25), abs=0.03)


def slow_groups(values, groups):
    return pytest.approx(slow_interval(values, groups), abs=1e-12)


def test_groups_that_agree_make_the_interval_wider():
    rng = np.random.default_rng(3)
    per_group = rng.integers(0, 2, 40)
    values = np.repeat(per_group, 5)
    names = [f"g{i:02d}" for i in range(40)]
    low, high = bootstrap_groups(values, np.repeat(names, 5).tolist())
    assert (low, high) == slow_groups(values, np.repeat(names, 5).tolist())
    assert (low, high) == slow_groups(per_group, names)
    alone = bootstrap_groups(values, [f"{i:03d}" for i in range(200)])
    assert alone == pytest.approx(bootstrap_difference(np.zeros(200), values))
    assert (high - low) / (alone[1] - alone[0]) == pytest.approx(np.sqrt(5), rel=0.1)


def test_groups_of_unequal_size_weigh_by_their_videos():
    values, groups = np.array([1, 1, 1, 0, 0, 1, -1]), list("aaabbcd")
    assert bootstrap_groups(values, groups) == slow_groups(values, groups)


def coverage(num_groups, share=0.8, runs=200):
    """How often the interval over groups of three equal videos holds the true share."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(runs):
        values = np.repeat(rng.random(num_groups) < share, 3)
        names = np.repeat(np.arange(num_groups), 3).tolist()
        low, high = bootstrap_groups(values, names, replicates=200)
        held += low <= share <= high
    return held / runs


def test_few_groups_cover_too_little():
    assert coverage(8) < 0.9
    assert coverage(80) > 0.9


def exact_coverage(count, share):
    """The probability that Wilson's interval holds the true share, summed over all counts."""
    held = 0.0
    ways = 0.0  # logarithm of the number of choices
    for right in range(count + 1):
        low, high = wilson(right, count)
        if low <= share <= high:
            held += math.exp(ways + right * math.log(share) + (count - right) * math.log1p(-share))
        if right < count:
            ways += math.log((count - right) / (right + 1))
    return held


@pytest.mark.parametrize("count", [20, 50, 200, 2000])
def test_the_interval_of_a_share_covers_it(count):
    """On average 95 %; at single shares no interval of a count can."""
    shares = np.linspace(0.5, 0.99, 99 if count < 1000 else 15)
    covered = [exact_coverage(count, share) for share in shares]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.005)
    assert 0.91 < min(covered) <= max(covered) < 0.99
    if count >= 200:
        assert 0.93 < min(covered) <= max(covered) < 0.97


def test_the_interval_of_a_share_by_hand():
    z2 = 1.959964**2
    assert wilson(20, 20) == pytest.approx((20 / (20 + z2), 1))
    assert wilson(0, 20) == pytest.approx((0, z2 / (20 + z2)))
    low, high = wilson(30, 40)
    for end in (low, high):
        assert (0.75 - end) ** 2 == pytest.approx(z2 * end * (1 - end) / 40, rel=1e-5)


def test_shares_of_videos_are_wilson_and_the_rest_is_drawn():
    results = random_results(40, 8, failed=(1,))
    intervals, drawn = metric_intervals(results), bootstrap_intervals(results)
    for name, top in (("top1", 1), ("top5", 5)):
        assert intervals[name] == wilson(int(results.correct(top).sum()), 40)
    assert [intervals[name] for name in ("mean_class", "clip_top1")] == [
        drawn[name] for name in ("mean_class", "clip_top1")
    ]
    perfect = random_results(20, 8, skill=50.0)
    assert bootstrap_intervals(perfect)["top1"] == (1, 1)
    assert metric_intervals(perfect)["top1"][0] < 0.85


def test_an_interval_without_width_is_a_dash():
    for value in (0, 1, 1 / 3):
        same = bootstrap_groups(np.tile([value, value, 0], 7), [f"{i // 3}" for i in range(21)])
        assert is_point(same)
        assert interval_text(same) == "-"
    assert interval_text((0.1, 0.2345)) == "10.0 to 23.4"
    assert interval_text((-0.1, 0.0), sign="+", digits=2) == "-10.00 to +0.00"
    assert interval_text([1.0, 1.0], dash="none") == "none"


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"could not be broadcast|\(2,\) \(3,\)"):
        bootstrap_difference(np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="2 names of groups for 3 videos"):
        bootstrap_groups(np.zeros(3), ["a", "b"])
    with pytest.raises(ValueError, match="0 names of groups for 0 videos"):
        bootstrap_difference(np.zeros(0), np.zeros(0))
