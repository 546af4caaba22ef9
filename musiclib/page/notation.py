"""Notes as an array, written as a score for simple rhythms: staves, voices, chords, ties and rests."""

from fractions import Fraction
from typing import NamedTuple

import music21 as m21
import numpy as np

from musiclib.page import beats

_MIDDLE_C = 60


class Written(NamedTuple):
    """A score made of notes, and what writing them did to them."""

    score: m21.stream.Score  # whose notes have the keys of `lit` as ids
    lit: dict[str, tuple[float, float]]  # id → s from and to which that notehead sounds
    says: str  # what putting the notes on the grid did, in a sentence or two


def write(notes: np.ndarray, bpm: float | None, meter: tuple[int, int]) -> Written:
    """Write notes on staves: one a part, or for a single part that needs both clefs two, split at middle C.

    Parameters
    ----------
    notes : structured array of dtype ``symbolic.NOTE``, not empty
    bpm : quarter notes a minute; None finds a tempo at which the notes begin on the grid
    meter : as in a time signature; the music begins with a whole measure
    """
    bpm = bpm or beats.tempo(notes["onset"])
    steps, start, end = beats.on_grid(notes, bpm)
    bar = steps * 4 * meter[0] // meter[1]
    key, score = _key(notes), m21.stream.Score()
    lit: dict[str, tuple[float, float]] = {}
    cut = 0
    for rows in _staves(notes):
        both = beats.voices(beats.events(notes["pitch"], start, end, rows))
        cut += sum(event.end < end[row] for voice in both for event in voice for _, row in event.notes)
        part = m21.stream.Part()
        for begin in range(0, int(end.max()), bar):
            written = [beats.measure(voice, begin, bar, steps) for voice in both]
            part.append(_measure([v for v in written if v], begin, bar, steps, key, notes, lit))
        beginning = (
            _clef(notes[rows]),
            m21.key.KeySignature(key.sharps),
            m21.meter.TimeSignature(f"{meter[0]}/{meter[1]}"),
        )
        for symbol in beginning:
            part[m21.stream.Measure].first().insert(0, symbol)
        part.makeBeams(inPlace=True)
        part[m21.stream.Measure].last().rightBarline = "final"
        score.insert(0, part)
    if len(score.parts) > len(np.unique(notes["part"])):
        score.insert(0, m21.layout.StaffGroup(list(score.parts), symbol="brace", barTogether=True))
    return Written(score, lit, _said(notes, bpm, steps, start, cut))


def _said(notes: np.ndarray, bpm: float, steps: int, start: np.ndarray, cut: int) -> str:
    moved = 1000 * np.max(np.abs(notes["onset"] - start / steps * 60 / bpm))
    where = "all notes begin" if moved < 1 else f"notes begin at most {moved:.0f} ms from"
    short = f" {cut} of them sound longer than they are written." if cut else ""
    return (
        f"Written on a grid of {beats.GRIDS[steps]} at {bpm:g} quarter notes a minute; {where} where they stand.{short}"
    )


def _staves(notes: np.ndarray) -> list[np.ndarray]:
    """The rows of the notes of each staff, from the top."""
    parts, pitch = np.unique(notes["part"]), notes["pitch"]
    if parts.size == 1 and pitch.min() < _MIDDLE_C - 5 and pitch.max() > _MIDDLE_C + 4:
        return [np.flatnonzero(pitch >= _MIDDLE_C), np.flatnonzero(pitch < _MIDDLE_C)]
    return [np.flatnonzero(notes["part"] == part) for part in parts]


def _clef(notes: np.ndarray) -> m21.clef.Clef:
    return m21.clef.TrebleClef() if notes["pitch"].mean() >= _MIDDLE_C else m21.clef.BassClef()


def _key(notes: np.ndarray) -> m21.key.Key:
    """The key that the notes' pitches fit best, which says how to spell them."""
    stream = m21.stream.Stream()
    for pitch, duration in zip(notes["pitch"].tolist(), notes["duration"].tolist(), strict=True):
        stream.append(m21.note.Note(pitch, quarterLength=duration))
    return stream.analyze("key")


def spelled(pitch: int, key: m21.key.Key) -> m21.pitch.Pitch:
    """A MIDI pitch named as in the key: of all its names the one among the twelve nearest on the line of fifths."""
    lowest = key.sharps - (4 if key.mode == "major" else 2)  # the flat sixth; in minor the flat second
    fifths = lowest + (7 * pitch - lowest) % 12
    alter = (fifths + 1) // 7
    name = "FCGDAEB"[(fifths + 1) % 7] + ("#" * alter if alter > 0 else "-" * -alter)
    return m21.pitch.Pitch(name, octave=(pitch - alter) // 12 - 1)


def _measure(
    voices: list[list[beats.Piece]],
    begin: int,
    bar: int,
    steps: int,
    key: m21.key.Key,
    notes: np.ndarray,
    lit: dict[str, tuple[float, float]],
) -> m21.stream.Measure:
    measure = m21.stream.Measure(number=begin // bar + 1)
    if not voices:
        whole = m21.note.Rest(quarterLength=Fraction(bar, steps))
        whole.fullMeasure = True
        measure.append(whole)
    for number, voice in enumerate(voices):
        target = m21.stream.Voice(id=str(number + 1)) if len(voices) > 1 else measure
        for piece in voice:
            element = _element(piece, steps, key, notes, lit)
            element.style.hideObjectOnPrint = piece.event is None and number > 0  # one voice's rests are enough
            target.insert(Fraction(piece.start - begin, steps), element)
        if target is not measure:
            measure.insert(0, target)
    return measure


def _element(
    piece: beats.Piece, steps: int, key: m21.key.Key, notes: np.ndarray, lit: dict[str, tuple[float, float]]
) -> m21.note.GeneralNote:
    length, event = Fraction(piece.end - piece.start, steps), piece.event
    if event is None:
        return m21.note.Rest(quarterLength=length)
    heads = []
    for pitch, row in event.notes:
        head = m21.note.Note(spelled(pitch, key), quarterLength=length)
        head.id = f"n{row}" if piece.start == event.start else f"n{row}.{piece.start}"
        sides = piece.start > event.start, piece.end < event.end
        if any(sides):
            head.tie = m21.tie.Tie({(False, True): "start", (True, True): "continue", (True, False): "stop"}[sides])
        onset, second = notes["onset"][row], notes["duration"][row] / (event.end - event.start)
        begin, end = (float(onset + second * (at - event.start)) for at in (piece.start, piece.end))
        lit[head.id] = begin, end
        heads.append(head)
    return heads[0] if len(heads) == 1 else m21.chord.Chord(heads, quarterLength=length)
