"""Music as symbols: notes as arrays, and the scores that they are read from."""

from musiclib.symbolic.notes import NOTE, ScoreError, excerpt, frequency, transpose
from musiclib.symbolic.scores import MEASURE, measures, notes, read_score

__all__ = [
    "MEASURE",
    "NOTE",
    "ScoreError",
    "excerpt",
    "frequency",
    "measures",
    "notes",
    "read_score",
    "transpose",
]
