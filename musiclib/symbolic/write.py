"""Notes to a MIDI file, each on the nearest tick."""

import io
from pathlib import Path

import mido
import numpy as np

from musiclib.files import write_whole
from musiclib.symbolic.instruments import INSTRUMENTS
from musiclib.symbolic.notes import ScoreError

_DIVISION = 960  # ticks of a quarter note: half a millisecond at 120 a minute
_CHANNELS = [channel for channel in range(16) if channel != 9]  # the tenth is for drums


def to_midi(
    notes: np.ndarray,
    *,
    bpm: float = 120.0,
    instruments: str | list[str] = "piano",
    meter: tuple[int, int] = (4, 4),
) -> bytes:
    """A MIDI file of type 1: a track for the tempo, and one for each part.

    Parameters
    ----------
    notes : of dtype ``NOTE``, times in seconds
    bpm : quarter notes a minute that the file is to count; the notes sound when they did, whatever it is
    instruments : one name of ``INSTRUMENTS`` for all parts, or a list of names, one a part
    meter : beats in a measure and note value of a beat, such as (6, 8)

    Returns
    -------
    bytes. :func:`read_midi` gives the same notes back, to the nearest of 960 ticks a quarter note. Notes of one part
    and pitch that overlap come back with the first to begin as the first to end.

    Raises
    ------
    ScoreError
        If there are no notes, one cannot be written, an instrument is unknown, or a part has none.
    """
    _check(notes, bpm)
    count = int(notes["part"].max()) + 1
    names = [instruments] * count if isinstance(instruments, str) else list(instruments)
    unknown = [name for name in names if name not in INSTRUMENTS]
    if unknown or len(names) < count:
        what = f"No instrument is called {unknown[0]!r}." if unknown else f"{count} parts and {len(names)} instruments."
        raise ScoreError(f"{what} Expected one for each part, of {', '.join(INSTRUMENTS)}.")
    tempo = mido.bpm2tempo(bpm)
    head = [
        mido.MetaMessage("set_tempo", tempo=tempo),
        mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1]),
    ]
    file = mido.MidiFile(type=1, ticks_per_beat=_DIVISION, tracks=[mido.MidiTrack(head)])
    for part in np.unique(notes["part"]):
        program = INSTRUMENTS[names[part]]
        file.tracks.append(_track(notes[notes["part"] == part], program, _CHANNELS[part % 15], tempo))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def write_midi(path: str | Path, notes: np.ndarray, **options) -> None:
    """Write the file that :func:`to_midi` makes, with its options; it appears whole or not at all."""
    content = to_midi(notes, **options)
    write_whole(Path(path), lambda part: Path(part).write_bytes(content))


def _check(notes: np.ndarray, bpm: float) -> None:
    if len(notes) == 0:
        raise ScoreError("There are no notes to write.")
    if not 4 <= bpm <= 1000:
        raise ScoreError(f"bpm={bpm}: expected 4 to 1000 quarter notes a minute.")
    for field, low, high in (("pitch", 0, 127), ("velocity", 1, 127), ("part", 0, np.inf)):
        outside = notes[field][(notes[field] < low) | (notes[field] > high)]
        if outside.size:
            raise ScoreError(f"A note has {field} {outside[0]}. Expected {low} to {high}.")
    if not (np.isfinite(notes["onset"]) & (notes["onset"] >= 0) & (notes["duration"] > 0)).all():
        raise ScoreError("A note begins before 0 s or does not last. Expected onset ≥ 0 and duration > 0.")


def _track(notes: np.ndarray, program: int, channel: int, tempo: int) -> mido.MidiTrack:
    per_second = 1e6 * _DIVISION / tempo
    start = np.rint(notes["onset"] * per_second).astype(int)
    end = np.maximum(np.rint((notes["onset"] + notes["duration"]) * per_second).astype(int), start + 1)
    events = [(t, 1, int(n["pitch"]), int(n["velocity"])) for t, n in zip(start.tolist(), notes, strict=True)]
    events += [(t, 0, int(n["pitch"]), 0) for t, n in zip(end.tolist(), notes, strict=True)]
    track, last = mido.MidiTrack([mido.Message("program_change", program=program, channel=channel)]), 0
    for tick, on, pitch, velocity in sorted(events):  # at one tick releases come before strokes
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, note=pitch, velocity=velocity, channel=channel, time=tick - last))
        last = tick
    return track
