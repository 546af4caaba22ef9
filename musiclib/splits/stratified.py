"""Groups dealt by scikit-learn: quick and even where every class has many groups and none is large."""

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

_ATTEMPTS = 20  # orders of the groups that are tried
_NEAR = 0.02  # a side whose class shares are this near to the whole's is good enough
_FINEST = 20  # parts that a set is cut into to make a fraction of it


def part_of(manifest: pd.DataFrame, share: float, seed: int, leave: int = 1) -> np.ndarray | None:
    """Which rows are in about ``share`` of the items, as whole groups; ``leave`` groups of each class stay behind.

    None if no order of the groups has every class in both parts.
    """
    fewest = int(manifest.groupby("label", observed=True)["group"].nunique().min())
    if fewest <= leave:
        return None
    possible = min(max(share, 1 / fewest), (fewest - leave) / fewest)
    fraction = Fraction(possible).limit_denominator(min(_FINEST, fewest))
    number = folds(manifest, fraction.denominator, seed, fraction.numerator, leave)
    return None if number is None else number < fraction.numerator


def folds(manifest: pd.DataFrame, count: int, seed: int, taken: int | None = None, leave: int = 1) -> np.ndarray | None:
    """A fold number for each row, from the order of groups that leaves the parts most alike; None if there is none.

    The parts are the folds, or the first ``taken`` of them against the rest.
    """
    order = np.argsort([str(id) for id in manifest.index], kind="stable")
    label, _ = pd.factorize(manifest["label"].to_numpy()[order], sort=True)
    group, _ = pd.factorize(manifest["group"].to_numpy()[order])
    sizes = np.full(count, 1 / count) if taken is None else np.array([taken, count - taken]) / count
    fewest = np.ones(sizes.size) if taken is None else np.array([1, leave])
    best, smallest = None, np.inf
    rng = np.random.default_rng(seed)
    for _ in range(_ATTEMPTS):
        # The splitter's own shuffling differs between versions and loses the classes' shares in 1.6: shuffle here.
        shuffled = rng.permutation(group.max() + 1)[group]
        number = np.empty(label.size, int)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of classes with few items; what matters is checked here
            for k, (_, test) in enumerate(StratifiedGroupKFold(count).split(label, label, shuffled)):
                number[test] = k
        off = _unlikeness(label, group, number if taken is None else (number >= taken).astype(int), sizes, fewest)
        if off < smallest:
            best, smallest = number, off
        if smallest < _NEAR:
            break
    if best is None:
        return None
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
