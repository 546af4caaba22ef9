"""Which items a model learns from and which it is judged on: no group is ever on two sides.

A group is what must stay together because its items know each other: segments of a recording, movements of a work,
variants of a tune. A manifest is a pandas table with the columns ``label``, ``group`` and ``split``; see
:mod:`musiclib.datasets`.
"""

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

SIDES = ("train", "validation", "test")
_ATTEMPTS = 20  # orders of the groups that are tried
_NEAR = 0.02  # a side whose class shares are this near to the whole's is good enough
_FINEST = 20  # parts that a set is cut into to make a fraction of it


class SplitError(ValueError):
    """A split that cannot be made. The message says what stands in the way and what to do."""


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
    Taught in: 08_splits_and_leakage
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

    Taught in: 08_splits_and_leakage
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
    Taught in: 08_splits_and_leakage
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
