"""What a page with a score draws and plays, made of notes or of a score."""

import copy
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, TypeGuard

import music21 as m21
import numpy as np

from musiclib import render, symbolic
from musiclib.page import beats, notation, piano_roll

MOST_NOTES = 2000


class Music(NamedTuple):
    """What is drawn and played."""

    notes: np.ndarray
    score: m21.stream.Score  # whose notes have the keys of `lit` as ids; empty where no staff is drawn
    lit: dict[str, tuple[float, float]]  # id → s from and to which that notehead sounds
    bars: list[float]  # s, where measures begin
    bpm: float  # where it begins
    meter: tuple[int, int]  # where it begins
    parts: list[str]  # their names, from the top; empty where they have none
    letters: list[str]  # what the twelve pitch classes are called here, from C
    says: str  # how the notes became a score, or the score sound


def is_notes(music: object) -> TypeGuard[np.ndarray]:
    """Whether it is notes; False for a score. Raises TypeError for anything else."""
    if isinstance(music, np.ndarray) and music.dtype == symbolic.NOTE:
        return True
    if isinstance(music, m21.stream.Score):
        return False
    got = f"an array of dtype {music.dtype}" if isinstance(music, np.ndarray) else f"a {type(music).__name__}"
    raise TypeError(
        f"page.score got {got}: expected notes of dtype symbolic.NOTE, or a score from symbolic.read_score."
    )


def _check_notes(notes: np.ndarray) -> None:
    if len(notes) == 0:
        raise ValueError("There are no notes to draw and to play.")
    if len(notes) > MOST_NOTES:
        raise ValueError(
            f"page.score would draw {len(notes)} notes, more than {MOST_NOTES}. Choose fewer with seconds=."
        )
    if not np.isfinite(notes["onset"] + notes["duration"]).all():
        raise ValueError("A note's onset or duration is NaN or infinite: expected seconds.")
    render.check_playable(notes)


def from_notes(
    notes: np.ndarray, bpm: float | None, meter: tuple[int, int], seconds: float | None, staff: bool
) -> Music:
    """Notes as they are, and written on a grid of beats if a staff is drawn."""
    if seconds is not None and len(notes):
        notes = symbolic.excerpt(notes, 0, seconds)
    _check_notes(notes)
    bpm = bpm or beats.tempo(notes["onset"])
    bar = meter[0] * 4 / meter[1] * 60 / bpm
    bars = np.arange(0, np.max(notes["onset"] + notes["duration"]), bar).tolist()
    written = notation.write(notes, bpm, meter) if staff else notation.Written(m21.stream.Score(), {}, "")
    return Music(notes, written.score, written.lit, bars, bpm, meter, [], _letters(written.score), written.says)


def from_score(music: m21.stream.Score, bpm: float | None, seconds: float | None) -> Music:
    """A score as it is written, and its notes as they sound."""
    if not music[m21.stream.Measure]:
        music = music.makeNotation()
    notes, quarters = symbolic.notes(music, bpm=bpm), symbolic.notes(music, bpm=60)  # at 60 a quarter note is a second
    written, sounding = (
        np.sort(np.concatenate([[0], t["onset"], t["onset"] + t["duration"]])) for t in (quarters, notes)
    )
    starts = symbolic.measures(music)["onset"]
    bars = np.interp(starts, written, sounding)
    cut = np.flatnonzero(bars >= (seconds or np.inf))
    if cut.size:
        music, stop = music.measures(0, int(cut[0]), indicesNotNumbers=True), bars[cut[0]]
        notes, bars, starts = symbolic.excerpt(notes, 0, stop), bars[: cut[0]], starts[: cut[0]]
    _check_notes(notes)
    drawn, lit = _named(music, lambda offset: float(np.interp(offset, written, sounding)))
    step = np.flatnonzero(np.diff(written) > 0)[0]
    pace = 60 * float(np.diff(written)[step] / np.diff(sounding)[step])
    lines = [bar for measure in drawn[m21.stream.Measure] for bar in (measure.leftBarline, measure.rightBarline)]
    repeats = " Repeats are played once." if any(isinstance(bar, m21.bar.Repeat) for bar in lines) else ""
    signature = next(iter(drawn.recurse().getElementsByClass(m21.meter.TimeSignature)), m21.meter.TimeSignature("4/4"))
    names = [part.partName or "" for part in drawn.parts]
    return Music(
        notes,
        drawn,
        lit,
        bars[starts >= 0].tolist(),
        pace,
        (signature.numerator, signature.denominator),
        names if all(names) and len(names) > 1 else [],
        _letters(drawn),
        f"Played at {pace:.0f} quarter notes a minute.{repeats}",
    )


def _named(
    music: m21.stream.Score, clock: Callable[[float], float]
) -> tuple[m21.stream.Score, dict[str, tuple[float, float]]]:
    """A copy of a score whose notes have ids, and when each of them sounds."""
    drawn, lit = copy.deepcopy(music), {}
    for number, element in enumerate(drawn.recurse().notes):
        if isinstance(element, m21.harmony.Harmony):
            continue
        start = float(element.getOffsetInHierarchy(drawn))
        span = clock(start), clock(start + float(element.duration.quarterLength))
        for k, note in enumerate(element.notes if isinstance(element, m21.chord.ChordBase) else [element]):
            note.id = f"n{number}.{k}"
            lit[note.id] = span
    for part in list(drawn.parts)[1:]:
        for mark in list(part.recurse().getElementsByClass(m21.tempo.TempoIndication)):
            mark.activeSite.remove(mark)  # a tempo stands once, above the top staff
    return drawn, lit


def _letters(score: m21.stream.Score) -> list[str]:
    """What each pitch class is called most often in a score."""
    letters = list(piano_roll.NAMES)
    # Without B♯ and C♭, whose octave has another number than that of the key that sounds them.
    found = Counter((p.pitchClass, p.unicodeName) for p in score.pitches if p.octave == p.midi // 12 - 1)
    for (pitch_class, name), _ in reversed(found.most_common()):
        letters[pitch_class] = name
    return letters
