"""Notes to sound: a General MIDI soundfont of recorded instruments, played by a sampler, the same bytes every time."""

import io
from functools import cache
from pathlib import Path

import midirenderer
import numpy as np
import pretty_midi
import scipy.signal
import soundfile as sf

from musiclib import audio, symbolic
from musiclib.symbolic import INSTRUMENTS

_NATIVE_RATE = 48_000  # what midirenderer writes
_LOWEST = 15.0  # Hz; the lowest key of a piano sounds at 27.5 Hz
_REVERB, _CHORUS, _VOLUME, _EXPRESSION, _PAN = 91, 93, 7, 11, 10


def soundfont() -> Path:
    """Path of TimGM6mb.sf2, the soundfont of recorded instruments that the package pretty_midi carries."""
    return Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")


@cache
def _soundfont_bytes() -> bytes:
    return soundfont().read_bytes()


def render(
    notes: np.ndarray,
    instruments: str | list[str] = "piano",
    *,
    sr: int = 44_100,
    reverb: float = 0.3,
    tail: float = 1.0,
) -> np.ndarray:
    """Play notes on sampled instruments.

    Parameters
    ----------
    notes : structured array of dtype ``symbolic.NOTE``
    instruments : one name for all parts, or a list of names, one a part; see ``symbolic.INSTRUMENTS``
    sr : sampling rate in Hz
    reverb : how much of the sampler's room, from 0 (none) to 1
    tail : seconds after the last note, for its release and the room

    Returns
    -------
    float32 array, shape (round((end of last note + tail) · sr),), mono, peak-normalized to -1 dB.
    Equal notes give equal bytes.

    Raises
    ------
    ValueError
        If an instrument is unknown, a part has none, ``reverb`` lies outside [0, 1], there are no notes, a pitch,
        velocity or duration cannot be played, or more than 15 parts are to have instruments of their own.
    """
    check_playable(notes)
    if not 0 <= reverb <= 1:
        raise ValueError(f"reverb={reverb}: expected a number from 0 (none) to 1.")
    part_count = int(notes["part"].max()) + 1
    names = [instruments] * part_count if isinstance(instruments, str) else list(instruments)
    if len(names) < part_count:
        raise ValueError(f"The notes have {part_count} parts, and {len(names)} instruments were named: {names}.")
    if part_count > 15 and len(set(names[:part_count])) > 1:
        raise ValueError(f"The notes have {part_count} parts; MIDI plays at most 15 with instruments of their own.")
    end = float(np.max(notes["onset"] + notes["duration"])) + tail
    midi = _midi(notes, names, reverb, end)
    stereo, native = sf.read(io.BytesIO(midirenderer.render_wave_from(_soundfont_bytes(), midi)), dtype="float32")
    y = audio.resample(audio.to_mono(stereo.T), native, sr)
    y = np.pad(y, (0, max(0, round(end * sr) - len(y))))[: round(end * sr)]
    return audio.peak_normalize(_without_offset(y, sr))


def _without_offset(y: np.ndarray, sr: int) -> np.ndarray:
    # Some recordings in the soundfont, the saxophones' most, lie beside zero, which is inaudible, takes headroom and
    # stands in every spectrum at 0 Hz.
    return scipy.signal.sosfilt(scipy.signal.butter(2, _LOWEST, "highpass", fs=sr, output="sos"), y).astype(y.dtype)


def check_playable(notes: np.ndarray) -> None:
    """Raise ValueError where there are no notes, or one that MIDI cannot play."""
    if len(notes) == 0:
        raise ValueError("There are no notes to play.")
    for field, low, high in (("pitch", 0, 127), ("velocity", 1, 127)):
        outside = notes[field][(notes[field] < low) | (notes[field] > high)]
        if outside.size:
            raise ValueError(f"A note has {field} {outside[0]}: MIDI plays {low} to {high}.")
    if not np.all(notes["duration"] > 0) or not np.all(notes["onset"] >= 0):
        raise ValueError("A note begins before 0 s or does not last: expected onset ≥ 0 and duration > 0.")


def _midi(notes: np.ndarray, names: list[str], reverb: float, end: float) -> bytes:
    unknown = [n for n in names if n not in INSTRUMENTS]
    if unknown:
        raise ValueError(f"No instrument is called {unknown[0]!r}. Known: {', '.join(INSTRUMENTS)}.")
    score = pretty_midi.PrettyMIDI(resolution=960)
    for part in np.unique(notes["part"]):
        track = pretty_midi.Instrument(program=INSTRUMENTS[names[part]])
        played = notes[notes["part"] == part]
        track.notes = [
            pretty_midi.Note(int(n["velocity"]), int(n["pitch"]), float(n["onset"]), float(n["onset"] + n["duration"]))
            for n in played
        ]
        settings = {_VOLUME: 127, _EXPRESSION: 127, _PAN: 64, _REVERB: round(127 * reverb), _CHORUS: 0}
        track.control_changes = [pretty_midi.ControlChange(k, v, 0.0) for k, v in settings.items()]
        # The sampler stops at the last event: this one, which changes nothing, lets the release and the room ring.
        track.control_changes.append(pretty_midi.ControlChange(_PAN, 64, end))
        score.instruments.append(track)
    buffer = io.BytesIO()
    score.write(buffer)
    return buffer.getvalue()


def note(
    pitch: int,
    instrument: str = "piano",
    *,
    seconds: float = 2.0,
    velocity: int = 90,
    sr: int = 44_100,
    reverb: float = 0.0,
    tail: float = 0.5,
) -> np.ndarray:
    """One note on one instrument, without a room unless asked: float32 array, shape (round((seconds + tail) · sr),)."""
    one = np.array([(0.0, seconds, pitch, velocity, 0)], dtype=symbolic.NOTE)
    return render(one, instrument, sr=sr, reverb=reverb, tail=tail)
