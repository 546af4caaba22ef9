"""Scores as arrays, read by music21: their notes as sounded, and where their measures begin."""

from difflib import get_close_matches
from pathlib import Path

import music21 as m21
import numpy as np

from musiclib.symbolic import midi
from musiclib.symbolic.notes import NOTE, ScoreError

MEASURE = np.dtype(
    [
        ("onset", "f8"),  # quarter notes since the beginning; below 0 for the missing part of an upbeat
        ("length", "f8"),  # quarter notes: 4 in 4/4, 3 in 6/8
        ("beat", "f8"),  # quarter notes: 1 in 4/4, 1.5 in 6/8
    ]
)


def read_score(name: str | Path) -> m21.stream.Score:
    """Parse a score: a file of your own (MusicXML, MIDI, ABC, Humdrum), or one of those that music21 carries.

    Parameters
    ----------
    name : a path, or a corpus name such as ``"bach/bwv66.6"`` or ``"joplin/maple_leaf_rag"``

    Warns
    -----
    UserWarning
        If it is a MIDI file whose notes the score does not have where they were played: music21 moves notes to the
        nearest quarter or third of a beat and forgets velocities. :func:`read_midi` reads them as played.

    Raises
    ------
    FileNotFoundError
        If it is neither; the message lists the corpus names nearest to it.
    ScoreError
        If music21 cannot read it.
    """
    path = Path(name)
    try:
        # From the source each time: music21 would otherwise load pickles from a shared temporary folder.
        if path.is_file():
            score = _as_score(m21.converter.parse(path, forceSource=True))
            if midi.is_midi(path):
                midi.warn_if_moved(path, lambda: notes(score))
            return score
        return _as_score(m21.corpus.parse(str(name), forceSource=True))
    except m21.exceptions21.CorpusException:
        known = sorted(_corpus_name(p) for p in m21.corpus.getCorePaths())
        near = ", ".join(get_close_matches(str(name), known, n=3, cutoff=0.4)) or "bach/bwv66.6, joplin/maple_leaf_rag"
        raise FileNotFoundError(
            f"No score called {str(name)!r}: neither a file nor in music21's corpus. Near to it: {near}."
        ) from None
    except Exception as error:  # each of music21's readers raises its own kind
        raise ScoreError(f"{name} cannot be read as a score ({type(error).__name__}: {error}).") from error


def _as_score(stream: m21.stream.Stream) -> m21.stream.Score:
    return stream.scores[0] if isinstance(stream, m21.stream.Opus) else stream


def _corpus_name(path: Path) -> str:
    parts = Path(path).with_suffix("").parts
    return "/".join(parts[parts.index("corpus") + 1 :])


def notes(score: m21.stream.Score, *, bpm: float | None = None, velocity: int = 80) -> np.ndarray:
    """The notes of a score as sounded: ties joined, chords opened, transposing parts at sounding pitch.

    Parameters
    ----------
    score : from :func:`read_score`
    bpm : quarter notes a minute; None follows the score's own metronome marks, or 100 where it has none
    velocity : MIDI velocity of every note (a score does not say)

    Returns
    -------
    structured array of dtype ``NOTE``, shape (notes,), sorted by onset, then pitch; times in seconds.
    Grace notes, which have no duration of their own, are left out. Repeats are played once.

    Raises
    ------
    ScoreError
        If the score has no notes, or ``bpm`` is not a positive number.
    """
    sounding = score.toSoundingPitch() if _is_transposed(score) else score
    seconds_at = _clock(sounding, bpm)
    rows = []
    for part_index, part in enumerate(sounding.parts or [sounding]):
        for start, end, pitch in _tied(part):
            onset = seconds_at(start)
            rows.append((onset, seconds_at(end) - onset, pitch, velocity, part_index))
    if not rows:
        raise ScoreError("The score has no notes. Choose another one.")
    table = np.array(rows, dtype=NOTE)
    return table[np.lexsort((table["part"], table["pitch"], table["onset"]))]


def _is_transposed(score: m21.stream.Score) -> bool:
    """Whether any part is written at another pitch than it sounds; if none is, a copy of the score is saved."""
    instruments = score.recurse().getElementsByClass(m21.instrument.Instrument)
    return any(i.transposition for i in instruments) or any(score.recurse().getElementsByClass(m21.spanner.Ottava))


def _tied(part: m21.stream.Stream) -> list[tuple[float, float, int]]:
    """(onset, end, MIDI pitch) in quarter notes of each sounding note of a part.

    music21's own ``stripTies`` takes time that grows with the square of the length: ten seconds for a long movement.
    """
    found, held = [], {}  # held: pitch → place in `found` of a note whose tie goes on
    for element in part.flatten().notes:
        length = element.duration.quarterLength
        if length == 0 or isinstance(element, m21.harmony.Harmony):
            continue
        start, end = float(element.offset), float(element.offset + length)
        for note in element.notes if isinstance(element, m21.chord.Chord) else [element]:
            for pitch in note.pitches:
                tie = note.tie or element.tie
                # Some encodings mark where a tie begins and not where it ends, so the end's own mark is not asked for.
                before = held.pop(pitch.midi, None)
                if before is not None and abs(found[before][1] - start) < 1e-4:
                    found[before] = (found[before][0], end, pitch.midi)
                else:
                    before = len(found)
                    found.append((start, end, pitch.midi))
                if tie is not None and tie.type in ("start", "continue"):
                    held[pitch.midi] = before
    return found


def measures(score: m21.stream.Score) -> np.ndarray:
    """Where the measures of a score begin, which is where its accents fall.

    Returns
    -------
    structured array of dtype ``MEASURE``, shape (measures,), sorted; times in quarter notes.
    An upbeat is a measure that began before the music did. A score without bar lines has one measure of 4/4.
    """
    staff = score.parts[0] if score.parts else score
    meter, rows = m21.meter.TimeSignature("4/4"), []
    for measure in staff.getElementsByClass(m21.stream.Measure):
        meter = measure.timeSignature or meter
        length = float(meter.barDuration.quarterLength)
        # Where a score does not say that its first measure is an upbeat, its short length does.
        lacks = float(measure.paddingLeft) or (0.0 if rows else length - float(measure.duration.quarterLength))
        rows.append((float(measure.offset) - max(lacks, 0.0), length, _beat(meter)))
    table = np.array(rows or [(0.0, 4.0, 1.0)], dtype=MEASURE)
    return table[np.argsort(table["onset"], kind="stable")]


def _beat(meter: m21.meter.TimeSignature) -> float:
    """Length of a beat in quarter notes: the denominator's, or three of it in 6/8, 9/8 and 12/8."""
    unit = 4.0 / meter.denominator
    compound = meter.denominator >= 8 and meter.numerator % 3 == 0 and meter.numerator > 3
    return 3 * unit if compound else unit


def _clock(score: m21.stream.Score, bpm: float | None):
    """A function from quarter notes since the beginning to seconds."""
    if bpm is not None:
        if not 0 < bpm < float("inf"):
            raise ScoreError(f"bpm={bpm}: expected a positive number of quarter notes a minute.")
        return lambda quarters: quarters * 60.0 / bpm
    boundaries = [
        (a, 60.0 / mark.getQuarterBPM()) for a, _, mark in score.metronomeMarkBoundaries() if mark.getQuarterBPM()
    ]
    if not any(list(score.recurse().getElementsByClass(m21.tempo.MetronomeMark))) or not boundaries:
        boundaries = [(0.0, 60.0 / 100)]
    starts = np.array([float(a) for a, _ in boundaries])
    per_quarter = np.array([s for _, s in boundaries])
    elapsed = np.concatenate([[0.0], np.cumsum(np.diff(starts) * per_quarter[:-1])])

    def seconds_at(quarters: float) -> float:
        i = max(int(np.searchsorted(starts, quarters, side="right")) - 1, 0)
        return float(elapsed[i] + (quarters - starts[i]) * per_quarter[i])

    return seconds_at
