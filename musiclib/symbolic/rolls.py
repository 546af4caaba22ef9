"""Piano rolls: which keys sound in each step of a grid, and back to notes."""

import numpy as np

from musiclib.symbolic.notes import NOTE, ScoreError


def to_roll(notes: np.ndarray, *, rate: float, lowest: int = 0, keys: int = 128) -> np.ndarray:
    """Notes on a grid, each from its nearest step to its nearest end, and at least one step long.

    Parameters
    ----------
    notes : of dtype ``NOTE``
    rate : steps a second; for notes with times in quarter notes, steps a quarter note
    lowest, keys : MIDI number of the first key, and how many; (21, 88) are a piano's

    Returns
    -------
    uint8 array, shape (2, steps, keys). In [0] a key's velocity while it sounds, else 0; in [1] 1 where it is struck,
    which tells two strokes from one held note.

    Raises
    ------
    ScoreError
        If there are no notes, one lies outside the keys, or ``rate`` is not above 0.
    """
    if not len(notes) or not 0 < rate < np.inf:
        raise ScoreError(f"{len(notes)} notes, rate={rate}: expected notes, and steps above 0.")
    key = notes["pitch"] - lowest
    if key.min() < 0 or key.max() >= keys:
        outside = notes["pitch"][(key < 0) | (key >= keys)][0]
        raise ScoreError(f"A note has pitch {outside}. Expected {lowest} to {lowest + keys - 1}.")
    start = np.rint(notes["onset"] * rate).astype(int)
    end = np.maximum(np.rint((notes["onset"] + notes["duration"]) * rate).astype(int), start + 1)
    roll = np.zeros((2, end.max(), keys), np.uint8)
    for i in np.argsort(start, kind="stable"):  # a later stroke takes the key over
        roll[0, start[i] : end[i], key[i]] = notes["velocity"][i]
        roll[1, start[i], key[i]] = 1
    return roll


def from_roll(roll: np.ndarray, *, rate: float, lowest: int = 0, velocity: int = 80) -> np.ndarray:
    """The notes of a roll: what :func:`to_roll` made of notes on the grid comes back as it was.

    Parameters
    ----------
    roll : of shape (2, steps, keys) as :func:`to_roll` makes it; or (steps, keys), not 0 where a key sounds, such as
        the data sets of polyphonic music have: then steps side by side are one held note
    rate, lowest : as in :func:`to_roll`
    velocity : of every note, where the roll is one of 0 and 1

    Returns
    -------
    array of dtype ``NOTE``, sorted by onset, then pitch, all of part 0
    """
    roll = np.asarray(roll)
    held, struck = roll if roll.ndim == 3 else (roll, np.zeros_like(roll))
    level = np.vstack([np.zeros_like(held[:1]), held, np.zeros_like(held[:1])]).astype(int)
    begins = (level[1:-1] > 0) & ((level[:-2] == 0) | (struck > 0))
    ends = (level[1:-1] > 0) & ((level[2:] == 0) | np.vstack([begins[1:], np.ones_like(begins[:1])]))
    key, start = np.nonzero(begins.T)
    end = np.nonzero(ends.T)[1] + 1
    notes = np.zeros(len(key), NOTE)
    notes["onset"], notes["duration"], notes["pitch"] = start / rate, (end - start) / rate, key + lowest
    notes["velocity"] = held[start, key] if held.max(initial=0) > 1 else velocity
    return notes[np.lexsort((notes["pitch"], notes["onset"]))]
