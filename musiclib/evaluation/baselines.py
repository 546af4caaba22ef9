"""Baselines: what stands beside every network, one that does not listen and a classical one that does."""

import numpy as np
from scipy.special import softmax
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from musiclib.evaluation.recognition import numbers_of, one_hot


def most_frequent(labels: np.ndarray, classes: list[str], count: int) -> np.ndarray:
    """The trivial baseline: ``count`` times the classes' shares in ``labels``, shape (count, classes)."""
    return np.tile(one_hot(labels, classes).mean(0), (count, 1))


def svm(C: float = 10.0) -> Pipeline:
    """The classical baseline, for ``features.statistics``: columns to mean 0 and deviation 1, then an SVM."""
    return make_pipeline(StandardScaler(), SVC(C=C, class_weight="balanced", decision_function_shape="ovr"))


def classical(X: np.ndarray, labels: np.ndarray, X_test: np.ndarray, classes: list[str], *, C: float = 10.0):
    """The answers of :func:`svm`, float32, shape (N, classes): a softmax of its margins, which is no probability.

    Parameters
    ----------
    X, X_test : statistics of the sides to learn from and to test, shapes (examples, numbers)
    """
    model = svm(C).fit(X, labels)
    margins = model.decision_function(X_test)
    if margins.ndim == 1:
        margins = np.stack([-margins, margins], axis=1)
    P = np.zeros((len(X_test), len(classes)), np.float32)
    P[:, numbers_of(model.classes_, classes)] = softmax(margins, axis=1)
    return P
