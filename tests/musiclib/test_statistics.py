"""musiclib.statistics: intervals are over groups, as wide as theory says, and hold the truth as often as they say."""

import numpy as np
import pytest

from musiclib import statistics
from musiclib.statistics import StatisticsError


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    rng = np.random.default_rng(0)
    effect = rng.normal(0, 1, 400)  # all items of a group are alike: 400 numbers, however many items
    groups = np.repeat(np.arange(400), 20)
    got = statistics.bootstrap_interval(effect[groups], groups)
    half = 1.96 * effect.std() / np.sqrt(400)
    assert got.value == pytest.approx(effect.mean()) and got.groups == 400
    assert got.high - got.value == pytest.approx(half, rel=0.1)
    assert got.value - got.low == pytest.approx(half, rel=0.1)
    # The counts of 8000 groups are drawn in parts, which must make no difference but to memory.
    by_item = statistics.bootstrap_interval(effect[groups], np.arange(8000))
    assert (by_item.high - by_item.low) * 3 < got.high - got.low


def test_any_statistic_over_groups_of_unequal_size():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(40), rng.integers(1, 9, 40))
    values = rng.normal(size=groups.size)
    fast = statistics.bootstrap_interval(values, groups)
    slow = statistics.bootstrap_interval(values, groups, lambda v: v.mean())
    assert slow == pytest.approx(fast)  # the same groups are drawn
    pairs = np.stack([values > 0, values > 0.5], axis=1)
    agreement = statistics.bootstrap_interval(pairs, groups, lambda p: float(np.mean(p[:, 0] == p[:, 1])))
    assert agreement.value == np.mean(pairs[:, 0] == pairs[:, 1])
    assert agreement.low < agreement.value < agreement.high


@pytest.mark.parametrize("groups", [5, 10, 25])
def test_the_interval_holds_the_truth_as_often_as_it_says(groups):
    """Accuracy 0.7 with works that are easy and works that are hard, ten segments each."""
    rng = np.random.default_rng(groups)
    held = []
    for _ in range(400):
        right = rng.random((groups, 10)) < rng.beta(0.7 * 2, 0.3 * 2, groups)[:, None]
        got = statistics.bootstrap_interval(right.ravel(), np.repeat(np.arange(groups), 10), resamples=400)
        held.append(got.low <= 0.7 <= got.high)
    assert 0.88 < np.mean(held) < 0.985


def test_two_groups_give_the_widest_interval_that_they_can():
    got = statistics.bootstrap_interval([1.0, 0.0, 0.0, 0.0], ["a", "a", "b", "b"])
    assert got == (0.25, 0.0, 0.5, 2)


def test_a_difference_of_two_models_is_told_apart_where_each_ones_interval_overlaps_the_others():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(30), 10)
    ease = np.repeat(rng.random(30), 10)
    luck = rng.random(300)
    good, better = luck < 0.8 * ease, luck < 0.8 * ease + 0.1
    first, second = (statistics.bootstrap_interval(right, groups) for right in (good, better))
    assert second.low < first.high
    assert statistics.bootstrap_interval(better.astype(int) - good, groups).low > 0


def test_a_statistic_that_some_resamples_do_not_have():
    with (
        pytest.raises(StatisticsError, match=r"NaN or infinite for \d+ of 2000 resamples: .*such as a class"),
        np.errstate(all="ignore"),
    ):
        statistics.bootstrap_interval([1.0, 0.0], ["a", "b"], lambda v: 1.0 if v.any() else np.nan)


def test_the_same_seed_gives_the_same_interval_and_a_higher_level_a_wider_one():
    values, groups = np.random.default_rng(2).random(100), np.arange(100) // 5
    first = statistics.bootstrap_interval(values, groups)
    assert first == statistics.bootstrap_interval(values, groups)
    assert first != statistics.bootstrap_interval(values, groups, seed=1)
    wide = statistics.bootstrap_interval(values, groups, level=0.99)
    assert wide.low < first.low and first.high < wide.high


@pytest.mark.parametrize(
    ("values", "groups", "options", "says"),
    [
        ([1.0, np.nan], ["a", "b"], {}, "1 values are NaN or infinite"),
        ([1.0, 0.0], ["a", None], {}, "1 values have no group"),
        ([1.0, 0.0, 1.0], ["a", "b"], {}, "3 values and 2 groups"),
        ([1.0, 0.0], ["a", "a"], {}, "1 group: .* needs at least two"),
        ([], [], {}, "0 group: .* needs at least two"),
        ([1.0, 0.0], ["a", "b"], {"level": 95}, "level=95"),
        ([1.0, 0.0], ["a", "b"], {"resamples": 0}, "resamples=0"),
    ],
)
def test_an_interval_that_cannot_be_had(values, groups, options, says):
    with pytest.raises(StatisticsError, match=says):
        statistics.bootstrap_interval(np.array(values), np.array(groups, dtype=object), **options)


# ---------------------------------------------------------------- intervals in arithmetic and in words


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What two models get right of 30 groups of five: the second misses a tenth of what the first gets."""
    rng = np.random.default_rng(3)
    a = (rng.random(150) < np.repeat(rng.beta(4, 2, 30), 5)).astype(float)
    return a, a * (rng.random(150) < 0.9), np.repeat(np.arange(30), 5)


def test_a_difference_of_intervals_is_that_of_paired_resamples(pair):
    a, b, groups = pair
    A, B = statistics.bootstrap_interval(a, groups), statistics.bootstrap_interval(b, groups)
    paired = statistics.bootstrap_interval(a - b, groups)
    assert pytest.approx(paired) == A - B
    assert (A - B).high - (A - B).low < (A.high - A.low) / 1.5  # what is hard for both drops out
    assert pytest.approx(statistics.bootstrap_interval((a + b) / 2, groups)) == (A + B) / 2


@pytest.mark.parametrize("other", ["seed", "groups", "resamples", "typed"])
def test_intervals_that_share_no_resamples_have_no_difference(pair, other):
    a, b, groups = pair
    A = statistics.bootstrap_interval(a, groups)
    B = {
        "seed": lambda: statistics.bootstrap_interval(b, groups, seed=1),
        "groups": lambda: statistics.bootstrap_interval(b, groups[::-1] // 2),
        "resamples": lambda: statistics.bootstrap_interval(b, groups, resamples=500),
        "typed": lambda: statistics.Interval(0.5, 0.4, 0.6, 30),
    }[other]()
    with pytest.raises(statistics.StatisticsError, match="Take the difference item by item"):
        A - B


def test_a_number_moves_and_scales_an_interval(pair):
    A = statistics.bootstrap_interval(pair[0], pair[2])
    value, low, high, groups = A
    assert pytest.approx((1 - value, 1 - high, 1 - low, groups)) == 1 - A
    assert np.float64(100) * A == pytest.approx((100 * value, 100 * low, 100 * high, groups))
    assert pytest.approx(1 - A) == -A + 1 and pytest.approx(A) == A / 2 + A / 2
    with pytest.raises(statistics.StatisticsError, match="product"):
        A * A


@pytest.mark.parametrize(
    ("number", "spec", "text"),
    [
        (0.8594, ".0%", "86~%"),
        (-0.0004, ".0%", "0~%"),
        (-0.031, "+.1points", "\u22123.1~points"),
        (0.031, "+.1points", "+3.1~points"),
        (12_345.4, ",d samples", "12,345~samples"),
        (1.2345, ".2f dB", "1.23~dB"),
        (1.2345, "dB", "1.23~dB"),
        (1.2345, "", "1.23"),
        (statistics.Interval(0.859, 0.821, 0.889, 87), ".0%", "86~% (82 to 89)"),
        (statistics.Interval(0.03, -0.004, 0.062, 87), ".1points", "3.0~points (\u22120.4 to 6.2)"),
        (statistics.Interval(5.25, 5, 5.5, 9), ".1f s", "5.2~s (5.0 to 5.5)"),
    ],
)
def test_numbers_and_intervals_in_words(number, spec, text):
    text = text.replace("~", "\u00a0")  # as in TeX: no line ends there
    assert statistics.written(number, spec) == text
    if isinstance(number, statistics.Interval):
        assert f"{number:{spec}}" == text
