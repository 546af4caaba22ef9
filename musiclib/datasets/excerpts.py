"""Excerpts of pieces and how each is performed: all that decides their sound, and nothing else.

What is kept of a performance is found by this file's text among others: another line here, and all are made again.
"""

import math
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from musiclib import perform
from musiclib.datasets import scores
from musiclib.symbolic import ScoreError

SR = 22_050  # Hz


class Excerpt(NamedTuple):
    """What is performed: so many seconds of a piece from some place on, by these players."""

    id: str
    label: str
    piece: scores.Piece
    instruments: str  # one name for all parts, or several with commas, dealt to the parts from the top
    seed: int  # of the performance
    seconds: float
    place: float = 0.0  # where in the piece it begins: 0 its beginning, 1 as late as its length lets it
    again: bool = False  # a piece that is too short is played again, as dancers want; else it is left out
    center: int | None = None  # MIDI pitch that the excerpt is transposed to lie about


def cut(score: scores.Notes, excerpt: Excerpt, onsets: int) -> np.ndarray:
    """So many onsets of a piece from the barline nearest to the excerpt's place, transposed as it asks.

    Raises
    ------
    ScoreError
        If the piece is too short and is not to be played again.
    """
    notes = score.notes
    moments = np.unique(np.round(notes["onset"], 4))
    if len(moments) < onsets and excerpt.again:
        notes = _again(score, math.ceil(onsets / len(moments)))
        moments = np.unique(np.round(notes["onset"], 4))
    if len(moments) < onsets:
        raise ScoreError(f"{excerpt.piece.name} has {len(moments)} onsets; {onsets} are needed to fill the time.")
    latest = moments[len(moments) - onsets]
    barlines = score.measures["onset"]
    before = barlines[barlines <= excerpt.place * latest + 1e-6]
    start = before[-1] if len(before) else 0.0
    first = int(np.searchsorted(moments, start - 1e-3))
    inside = (notes["onset"] >= moments[first] - 1e-3) & (notes["onset"] <= moments[first + onsets - 1] + 1e-3)
    chosen = notes[inside].copy()
    if excerpt.center is not None:
        chosen["pitch"] += round(excerpt.center - float(np.median(chosen["pitch"])))
    return chosen


def _again(score: scores.Notes, times: int) -> np.ndarray:
    # From its first measure's line to its last, so that an upbeat comes where the last measure leaves room for it.
    last = score.measures[-1]
    length = max(
        float(last["onset"] + last["length"] - score.measures["onset"][0]),
        float(np.max(score.notes["onset"] + score.notes["duration"])),
    )
    turns = []
    for turn in range(times):
        turns.append(score.notes.copy())
        turns[-1]["onset"] += turn * length
    return np.concatenate(turns)


@singledispatch
def sound(excerpt: Excerpt, score: scores.Notes) -> np.ndarray:
    """The performance of an excerpt: float32 array, shape (round(seconds · SR),), at ``SR`` Hz.

    What is no :class:`Excerpt`, but has its fields to begin with, is performed by the function registered for it.
    """
    if len(score.notes) == 1:
        return _single_note(excerpt, score.notes)
    rate = perform.draw(excerpt.seed).rate
    # A little more than fills the time, for the tempo wanders.
    notes = cut(score, excerpt, math.ceil(rate * excerpt.seconds * 1.15) + 3)
    names = excerpt.instruments.split(", ")
    players = [names[part % len(names)] for part in range(int(notes["part"].max()) + 1)]
    players = players[0] if len(names) == 1 else players
    return perform.perform(notes, score.measures, players, seed=excerpt.seed, sr=SR, seconds=excerpt.seconds)


def _single_note(excerpt: Excerpt, note: np.ndarray) -> np.ndarray:
    """One note, short or held, loud or soft, in an excerpt's manner; the rest of its time is the room's."""
    manner = perform.draw(excerpt.seed)
    rng = np.random.default_rng((excerpt.seed, 4))
    played = note.copy()
    played["duration"] = rng.uniform(0.2, 0.9) * excerpt.seconds
    played["velocity"] = round(manner.touch + rng.uniform(-1, 2) * manner.accent)
    samples = round(excerpt.seconds * SR)
    y = perform.sound(played, manner, excerpt.instruments, sr=SR)[:samples]
    return perform.record(np.pad(y, (0, samples - len(y))), SR, manner)
