"""Notes put on a grid of beats: a tempo, the steps at which notes begin and end, two voices, and lengths that one note
or rest can be written for."""

from typing import Any, NamedTuple

import numpy as np

GRIDS = {4: "sixteenth notes", 12: "sixteenth notes and triplets"}  # steps in a quarter note
_NEAR = 0.01  # quarter notes: how near, on average, notes lie to a grid that they were made on
_PLAIN = (1, 2, 3, 4, 6, 8, 12, 16)  # sixteenths that one note can be written for, with a dot or without


class Event(NamedTuple):
    """Notes that begin and end together, in steps of the grid."""

    start: int
    end: int
    notes: tuple[tuple[int, int], ...]  # pitch and row, the lowest first


class Piece(NamedTuple):
    """What one note, chord or rest is written for, in steps of the grid; ``event`` is None for a rest."""

    start: int
    end: int
    event: Event | None


def tempo(onset: np.ndarray) -> float:
    """Whole quarter notes a minute at which notes begin on a grid of sixteenths, and most of them on a beat.

    Twice a tempo fits as well as the tempo: of those that fit, the one near 100 with most notes on beats is taken.

    Parameters
    ----------
    onset : s, shape (notes,)
    """
    onset, candidates = np.unique(onset), np.arange(50, 201)
    quarters = onset[None, :] * candidates[:, None] / 60
    off = np.mean(np.abs(quarters - np.round(quarters * 4) / 4), axis=1)
    between = np.mean(np.abs(quarters - np.round(quarters)) > 0.1, axis=1)
    cost = between + np.abs(np.log(candidates / 100)) + 100 * np.maximum(off - off.min() - 1e-3, 0)
    return float(candidates[np.argmin(cost)])


def on_grid(notes: np.ndarray, bpm: float) -> tuple[int, np.ndarray, np.ndarray]:
    """Steps in a quarter note, and the step at which each note begins and ends: sixteenths, or where only they fit,
    triplets too; every note lasts a step or more."""
    onset = notes["onset"] * bpm / 60
    off: dict[int, Any] = {steps: np.mean(np.abs(onset - np.round(onset * steps) / steps)) for steps in GRIDS}
    steps = (
        12 if off[12] < min(_NEAR, off[4] / 5) else 4
    )  # chance alone comes three times as near to three times the steps
    start = np.round(onset * steps).astype(int)
    end = np.round((notes["onset"] + notes["duration"]) * bpm / 60 * steps).astype(int)
    return steps, start, np.maximum(end, start + 1)


def events(pitch: np.ndarray, start: np.ndarray, end: np.ndarray, rows: np.ndarray) -> list[Event]:
    """The notes of these rows that begin and end together, in order, the highest first; a pitch that begins again
    has ended."""
    longest: dict[tuple[int, int], int] = {}  # (pitch, start) → the row that is written, where several are the same
    for row in rows[np.lexsort((end[rows], start[rows]))]:
        longest[int(pitch[row]), int(start[row])] = int(row)
    together: dict[tuple[int, int], list[tuple[int, int]]] = {}
    following: dict[int, int] = {}  # pitch → where it begins next
    for (height, begin), row in sorted(longest.items(), key=lambda item: -item[0][1]):
        stop = min(int(end[row]), following.get(height, int(end[row])))
        following[height] = begin
        together.setdefault((begin, stop), []).append((height, row))
    found = [Event(*span, tuple(sorted(chord))) for span, chord in together.items()]
    return sorted(found, key=lambda event: (event.start, -event.notes[-1][0]))


def voices(found: list[Event]) -> tuple[list[Event], list[Event]]:
    """An upper and a lower voice. What would need a third ends one of them early, or joins it."""
    upper: list[Event] = []
    lower: list[Event] = []
    pair: tuple[list[Event], list[Event]] = ([], [])
    reach = 0
    for event in found:
        if event.start >= reach:  # nothing goes on from before: a new stretch, of one voice or two
            _lay(pair, upper, lower)
            pair = ([], [])
        reach = max(reach, event.end)
        _add(event, pair)
    _lay(pair, upper, lower)
    return upper, lower


def _add(event: Event, pair: tuple[list[Event], list[Event]]) -> None:
    voice = next((v for v in pair if not v or v[-1].end <= event.start), None)
    if voice is None:
        voice = min(pair, key=lambda v: v[-1].end)
        before = voice.pop()
        if before.start == event.start:
            event = Event(event.start, before.end, tuple(sorted(before.notes + event.notes)))
        else:
            voice.append(before._replace(end=event.start))
    voice.append(event)


def _lay(pair: tuple[list[Event], list[Event]], upper: list[Event], lower: list[Event]) -> None:
    high, low = sorted(pair, key=_height, reverse=True)
    upper += high
    lower += low


def _height(voice: list[Event]) -> float:
    pitches = [pitch for event in voice for pitch, _ in event.notes]
    return float(np.mean(pitches)) if pitches else -1.0


def measure(voice: list[Event], begin: int, bar: int, steps: int) -> list[Piece]:
    """One measure of a voice, from its first step to its last; empty where the voice is silent."""
    inside = [event for event in voice if event.start < begin + bar and event.end > begin]
    pieces, at = [], begin
    for event in inside:
        first, last = max(event.start, begin), min(event.end, begin + bar)
        pieces += _pieces(at, first, begin, steps, None) + _pieces(first, last, begin, steps, event)
        at = last
    return pieces + _pieces(at, begin + bar, begin, steps, None) if inside else []


def _pieces(start: int, end: int, begin: int, steps: int, event: Event | None) -> list[Piece]:
    pieces = []
    while start < end:
        length = _written(start - begin, end - start, steps)
        pieces.append(Piece(start, start + length, event))
        start += length
    return pieces


def _written(at: int, length: int, steps: int) -> int:
    """How many of ``length`` steps one note takes that begins ``at`` steps into a measure."""
    plain = [sixteenths * steps // 4 for sixteenths in _PLAIN]
    into = at % steps
    if into == 0 and length >= steps:
        return max(p for p in plain if p <= length)
    if length in plain and into % (steps // 2) == 0:  # a syncopation that one reads at a glance
        return length
    within = min(length, steps - into)
    thirds = [steps // 3, 2 * steps // 3] if steps % 3 == 0 and (into % 4 == 0) else []
    if (within in plain and into % (steps // 4) == 0) or within in thirds:
        return within
    return max(p for p in (8, 4, 2, 1) if p <= within)
