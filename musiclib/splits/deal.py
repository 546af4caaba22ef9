"""Whole groups dealt to parts so that each part has its share of each class, as nearly as the groups allow."""

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd

from musiclib.splits.checks import SplitError

TOLERANCE = 0.1 + 1e-9  # a part that has this much more or less of a class than was asked is worth a search, and a word
_NEAR = 1e-4  # a squared distance that ends the search
_BETTER = 0.01  # by so much its squared distance must be smaller than the quick way's to take its place
_ALL = 0.1  # what the shares of all items count beside those of each class: only among equals
_STARTS = 10  # orders of the groups that the search begins from
_STEPS = 2000  # of one search
_PAIRS = 20_000  # pairs of groups that are tried for an exchange at once
_NAMED = 5  # classes that a message lists


class Groups(NamedTuple):
    """A manifest's groups as numbers; made by :func:`groups_of`."""

    code: np.ndarray  # int, shape (rows,): the group of each row
    classes: list  # their names
    weight: np.ndarray  # shape (groups, classes + 1): what part of a class's items a group has; last, of all items

    @property
    def holds(self) -> np.ndarray:
        """Whether a group has items of a class: shape (groups, classes)."""
        return self.weight[:, :-1] > 0


def groups_of(manifest: pd.DataFrame) -> Groups:
    """The groups of a manifest, in an order that does not depend on its rows' order."""
    names = pd.unique(manifest["group"])
    rank = np.empty(len(names), int)
    rank[sorted(range(len(names)), key=lambda i: str(names[i]))] = np.arange(len(names))
    code = rank[pd.factorize(manifest["group"])[0]]
    label, classes = pd.factorize(manifest["label"].to_numpy(), sort=True)
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (code, label), 1)
    shares = counts / counts.sum(0)
    return Groups(code, list(classes), np.column_stack([shares, counts.sum(1) / counts.sum()]))


def parts(
    manifest: pd.DataFrame, shares: list[float], seed: int, quick: np.ndarray | None, names: list[str]
) -> np.ndarray:
    """A part for each row: ``quick``, the quick way's, where that is near enough, else what a search finds.

    Parameters
    ----------
    manifest : with the columns label and group, checked
    shares : of each class that each part is to have, summing to 1
    seed : of the search
    quick : shape (rows,), or None if the quick way found nothing
    names : of the parts, for the warning; empty for folds, which are alike

    Raises
    ------
    SplitError
        If no way was found to have every class in every part.
    """
    groups, wanted = groups_of(manifest), np.asarray(shares)
    best = None
    if quick is not None:
        best = np.empty(len(groups.weight), int)
        best[groups.code] = quick
    if best is None or _off(groups, best, wanted).max() > TOLERANCE:
        found = _search(groups, wanted, seed)
        target = np.outer(wanted, np.ones(groups.weight.shape[1]))
        if best is None or (
            found is not None and _distance(groups, found, target) < _distance(groups, best, target) - _BETTER
        ):
            best = found
    if best is None:
        raise SplitError(
            "No way was found to have every class in every part: some groups hold several classes, or a class has too "
            "few groups for the shares that were asked for. Ask for fewer or other parts, or add recordings."
        )
    _say_what_is_off(groups, best, wanted, names)
    return best[groups.code]


def _has(groups: Groups, part: np.ndarray, count: int) -> np.ndarray:
    """What part of each class, and of all, each part has: shape (parts, classes + 1)."""
    return np.eye(count)[part].T @ groups.weight


def _off(groups: Groups, part: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """How far each class, and all items, are from the shares that were asked for, at most: shape (classes + 1,)."""
    return np.abs(_has(groups, part, wanted.size) - wanted[:, None]).max(0)


def _distance(groups: Groups, part: np.ndarray, target: np.ndarray) -> float:
    """The squared distance of what each part has from what it is to have, rounded so that every machine agrees."""
    return round(float(((_has(groups, part, len(target)) - target) ** 2).sum()), 9)


def _say_what_is_off(groups: Groups, part: np.ndarray, wanted: np.ndarray, names: list[str]) -> None:
    off, has = _off(groups, part, wanted)[:-1], _has(groups, part, wanted.size)
    worst = [c for c in np.argsort(-off, kind="stable") if off[c] > TOLERANCE]
    if not worst:
        return
    lines = []
    for c in worst[:_NAMED]:
        if names:
            got = ", ".join(f"{name} {share:.2f}" for name, share in zip(names, has[:, c], strict=True))
        else:
            got = f"{has[:, c].min():.2f} to {has[:, c].max():.2f} in a fold"
        held = groups.weight[:, c]
        lines.append(
            f"{groups.classes[c]!r} {got} ({int((held > 0).sum())} groups, the largest {held.max():.2f} of it)"
        )
    more = f"; and {len(worst) - _NAMED} more classes" if len(worst) > _NAMED else ""
    asked = ", ".join(f"{n} {w:.2f}" for n, w in zip(names, wanted, strict=False)) or f"{wanted[0]:.2f} in a fold"
    warnings.warn(
        f"Whole groups do not give the shares that were asked for, {asked}. Of the class's items: {'; '.join(lines)}"
        f"{more}. Add recordings of other groups, or ask for other shares.",
        stacklevel=4,
    )


# ---------------------------------------------------------------- the search


def _search(groups: Groups, wanted: np.ndarray, seed: int) -> np.ndarray | None:
    """The part of each group that leaves the least squared distance from the shares; None if a part lacks a class."""
    rng = np.random.default_rng(seed)
    scale = np.append(np.ones(len(groups.classes)), _ALL)
    groups, target = groups._replace(weight=groups.weight * scale), np.outer(wanted, scale)
    best, smallest = None, np.inf
    for _ in range(_STARTS):
        part = _improved(groups, _dealt(groups, target, rng), target, rng)
        if (_groups_in(groups, part, len(target)) == 0).any():
            continue
        distance = _distance(groups, part, target)
        if distance < smallest:
            best, smallest = part, distance
        if distance < _NEAR:
            break
    return best


def _groups_in(groups: Groups, part: np.ndarray, count: int) -> np.ndarray:
    """How many groups of each class each part has: shape (parts, classes)."""
    return np.eye(count)[part].T @ groups.holds


def _dealt(groups: Groups, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The groups, large ones first and equal ones in random order, each dealt to the part that lacks most of it."""
    largest = groups.weight.max(1)
    part = np.zeros(len(largest), int)
    lacks = target.copy()
    for g in np.lexsort((rng.random(len(largest)), -largest)):
        part[g] = np.argmax(np.round(lacks @ groups.weight[g], 9))
        lacks[part[g]] -= groups.weight[g]
    return part


def _improved(groups: Groups, part: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Groups moved and exchanged, the best step first, until no step brings the shares nearer."""
    part = part.copy()
    every = np.triu_indices(len(part), 1) if len(part) * (len(part) - 1) // 2 <= _PAIRS else None
    for _ in range(_STEPS):
        step, gain = _best_move(groups, part, target)
        if gain >= 0:
            pairs = every or tuple(rng.integers(len(part), size=(2, _PAIRS)))
            step, gain = _best_exchange(groups, part, target, *pairs)
        if gain >= 0:
            break
        for group, to in step:
            part[group] = to
    return part


def _best_move(groups: Groups, part: np.ndarray, target: np.ndarray) -> tuple[list[tuple[int, int]], float]:
    """The group and the part that it should move to, and by how much that changes the distance."""
    weight, holds, rows = groups.weight, groups.holds, np.arange(len(part))
    over = _has(groups, part, len(target)) - target
    inside = _groups_in(groups, part, len(target))
    change = 2 * weight @ over.T
    change += 2 * (weight**2).sum(1, keepdims=True) - change[rows, part][:, None]
    lost, won = (holds & (inside == 1)[part]).sum(1, keepdims=True), holds @ (inside == 0).T.astype(int)
    change = np.round(change + _lack(groups) * (lost - won), 9)
    change[rows, part] = 0
    group, to = np.unravel_index(np.argmin(change), change.shape)
    return [(int(group), int(to))], float(change[group, to])


def _best_exchange(
    groups: Groups, part: np.ndarray, target: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[list[tuple[int, int]], float]:
    """The pair of groups that should change places, and by how much that changes the distance."""
    apart = part[first] != part[second]
    first, second = first[apart], second[apart]
    if not len(first):
        return [], 0.0
    a, b = part[first], part[second]
    over = _has(groups, part, len(target)) - target
    inside = _groups_in(groups, part, len(target))
    moved = groups.weight[second] - groups.weight[first]
    change = 2 * (moved * (over[a] - over[b] + moved)).sum(1)
    mine, yours = groups.holds[first] & ~groups.holds[second], groups.holds[second] & ~groups.holds[first]
    lost = (mine & (inside[a] == 1)).sum(1) + (yours & (inside[b] == 1)).sum(1)
    won = (mine & (inside[b] == 0)).sum(1) + (yours & (inside[a] == 0)).sum(1)
    change = np.round(change + _lack(groups) * (lost - won), 9)
    i = int(np.argmin(change))
    return [(int(first[i]), int(b[i])), (int(second[i]), int(a[i]))], float(change[i])


def _lack(groups: Groups) -> float:
    """What a class that a part lacks counts: more than all distances together."""
    return 8.0 * groups.weight.shape[1]
