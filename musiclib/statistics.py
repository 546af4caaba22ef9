"""How sure a number is: intervals over groups, never over items that know each other."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.special

_DRAWN_AT_ONCE = 1_000_000  # groups drawn that are in memory at once, 8 MB


class StatisticsError(ValueError):
    """Numbers that no interval can be made of. The message says what stands in the way and what to do."""


class Interval(NamedTuple):
    """A statistic and how far chance in the choice of groups moves it; made by :func:`bootstrap_interval`."""

    value: float
    low: float
    high: float
    groups: int  # how many groups it rests on


def bootstrap_interval(
    values: np.ndarray,
    groups: np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.mean,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """A statistic of ``values``, and its interval when whole groups are drawn again, with replacement.

    Items of one group are not independent, so an interval over items would be too narrow. To compare two models on
    the same items, let ``values`` be the difference, such as ``right_a - right_b`` with 1 for right and 0 for wrong:
    what is hard for both drops out, and where the interval does not hold 0 the groups tell the models apart.

    Parameters
    ----------
    values : array, shape (N,) or (N, ...): a number an item, such as 1 for right and 0 for wrong; or a row an item,
        such as (truth, prediction), for a ``statistic`` that needs both
    groups : shape (N,), the group of each item
    statistic : from some of the values to a number; the mean is computed for many resamples at once
    level : coverage of the interval, between 0 and 1
    resamples : how many times the groups are drawn
    seed : of the drawing

    Returns
    -------
    Interval(value, low, high, groups)

    Raises
    ------
    StatisticsError
        If a value is NaN or infinite, the lengths differ, there are fewer than two groups, the statistic of a
        resample is no finite number, or ``level`` or ``resamples`` is out of range.

    Notes
    -----
    A percentile interval, its quantiles moved outward as Student's t asks for G groups: plain percentiles are too
    narrow by about sqrt((G - 1) / G), and by more where G is small. No interval can be trusted on fewer than five.

    Taught in: 08_splits_and_leakage

    References
    ----------
    Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8; the expanded percentiles:
    Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69(4), 2015,
    doi:10.1080/00031305.2015.1089789.
    """
    values, groups = np.asarray(values), np.asarray(groups)
    if values.shape[:1] != groups.shape:
        raise StatisticsError(f"{len(values)} values and {len(groups)} groups: expected a group for each value.")
    if pd.isna(groups).any():
        raise StatisticsError(f"{int(pd.isna(groups).sum())} values have no group. Expected a group for each value.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise StatisticsError(
            f"{int((~np.isfinite(values)).sum())} values are NaN or infinite. Expected finite numbers."
        )
    if not 0 < level < 1 or resamples < 1:
        raise StatisticsError(
            f"level={level}, resamples={resamples}: expected a level between 0 and 1 and some resamples."
        )
    code, names = pd.factorize(groups)
    G = len(names)
    if G < 2:
        raise StatisticsError(f"{G} group: an interval over groups needs at least two.")
    counts = np.bincount(code)
    if statistic is np.mean and values.ndim == 1:
        sums = np.bincount(code, weights=values)

        def evaluate(draws):
            return sums[draws].sum(1) / counts[draws].sum(1)
    else:
        members = np.split(np.argsort(code, kind="stable"), np.cumsum(counts)[:-1])

        def evaluate(draws):
            return [statistic(values[np.concatenate([members[g] for g in draw])]) for draw in draws]

    rng = np.random.default_rng(seed)
    results = np.empty(resamples)
    for part in np.array_split(results, min(resamples, -(-resamples * G // _DRAWN_AT_ONCE))):
        part[:] = evaluate(rng.integers(G, size=(part.size, G)))
    if not np.isfinite(results).all():
        raise StatisticsError(
            f"The statistic is NaN or infinite for {int((~np.isfinite(results)).sum())} of {resamples} resamples: some "
            "lack what it needs, such as a class. Choose one that every choice of groups has."
        )
    tail = scipy.special.ndtr(np.sqrt(G / (G - 1)) * scipy.special.stdtrit(G - 1, (1 - level) / 2))
    low, high = np.quantile(results, [tail, 1 - tail])
    return Interval(float(statistic(values)), float(low), float(high), G)
