"""Music as symbols: notes as arrays, and the scores and performances that they are read from."""

from musiclib.symbolic.instruments import INSTRUMENTS
from musiclib.symbolic.midi import PEDAL, Performance, Player, read_midi
from musiclib.symbolic.notes import NOTE, ScoreError, excerpt, frequency, transpose
from musiclib.symbolic.rolls import from_roll, to_roll
from musiclib.symbolic.scores import MEASURE, measures, notes, read_score
from musiclib.symbolic.tempo import TempoMap
from musiclib.symbolic.tokens import EventVocabulary, decode_events, encode_events
from musiclib.symbolic.write import to_midi, write_midi

__all__ = [
    "INSTRUMENTS",
    "MEASURE",
    "NOTE",
    "PEDAL",
    "EventVocabulary",
    "Performance",
    "Player",
    "ScoreError",
    "TempoMap",
    "decode_events",
    "encode_events",
    "excerpt",
    "frequency",
    "from_roll",
    "measures",
    "notes",
    "read_midi",
    "read_score",
    "to_midi",
    "to_roll",
    "transpose",
    "write_midi",
]
