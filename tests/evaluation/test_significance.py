import math
from itertools import permutations, product

import numpy as np
import pytest

from snl_video.evaluation.significance import (
    adjust,
    compare,
    compare_with_first,
    holm,
    mcnemar_exact,
    sign_flip_exact,
)


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
    assert compare_with_first([first]) == []
    assert same.by_group is other.by_group is None


def brute_sign_flips(sums):
    """The share of all sign vectors whose sum is at least as far from 0."""
    own = abs(sum(sums))
    flipped = [
        abs(sum(s * v for s, v in zip(signs, sums, strict=True)))
        for signs in product((-1, 1), repeat=len(sums))
    ]
    return sum(value >= own for value in flipped) / len(flipped)


def test_sign_flips_equal_all_sign_vectors():
    rng = np.random.default_rng(0)
    for number in range(40):
        sums = rng.integers(-4, 5, number % 11)
        assert sign_flip_exact(sums) == pytest.approx(brute_sign_flips(sums.tolist()), rel=1e-12)
        assert sign_flip_exact(-sums) == sign_flip_exact(sums)


def test_sign_flips_by_hand():
    assert sign_flip_exact(np.array([], dtype=int)) == 1
    assert sign_flip_exact(np.array([0, 0])) == 1
    assert sign_flip_exact(np.array([5])) == 1
    assert sign_flip_exact(np.array([1] * 6)) == 2 / 64
    assert sign_flip_exact(np.array([3, 1, 1])) == 2 / 8
    assert sign_flip_exact(np.array([3, -1, 1])) == 6 / 8
    with pytest.raises(TypeError, match="integral"):
        sign_flip_exact(np.array([0.5, 1]))


@pytest.mark.parametrize("b", [0, 1, 2, 5, 17])
@pytest.mark.parametrize("c", [0, 1, 3, 5, 300])
def test_sign_flips_of_single_videos_are_mcnemar(b, c):
    sums = np.array([-1] * b + [1] * c + [0] * 4)
    assert sign_flip_exact(sums) == pytest.approx(mcnemar_exact(b, c), rel=1e-11)


def test_groups_that_agree_count_once():
    """Ten groups of five clips, all gained: McNemar sees 50 wins, the sign flips see 10."""
    first, second = np.zeros(50, dtype=bool), np.ones(50, dtype=bool)
    groups = [f"g{i // 5}" for i in range(50)]
    pair = compare(first, second, groups)
    assert pair.p_value == 2 / 2**50
    assert pair.by_group.p_value == 2 / 2**10
    assert pair.by_group.groups == 10
    mixed = np.random.default_rng(1).permutation(50)
    again = compare(first[mixed], second[mixed], [groups[i] for i in mixed])
    assert again.by_group == pair.by_group
    with pytest.raises(ValueError, match="49 names of groups for 50 videos"):
        compare(first, second, groups[1:])


def test_under_the_null_the_group_test_keeps_its_level():
    """Clips of a group that always agree: McNemar rejects far too often, the sign flips do not."""
    rng = np.random.default_rng(5)
    wins = rng.integers(0, 2, (400, 30)) * 2 - 1
    by_group = np.mean([sign_flip_exact(4 * row) < 0.05 for row in wins])
    counts = [(int((row < 0).sum()) * 4, int((row > 0).sum()) * 4) for row in wins]
    over_videos = np.mean([mcnemar_exact(*pair) < 0.05 for pair in counts])
    assert by_group <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)
    assert over_videos > 0.2


def test_holm_counts_planned_tests_that_were_not_made():
    """As if their p were 1, which the whole family confirms."""
    made = [0.03, 0.004]
    assert holm(made, 5) == pytest.approx(holm([*made, 1, 1, 1])[:2])
    assert holm(made, 5) == pytest.approx([0.12, 0.02])
    assert holm(made, 2) == holm(made)
    with pytest.raises(ValueError, match="2 tests were made, but only 1 hypotheses planned"):
        holm(made, 1)


def test_holm_is_of_each_family_and_groups_decide():
    first = np.zeros(12, dtype=bool)
    better, little = np.ones(12, dtype=bool), np.arange(12) < 2
    groups = [f"g{i // 2}" for i in range(12)]
    pairs = compare_with_first([first, better, little], groups)
    assert [pair.adjusted for pair in pairs] == [2 * 2 / 2**12, 0.5]
    assert [pair.by_group.adjusted for pair in pairs] == [2 * 2 / 2**6, 1]
    assert [pair.decisive for pair in pairs] == [2 * 2 / 2**6, 1]
    assert [pair.decisive for pair in adjust(pairs, 6)] == [6 * 2 / 2**6, 1]
    assert [pair.decisive for pair in compare_with_first([first, better, little])] == [
        2 * 2 / 2**12,
        0.5,
    ]
