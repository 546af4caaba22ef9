"""Evaluation: :mod:`~musiclib.evaluation.recognition` judges answers, :mod:`~musiclib.evaluation.generation` sounds."""

from musiclib.evaluation.generation import (
    frechet_distance,
    kernel_distance,
    nearest,
    real_to_real,
)
from musiclib.evaluation.recognition import (
    answers,
    calibration,
    classical,
    compare,
    confusion,
    difference,
    f1,
    most_frequent,
    one_hot,
    scores,
    svm,
    whole,
    worst,
)

__all__ = [
    "answers",
    "calibration",
    "classical",
    "compare",
    "confusion",
    "difference",
    "f1",
    "frechet_distance",
    "kernel_distance",
    "most_frequent",
    "nearest",
    "one_hot",
    "real_to_real",
    "scores",
    "svm",
    "whole",
    "worst",
]
