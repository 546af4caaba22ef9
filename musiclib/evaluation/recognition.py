"""Recognition: what a model answers, how often it is right, how sure of that we are, and where it is wrong.

Answers are arrays P of shape (N, classes), a row a segment, from several training runs (runs, N, classes). A table
says of each segment what it belongs to: id of the recording, label, group; the index of ``features.extract`` is one.
"""

from collections.abc import Mapping

import keras
import numpy as np
import pandas as pd

from musiclib import statistics, training
from musiclib.training.data import taken


def one_hot(labels: np.ndarray, classes: list[str]) -> np.ndarray:
    """A row an example, 1 in the column of its class: float32, shape (N, classes).

    Raises
    ------
    ValueError
        If a label is none of the classes.
    """
    return np.eye(len(classes), dtype=np.float32)[numbers_of(labels, classes)]


def numbers_of(labels: np.ndarray, classes: list[str]) -> np.ndarray:
    """Each label's place in ``classes``, shape (N,); ValueError if it has none."""
    place = {label: k for k, label in enumerate(classes)}
    unknown = sorted({str(label) for label in labels} - {str(c) for c in classes})
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no such class. There are {', '.join(map(str, classes))}.")
    return np.array([place[label] for label in labels], int)


def _runs(P: np.ndarray) -> np.ndarray:
    """Answers of one run or of several, as several: shape (runs, N, classes)."""
    return P if P.ndim == 3 else P[None]


def _right(P: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """In what share of the runs each answer is right, shape (N,)."""
    return (_runs(P).argmax(-1) == truth).mean(0)


def answers(model: keras.Model, X: np.ndarray, *, batch_size: int | None = None) -> np.ndarray:
    """What a model says of each example: float32, shape (N, outputs), or (N, ...) where it says more.

    Parameters
    ----------
    X : shape (N, ...), in memory or mapped from disk, read in batches; for several inputs a tuple or dict of arrays
    batch_size : None is 64, and 512 on a GPU

    Raises
    ------
    ValueError
        If there are no examples.

    Notes
    -----
    One batch after another through ``predict_on_batch``: ``predict`` in a loop leaks memory on TensorFlow. All batches
    have one shape, so that the model is compiled once.

    Taught in: 10_genre_cnn
    """
    batch_size = batch_size or (512 if training.gpus() else 64)
    count = len(keras.tree.flatten(X)[0])
    if not count:
        raise ValueError("X is empty: expected examples to answer.")
    said = []
    for first in range(0, count, batch_size):
        rows = np.arange(first, min(first + batch_size, count))
        filled = taken(X, np.resize(rows, batch_size))
        said.append(np.asarray(model.predict_on_batch(filled), np.float32)[: len(rows)])
    return np.concatenate(said)


def whole(P: np.ndarray, table: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """Answers for whole recordings: the mean over the segments of each, and the table's first row of each.

    Parameters
    ----------
    P : shape (..., segments, classes)
    table : with the column id, a row a segment

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    code, ids = pd.factorize(table["id"])
    sums = np.zeros((*P.shape[:-2], len(ids), P.shape[-1]), np.float64)
    np.add.at(np.moveaxis(sums, -2, 0), code, np.moveaxis(np.asarray(P, np.float64), -2, 0))
    means = sums / np.bincount(code)[:, None]
    return means.astype(np.float32), table.drop_duplicates("id").reset_index(drop=True)


def scores(P: np.ndarray, table: pd.DataFrame, classes: list[str], *, seed: int = 0) -> dict[str, statistics.Interval]:
    """Segment accuracy, recording accuracy, and the latter's mean over the classes, each with an interval over groups.

    Parameters
    ----------
    P : shape (segments, classes), or (runs, segments, classes), over which the scores are averaged
    table : with the columns id, label, group

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    found = {}
    for name, (answer, sheet) in {"segment": (P, table), "recording": whole(P, table)}.items():
        truth = numbers_of(sheet["label"], classes)
        right = _right(answer, truth)
        groups = sheet["group"].to_numpy()
        found[f"{name} accuracy"] = statistics.bootstrap_interval(right, groups, seed=seed)
    pairs = np.stack([truth, right], axis=1)
    found["balanced accuracy"] = statistics.bootstrap_interval(
        pairs, groups, _mean_over_classes, resamples=1000, seed=seed
    )
    return found


def _mean_over_classes(pairs: np.ndarray) -> float:
    """Mean of the classes' own accuracies, from rows (class, right): of those classes that a resample has."""
    truth = pairs[:, 0].astype(int)
    count = np.bincount(truth)
    return float((np.bincount(truth, weights=pairs[:, 1])[count > 0] / count[count > 0]).mean())


def compare(
    models: Mapping[str, np.ndarray], table: pd.DataFrame, classes: list[str], *, seed: int = 0
) -> pd.DataFrame:
    """:func:`scores` of several models on the same segments, a row a model and score: what ``page.results`` shows.

    Returns
    -------
    DataFrame with the columns model, score, value, low, high, groups
    """
    rows = [
        (name, score, *interval)
        for name, P in models.items()
        for score, interval in scores(P, table, classes, seed=seed).items()
    ]
    return pd.DataFrame(rows, columns=["model", "score", "value", "low", "high", "groups"])


def difference(
    A: np.ndarray, B: np.ndarray, table: pd.DataFrame, classes: list[str], *, seed: int = 0
) -> statistics.Interval:
    """How much more often A is right than B, on the same segments, with an interval over groups: a paired comparison.

    Parameters
    ----------
    A, B : as ``P`` for :func:`scores`; for whole recordings, and their table, use :func:`whole` first
    """
    truth = numbers_of(table["label"], classes)
    return statistics.bootstrap_interval(_right(A, truth) - _right(B, truth), table["group"].to_numpy(), seed=seed)


def confusion(P: np.ndarray, labels: np.ndarray, classes: list[str]) -> np.ndarray:
    """Of each class (row), the share that is named as each (column): shape (classes, classes).

    A row without examples is zero.
    """
    truth = numbers_of(labels, classes)
    counts = np.zeros((len(classes), len(classes)))
    for run in _runs(P):
        np.add.at(counts, (truth, run.argmax(-1)), 1)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def calibration(P: np.ndarray, labels: np.ndarray, classes: list[str], *, bins: int = 10) -> tuple[pd.DataFrame, float]:
    """How often a model is right where it says that it is sure, and the expected calibration error.

    Parameters
    ----------
    P : probabilities, shape (N, classes) or (runs, N, classes)
    bins : equal parts of the range of confidence, 0 to 1; the confidence is the largest probability

    Returns
    -------
    table : a row a bin that has examples: confidence (mean), accuracy, count
    error : mean of |accuracy − confidence| over the examples

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017, arXiv:1706.04599.

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    flat = P.reshape(-1, P.shape[-1])
    truth = np.tile(numbers_of(labels, classes), len(_runs(P)))
    sheet = pd.DataFrame({"confidence": flat.max(1).astype(float), "accuracy": (flat.argmax(1) == truth).astype(float)})
    number = np.minimum((sheet.confidence * bins).astype(int), bins - 1)
    table = sheet.groupby(number).mean().assign(count=number.value_counts()).reset_index(drop=True)
    error = (table["count"] * (table.accuracy - table.confidence).abs()).sum() / len(sheet)
    return table, float(error)


def worst(P: np.ndarray, table: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """The wrong answers, the surest first: the table's rows with ``said``, ``confidence`` and ``of_truth``.

    Parameters
    ----------
    P : shape (N, classes); of several runs, the mean
    table : with the column label, a row an answer
    """
    P = P if P.ndim == 2 else P.mean(0)
    truth = numbers_of(table["label"], classes)
    found = table.assign(said=np.array(classes)[P.argmax(1)], confidence=P.max(1), of_truth=P[np.arange(len(P)), truth])
    return found[P.argmax(1) != truth].sort_values("confidence", ascending=False)


def f1(truth: np.ndarray, said: np.ndarray, groups: np.ndarray, *, average: str = "micro", seed: int = 0):
    """F1 of sets of labels, with an interval over groups.

    F1 is the harmonic mean of precision and recall. ``"micro"`` counts all labels together; ``"macro"`` is the mean of
    the labels' own.

    Parameters
    ----------
    truth, said : True or 1 where an example has a label, shape (N, labels)
    groups : shape (N,)

    Returns
    -------
    statistics.Interval

    Raises
    ------
    ValueError
        If the shapes differ, or ``average`` is neither micro nor macro.

    Notes
    -----
    Taught in: 13_instrument_recognition
    """
    truth, said = np.asarray(truth, int), np.asarray(said, int)
    if truth.shape != said.shape or truth.ndim != 2:
        raise ValueError(f"truth {truth.shape} and said {said.shape}: expected (N, labels) for both.")
    if average not in ("micro", "macro"):
        raise ValueError(f"average={average!r}: expected micro or macro.")

    axis = None if average == "micro" else 0

    def statistic(both: np.ndarray) -> float:  # as scikit-learn's f1_score, which takes a hundred times as long
        hits = (both[:, 0] & both[:, 1]).sum(axis=axis)
        return float(np.mean(2 * hits / np.maximum(both.sum(axis=1).sum(axis=axis), 1)))

    both = np.stack([truth, said], axis=1)
    return statistics.bootstrap_interval(both, groups, statistic, resamples=500, seed=seed)
