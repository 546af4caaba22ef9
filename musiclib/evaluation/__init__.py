"""Evaluation: :mod:`~musiclib.evaluation.recognition` judges answers, :mod:`~musiclib.evaluation.generation` sounds,
:mod:`~musiclib.evaluation.prediction` what a model expects next; :mod:`~musiclib.evaluation.baselines` stand beside.
"""

from musiclib.evaluation.baselines import classical, most_frequent, svm
from musiclib.evaluation.generation import (
    frechet_distance,
    kernel_distance,
    nearest,
    real_to_real,
)
from musiclib.evaluation.prediction import frame_nll
from musiclib.evaluation.recognition import (
    answers,
    calibration,
    compare,
    confusion,
    difference,
    f1,
    one_hot,
    scores,
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
    "frame_nll",
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
