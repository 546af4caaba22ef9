"""Notes as an array: who plays which pitch, when, for how long and how loud."""

import numpy as np

NOTE = np.dtype(
    [
        ("onset", "f8"),  # s
        ("duration", "f8"),  # s
        ("pitch", "i4"),  # MIDI number: 60 is middle C, 69 is A4 (440 Hz)
        ("velocity", "i4"),  # MIDI: 1 softest, 127 loudest
        ("part", "i4"),  # index of the staff or voice in the score, from the top
    ]
)


class ScoreError(ValueError):
    """A score that cannot be used. The message names it and says what to do."""


def excerpt(table: np.ndarray, start: float, stop: float) -> np.ndarray:
    """The notes that begin in [start, stop) seconds, cut at ``stop``, with time counted from ``start``."""
    inside = table[(table["onset"] >= start) & (table["onset"] < stop)].copy()
    if inside.size == 0:
        raise ScoreError(f"No note begins between {start:g} s and {stop:g} s. Choose another excerpt.")
    inside["duration"] = np.minimum(inside["duration"], stop - inside["onset"])
    inside["onset"] -= start
    return inside


def transpose(table: np.ndarray, semitones: int) -> np.ndarray:
    """The same notes, ``semitones`` higher."""
    moved = table.copy()
    moved["pitch"] += semitones
    return moved


def frequency(pitch: float | np.ndarray, *, a4: float = 440.0) -> float | np.ndarray:
    """Frequency in Hz of a MIDI pitch number in equal temperament: a4 · 2**((pitch - 69) / 12)."""
    return a4 * 2.0 ** ((np.asarray(pitch) - 69) / 12)
