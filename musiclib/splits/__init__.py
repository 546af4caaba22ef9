"""Which items a model learns from and which it is judged on: no group is ever on two sides.

A group is what must stay together because its items know each other: segments of a recording, movements of a work,
variants of a tune. A manifest is a pandas table with the columns ``label``, ``group`` and ``split``; see
:mod:`musiclib.datasets`.
"""

import numpy as np
import pandas as pd

from musiclib.splits import deal, stratified
from musiclib.splits.checks import (
    SIDES,
    SplitError,
    check_complete,
    check_groups,
    check_learnable,
    checked,
    has_sides,
    placed,
)

__all__ = ["SIDES", "SplitError", "assert_disjoint", "kfold", "train_validation_test"]


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

    Warns
    -----
    UserWarning
        If a class has a tenth more or less of its items on a side than was asked, since whole groups do not allow
        better; if an official validation or test side lacks a class.

    Returns
    -------
    Series of ``"train"``, ``"validation"`` or ``"test"``, indexed as the manifest

    Raises
    ------
    SplitError
        If there is only one class, a label or group is missing, a class has too few groups, only some of the items
        have an official side, the official sides lack train or test, or a class that they ask about has nothing to
        train on.
    AssertionError
        If the official sides share a group; see :func:`assert_disjoint`.

    Notes
    -----
    Taught in: 08_splits_and_leakage
    """
    if not (validation > 0 and test > 0 and validation + test < 1):
        raise SplitError(f"validation={validation}, test={test}: expected two shares above 0 that leave some to train.")
    if official and has_sides(manifest):
        side = _official(manifest, validation / (1 - test), seed, stratify)
    else:
        table = checked(manifest, stratify)
        check_groups(table, 3, "three sides")
        shares = [1 - validation - test, validation, test]
        part = deal.parts(table, shares, seed, _in_two_steps(table, validation, test, seed), list(SIDES))
        side = pd.Series(np.array(SIDES, dtype=object)[part], index=manifest.index, dtype=object, name="split")
    assert_disjoint(manifest.assign(split=side))
    return side


def _official(manifest: pd.DataFrame, validation: float, seed: int, stratify: bool) -> pd.Series:
    """The makers' own sides, with this share of their training side to validate on where they have none."""
    assert_disjoint(manifest)
    if stratify:
        check_complete(manifest, "label")
        check_learnable(manifest)
    side = manifest["split"].astype(object)
    if "validation" not in set(side):
        learns = (side == "train").to_numpy()
        learning = checked(manifest[learns], stratify)
        check_groups(learning, 2, "a training and a validation side")
        quick = stratified.part_of(learning, validation, seed)
        quick = None if quick is None else quick.astype(int)
        part = deal.parts(learning, [1 - validation, validation], seed, quick, list(SIDES[:2]))
        side[learns] = np.array(SIDES, dtype=object)[part]
    return side


def _in_two_steps(table: pd.DataFrame, validation: float, test: float, seed: int) -> np.ndarray | None:
    """The quick way's sides as indices into ``SIDES``: first the test side, then validation from what is left."""
    judged = stratified.part_of(table, test, seed, leave=2)
    if judged is None:
        return None
    watched = stratified.part_of(table[~judged], validation / (1 - test), seed)
    if watched is None:
        return None
    part = np.where(judged, 2, 0)
    part[~judged] = watched
    return part


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

    Warns
    -----
    UserWarning
        If a fold has a tenth more or less of a class than its share, since whole groups do not allow better.

    Raises
    ------
    SplitError
        If there is only one class, a label or group is missing, a class has fewer groups than there are folds, or no
        way is found to have every class in every fold.

    Notes
    -----
    To choose a hyper-parameter, call it again on the rows that a fold learns from: nested cross-validation.

    Taught in: 08_splits_and_leakage
    """
    table = checked(manifest, stratify)
    if not isinstance(folds, int | np.integer) or folds < 2:
        raise SplitError(f"folds={folds!r}: expected a whole number from 2.")
    check_groups(table, folds, f"{folds} folds")
    number = deal.parts(table, [1 / folds] * folds, seed, stratified.folds(table, folds, seed), [])
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
    check_complete(manifest, "group")
    if "split" not in manifest.columns:
        raise SplitError(f"The manifest has no column 'split'. It has {list(manifest.columns)}.")
    with_side = manifest[placed(manifest)]
    if with_side.empty:
        raise SplitError(f"No item has a side: the column split holds none of {', '.join(SIDES)}.")
    sides = with_side.groupby("group")["split"].nunique()
    leaking = sides.index[sides > 1]
    if len(leaking):
        first = leaking[0]
        where = " and ".join(s for s in SIDES if s in set(with_side.loc[with_side["group"] == first, "split"]))
        more = f", and {len(leaking) - 1} more groups are on several sides" if len(leaking) > 1 else ""
        raise AssertionError(
            f"The group {first!r} is on two sides, {where}{more}. Keep every item of a group on one side: "
            "what a model has heard in training it may recognize in the test."
        )
