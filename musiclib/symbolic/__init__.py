"""Music as symbols: notes as arrays, and the scores and performances that they are read from."""

from musiclib.symbolic.instruments import INSTRUMENTS
from musiclib.symbolic.midi import PEDAL, Performance, Player, read_midi
from musiclib.symbolic.notes import NOTE, ScoreError, excerpt, frequency, transpose
from musiclib.symbolic.scores import MEASURE, measures, notes, read_score
from musiclib.symbolic.tempo import TempoMap

__all__ = [
    "INSTRUMENTS",
    "MEASURE",
    "NOTE",
    "PEDAL",
    "Performance",
    "Player",
    "ScoreError",
    "TempoMap",
    "excerpt",
    "frequency",
    "measures",
    "notes",
    "read_midi",
    "read_score",
    "transpose",
]
