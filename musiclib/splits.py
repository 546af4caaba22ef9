"""Which items a model learns from and which it is judged on: no group is ever on two sides.

A group is what must stay together because its items know each other: segments of a recording, movements of a work,
variants of a tune. A manifest is a pandas table with the columns ``label``, ``group`` and ``split``; see
:mod:`musiclib.datasets`.
"""

import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.special
from sklearn.model_selection import StratifiedGroupKFold

SIDES = ("train", "validation", "test")
_ATTEMPTS = 20  # orders of the groups that are tried
_NEAR = 0.02  # a side whose class shares are this near to the whole's is good enough
_DRAWN_AT_ONCE = 1_000_000  # groups drawn that are in memory at once, 8 MB
_FINEST = 20  # parts that a set is cut into to make a fraction of it


class SplitError(ValueError):
    """A split that cannot be made. The message says what stands in the way and what to do."""


class Interval(NamedTuple):
    """A statistic and how far chance in the choice of groups moves it; made by :func:`bootstrap_interval`."""

    value: float
    low: float
    high: float
    groups: int  # how many groups it rests on


def train_validation_test(
    manifest: pd.DataFrame,
    *,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
    stratify: bool = True,
    official: bool = True,
) -> pd.Series:
    """A side for each item: groups kept together, classes in like shares on each side.

    Where the manifest's column ``split`` names the makers' own sides, those are kept; only a validation side that
    they do not have is cut from their training side.

    Parameters
    ----------
    manifest : with the columns label, group and, for official sides, split
    validation, test : their shares of the items, each above 0, together below 1; met as nearly as whole groups allow
    seed : of the choice; the same rows in any order are split the same
    stratify : False pays no heed to labels, for a set that has none, such as scores to learn to compose from
    official : False makes new sides whatever the manifest says

    Returns
    -------
    Series of ``"train"``, ``"validation"`` or ``"test"``, indexed as the manifest

    Raises
    ------
    SplitError
        If there is only one class, a label or group is missing, a class has too few groups, only some of the items
        have an official side, or the official sides lack train or test.
    AssertionError
        If the official sides share a group; see :func:`assert_disjoint`.

    Notes
    -----
    Taught in: 07_splits_and_leakage
    """
    if not (validation > 0 and test > 0 and validation + test < 1):
        raise SplitError(f"validation={validation}, test={test}: expected two shares above 0 that leave some to train.")
    if official and _has_sides(manifest):
        assert_disjoint(manifest)
        side = manifest["split"].astype(object)
    else:
        table = _checked(manifest, stratify)
        _check_groups(table, 3, "three sides")
        side = pd.Series("train", index=manifest.index, dtype=object, name="split")
        side[_part_of(table, test, seed, leave=2)] = "test"
    if "validation" not in set(side):
        learning = _checked(manifest[side == "train"], stratify)
        _check_groups(learning, 2, "a training and a validation side")
        side[_part_of(learning, validation / (1 - test), seed)] = "validation"
    assert_disjoint(manifest.assign(split=side))
    return side


def kfold(
    manifest: pd.DataFrame, folds: int = 5, *, seed: int = 0, stratify: bool = True
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cross-validation in which each group is tested once: [(positions to learn from, positions to test on), ...].

    The list can be given to scikit-learn as ``cv=``.

    Parameters
    ----------
    manifest : with the columns label and group
    folds : how many parts, at least 2
    seed : of the choice; the same rows in any order are split the same
    stratify : False pays no heed to labels

    Raises
    ------
    SplitError
        If there is only one class, a label or group is missing, or a class has fewer groups than there are folds.

    Notes
    -----
    To choose a hyper-parameter, call it again on the rows that a fold learns from: nested cross-validation.

    Taught in: 07_splits_and_leakage
    """
    table = _checked(manifest, stratify)
    if not isinstance(folds, int | np.integer) or folds < 2:
        raise SplitError(f"folds={folds!r}: expected a whole number from 2.")
    _check_groups(table, folds, f"{folds} folds")
    number = _folds(table, folds, seed)
    pairs = [(np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in range(folds)]
    for learn, judge in pairs:
        shared = set(manifest["group"].iloc[learn]) & set(manifest["group"].iloc[judge])
        assert not shared, f"groups in two folds: {sorted(map(str, shared))[:5]}"
    return pairs


def assert_disjoint(manifest: pd.DataFrame) -> None:
    """Nothing, if every group is on one side only. Items whose ``split`` is ``""`` or missing are on none.

    Raises
    ------
    AssertionError
        If a group is on two sides; the message names it and the sides.
    SplitError
        If a group is missing, no item has a side, or a side has a name that is none of ``SIDES``.

    Notes
    -----
    Taught in: 07_splits_and_leakage
    """
    _check_complete(manifest, "group")
    if "split" not in manifest.columns:
        raise SplitError(f"The manifest has no column 'split'. It has {list(manifest.columns)}.")
    placed = manifest[_placed(manifest)]
    if placed.empty:
        raise SplitError(f"No item has a side: the column split holds none of {', '.join(SIDES)}.")
    sides = placed.groupby("group")["split"].nunique()
    leaking = sides.index[sides > 1]
    if len(leaking):
        first = leaking[0]
        where = " and ".join(s for s in SIDES if s in set(placed.loc[placed["group"] == first, "split"]))
        more = f", and {len(leaking) - 1} more groups are on several sides" if len(leaking) > 1 else ""
        raise AssertionError(
            f"The group {first!r} is on two sides, {where}{more}. Keep every item of a group on one side: "
            "what a model has heard in training it may recognize in the test."
        )


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
    SplitError
        If a value is NaN or infinite, the lengths differ, there are fewer than two groups, the statistic of a
        resample is no finite number, or ``level`` or ``resamples`` is out of range.

    Notes
    -----
    A percentile interval, its quantiles moved outward as Student's t asks for G groups: plain percentiles are too
    narrow by about sqrt((G - 1) / G), and by more where G is small. No interval can be trusted on fewer than five.

    Taught in: 07_splits_and_leakage

    References
    ----------
    Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8; the expanded percentiles:
    Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69(4), 2015,
    doi:10.1080/00031305.2015.1089789.
    """
    values, groups = np.asarray(values), np.asarray(groups)
    if values.shape[:1] != groups.shape:
        raise SplitError(f"{len(values)} values and {len(groups)} groups: expected a group for each value.")
    if pd.isna(groups).any():
        raise SplitError(f"{int(pd.isna(groups).sum())} values have no group. Expected a group for each value.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise SplitError(f"{int((~np.isfinite(values)).sum())} values are NaN or infinite. Expected finite numbers.")
    if not 0 < level < 1 or resamples < 1:
        raise SplitError(f"level={level}, resamples={resamples}: expected a level between 0 and 1 and some resamples.")
    code, names = pd.factorize(groups)
    G = len(names)
    if G < 2:
        raise SplitError(f"{G} group: an interval over groups needs at least two.")
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
        raise SplitError(
            f"The statistic is NaN or infinite for {int((~np.isfinite(results)).sum())} of {resamples} resamples: some "
            "lack what it needs, such as a class. Choose one that every choice of groups has."
        )
    tail = scipy.special.ndtr(np.sqrt(G / (G - 1)) * scipy.special.stdtrit(G - 1, (1 - level) / 2))
    low, high = np.quantile(results, [tail, 1 - tail])
    return Interval(float(statistic(values)), float(low), float(high), G)


# ---------------------------------------------------------------- checks


def _check_complete(manifest: pd.DataFrame, column: str) -> None:
    if column not in manifest.columns:
        raise SplitError(f"The manifest has no column {column!r}. It has {list(manifest.columns)}.")
    missing = manifest.index[manifest[column].isna()]
    if len(missing):
        raise SplitError(
            f"{len(missing)} items have no {column}, the first is {missing[0]!r}. Give each one a {column}."
        )


def _checked(manifest: pd.DataFrame, stratify: bool) -> pd.DataFrame:
    """The manifest, if it can be split; with one label for all where labels are of no account."""
    if len(manifest) == 0:
        raise SplitError("The manifest is empty. Expected items to split.")
    _check_complete(manifest, "group")
    if not stratify:
        return manifest.assign(label="any")
    _check_complete(manifest, "label")
    labels = manifest["label"]
    if isinstance(labels.dtype, pd.CategoricalDtype):
        empty = [c for c in labels.cat.categories if c not in set(labels)]
        if empty:
            raise SplitError(f"The classes {empty} have no items. Add some, or remove these categories.")
    if labels.nunique() < 2:
        raise SplitError(
            f"There is only one class, {labels.iloc[0]!r}. Expected at least two to tell apart; "
            "pass stratify=False where there is nothing to tell apart."
        )
    return manifest


def _check_groups(manifest: pd.DataFrame, needed: int, what: str) -> None:
    groups = manifest.groupby("label", observed=True)["group"].nunique()
    if groups.min() < needed:
        raise SplitError(
            f"The class {groups.idxmin()!r} has {groups.min()} groups, and {what} need at least {needed} of each "
            "class. Add recordings, ask for less, or leave the class out."
        )


def _placed(manifest: pd.DataFrame) -> pd.Series:
    """Which items have a side. A name that is none of the three would hide a leak, so it is an error."""
    placed = manifest["split"].isin(SIDES)
    others = manifest.loc[~placed & manifest["split"].notna() & (manifest["split"] != ""), "split"]
    if len(others):
        raise SplitError(
            f"The column split holds {others.iloc[0]!r}. Expected {', '.join(SIDES)}, or nothing: rename the sides."
        )
    return placed


def _has_sides(manifest: pd.DataFrame) -> bool:
    """Whether the manifest names official sides."""
    if "split" not in manifest.columns:
        return False
    named = _placed(manifest)
    if not named.any():
        return False
    if not named.all():
        raise SplitError(
            f"{int((~named).sum())} items have no official side and the others have one, the first is "
            f"{manifest.index[~named][0]!r}. Leave them out, or pass official=False to make new sides for all."
        )
    lacking = [side for side in ("train", "test") if side not in set(manifest["split"])]
    if lacking:
        raise SplitError(
            f"No item is officially in {' or '.join(lacking)}. Add that side, or pass official=False to make new sides."
        )
    return True


# ---------------------------------------------------------------- the choice


def _part_of(manifest: pd.DataFrame, share: float, seed: int, leave: int = 1) -> pd.Index:
    """The ids of about ``share`` of the items, as whole groups; ``leave`` groups of each class stay behind at least."""
    fewest = int(manifest.groupby("label", observed=True)["group"].nunique().min())
    possible = min(max(share, 1 / fewest), (fewest - leave) / fewest)
    fraction = Fraction(possible).limit_denominator(min(_FINEST, fewest))
    number = _folds(manifest, fraction.denominator, seed, fraction.numerator, leave)
    return manifest.index[number < fraction.numerator]


def _folds(manifest: pd.DataFrame, folds: int, seed: int, taken: int | None = None, leave: int = 1) -> np.ndarray:
    """A fold number for each row, from the order of groups that leaves the parts most alike.

    The parts are the folds, or the first ``taken`` of them against the rest.
    """
    order = np.argsort([str(id) for id in manifest.index], kind="stable")
    label, _ = pd.factorize(manifest["label"].to_numpy()[order], sort=True)
    group, _ = pd.factorize(manifest["group"].to_numpy()[order])
    sizes = np.full(folds, 1 / folds) if taken is None else np.array([taken, folds - taken]) / folds
    fewest = np.ones(sizes.size) if taken is None else np.array([1, leave])
    best, smallest = None, np.inf
    rng = np.random.default_rng(seed)
    for _ in range(_ATTEMPTS):
        # The splitter's own shuffling differs between versions and loses the classes' shares in 1.6: shuffle here.
        shuffled = rng.permutation(group.max() + 1)[group]
        number = np.empty(label.size, int)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of classes with few items; what matters is checked here
            for k, (_, test) in enumerate(StratifiedGroupKFold(folds).split(label, label, shuffled)):
                number[test] = k
        off = _unlikeness(label, group, number if taken is None else (number >= taken).astype(int), sizes, fewest)
        if off < smallest:
            best, smallest = number, off
        if smallest < _NEAR:
            break
    if best is None:
        raise SplitError(
            "No way was found to have every class in every part: some groups hold several classes, or a class has too "
            "few groups for the shares that were asked for. Ask for fewer or other parts, or add recordings."
        )
    back = np.empty_like(best)
    back[order] = best
    return back


def _unlikeness(label: np.ndarray, group: np.ndarray, part: np.ndarray, sizes: np.ndarray, fewest: np.ndarray) -> float:
    """How far the parts are from their sizes and from the whole's class shares; infinite if one has too few groups."""
    counts = np.zeros((sizes.size, label.max() + 1))
    np.add.at(counts, (part, label), 1)
    groups = np.zeros_like(counts)
    kinds = np.unique(np.stack([part, label, group]), axis=1)
    np.add.at(groups, (kinds[0], kinds[1]), 1)
    if (groups < fewest[:, None]).any():
        return np.inf
    shares = counts / counts.sum(1, keepdims=True) - counts.sum(0) / label.size
    return float(max(np.abs(shares).max(), np.abs(counts.sum(1) / label.size - sizes).max()))
