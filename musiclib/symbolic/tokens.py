"""Notes as a sequence of tokens, whole numbers that a model of sequences reads and writes one after another."""

from dataclasses import dataclass

import librosa
import numpy as np
from numpy.typing import ArrayLike

from musiclib.symbolic.notes import NOTE, ScoreError

_UNSET = 80  # velocity of notes before the first velocity token: that of a score without marks
_LONGEST = 1_000_000  # s: eleven days; a time beyond is a fault, and would be told in millions of time shifts


@dataclass(frozen=True)
class EventVocabulary:
    """What each token of a performance means: a key struck or let go, time that passes, or how loud the next keys are.

    The tokens stand in this order, and ``size`` is how many there are: note on and note off for each key; time shifts
    of 1 to ``shifts`` steps; velocities, softest first. The default has the 388 of Performance RNN and the Music
    Transformer; ``EventVocabulary(rate=125, shifts=125)`` has the 413 of the first reference. Tokens for the beginning
    of a piece, its end or padding are the model's own: ``size`` and up are free for them.

    Parameters
    ----------
    lowest, keys : MIDI number of the first key, and how many; (21, 88) are a piano's
    rate : steps a second
    shifts : steps of the longest time shift; more time takes several
    velocities : how many, 1 to 127; MIDI's 127 are divided among them as evenly as can be

    Raises
    ------
    ScoreError
        If a parameter is not of those.

    References
    ----------
    Oore, Simon, Dieleman, Eck and Simonyan, "This Time with Feeling: Learning Expressive Musical Performance", Neural
    Computing and Applications 32, 2020, doi:10.1007/s00521-018-3758-9; Huang et al., "Music Transformer", ICLR 2019,
    arXiv:1809.04281, for steps of 10 ms.
    """

    lowest: int = 0
    keys: int = 128
    rate: float = 100
    shifts: int = 100
    velocities: int = 32

    def __post_init__(self) -> None:
        if not (0 <= self.lowest < self.lowest + self.keys <= 128):
            raise ScoreError(f"lowest={self.lowest}, keys={self.keys}: expected keys within MIDI's 0 to 127.")
        if not (0 < self.rate < np.inf and self.shifts >= 1):
            raise ScoreError(f"rate={self.rate}, shifts={self.shifts}: expected a rate above 0, and 1 shift or more.")
        if not 1 <= self.velocities <= 127:
            raise ScoreError(f"velocities={self.velocities}: expected 1 to 127.")

    @property
    def first_off(self) -> int:
        """The token of the lowest key's note off; its note on is 0."""
        return self.keys

    @property
    def first_shift(self) -> int:
        """The token of a time shift of one step."""
        return 2 * self.keys

    @property
    def first_velocity(self) -> int:
        """The token of the softest velocity."""
        return 2 * self.keys + self.shifts

    @property
    def size(self) -> int:
        """How many tokens there are: 0 to ``size - 1``."""
        return self.first_velocity + self.velocities

    def level(self, velocity: np.ndarray | int) -> np.ndarray | int:
        """Which of the vocabulary's velocities, from 0, holds a MIDI velocity, 1 to 127; in the shape given."""
        return (velocity - 1) * self.velocities // 127

    def velocity_range(self, level: int) -> tuple[int, int]:
        """The softest and the loudest MIDI velocity of a level."""
        return -(-127 * level // self.velocities) + 1, -(-127 * (level + 1) // self.velocities)

    def describe(self, token: int) -> str:
        """A token in words: "note on C4", "note off C4", "shift 0.25 s" or "velocity 77 to 80".

        Raises
        ------
        ScoreError
            If the vocabulary has no such token.
        """
        token = int(_checked([token], self)[0])
        if token < self.first_shift:
            key = librosa.midi_to_note(self.lowest + token % self.keys)
            return f"note {'on' if token < self.first_off else 'off'} {key}"
        if token < self.first_velocity:
            return f"shift {(token - self.first_shift + 1) / self.rate:g} s"
        softest, loudest = self.velocity_range(token - self.first_velocity)
        return f"velocity {softest} to {loudest}" if softest < loudest else f"velocity {softest}"


def encode_events(notes: np.ndarray, vocabulary: EventVocabulary) -> np.ndarray:
    """Notes as tokens. In each step keys are let go before keys are struck, low before high.

    A note goes from its nearest step to its nearest end, and lasts at least one step. One key cannot sound twice: as
    in :func:`to_roll`, a later stroke takes the key over, and the key is held until the last of its notes ends. Of
    strokes in one step the loudest counts. Parts are not kept. A pedal has no token: give notes as long as they sound.

    Parameters
    ----------
    notes : of dtype ``NOTE``, in any order

    Returns
    -------
    int32 array, shape (tokens,); a velocity stands only where it changes. What :func:`decode_events` makes of it has
    the same onsets and durations in steps, the same pitches, and velocities in the middle of their range.

    Raises
    ------
    ScoreError
        If a note's pitch is not among the keys, its velocity not 1 to 127, or a time not 0 to 1 000 000 s.
    """
    _check_notes(notes, vocabulary)
    start, end, key, level = _strokes(notes, vocabulary)
    events = [(step, 1, k, v) for step, k, v in zip(start, key, level, strict=True)]
    events += [(step, 0, k, 0) for step, k in zip(end, key, strict=True)]
    tokens, now, current = [], 0, None
    for step, on, k, v in sorted(events):
        whole, rest = divmod(step - now, vocabulary.shifts)
        tokens += [vocabulary.first_velocity - 1] * whole + [vocabulary.first_shift + rest - 1] * (rest > 0)
        now = step
        if on and v != current:
            tokens.append(vocabulary.first_velocity + v)
            current = v
        tokens.append(k if on else vocabulary.first_off + k)
    return np.array(tokens, np.int32)


def decode_events(tokens: ArrayLike, vocabulary: EventVocabulary) -> np.ndarray:
    """Tokens as notes: any tokens of the vocabulary in any order, so also what a model makes up.

    A key let go that does not sound is ignored; a key struck while it sounds ends one note and begins another; what
    sounds at the end of the tokens ends there; a note of no length is left out. Before the first velocity token the
    velocity is that of a score without marks, 80 or the middle of its range.

    Parameters
    ----------
    tokens : whole numbers, shape (tokens,)

    Returns
    -------
    array of dtype ``NOTE``, sorted by onset, then pitch, all of part 0; velocities are in the middle of their range

    Raises
    ------
    ScoreError
        If ``tokens`` is no sequence of whole numbers, or one of them is not in the vocabulary.
    """
    now, level = 0, int(vocabulary.level(_UNSET))
    sounding: dict[int, tuple[int, int]] = {}
    found: list[tuple[int, int, int, int]] = []

    def let_go(key: int) -> None:
        start, level = sounding.pop(key, (now, 0))
        if start < now:
            found.append((start, key, now - start, sum(vocabulary.velocity_range(level)) // 2))

    for token in _checked(tokens, vocabulary).tolist():
        if token >= vocabulary.first_velocity:
            level = token - vocabulary.first_velocity
        elif token >= vocabulary.first_shift:
            now += token - vocabulary.first_shift + 1
        else:
            let_go(token % vocabulary.keys)
            if token < vocabulary.first_off:
                sounding[token] = now, level
    for key in list(sounding):
        let_go(key)
    start, keys, steps, velocity = np.array(sorted(found), np.int64).reshape(-1, 4).T
    notes = np.zeros(len(start), NOTE)
    notes["onset"], notes["duration"] = start / vocabulary.rate, steps / vocabulary.rate
    notes["pitch"], notes["velocity"] = keys + vocabulary.lowest, velocity
    return notes


def _strokes(notes: np.ndarray, vocabulary: EventVocabulary) -> list[list[int]]:
    """Start and end in steps, key and level of what each key plays, one stroke after another."""
    start = np.rint(notes["onset"] * vocabulary.rate).astype(np.int64)
    end = np.rint((notes["onset"] + notes["duration"]) * vocabulary.rate).astype(np.int64)
    end, level = np.maximum(end, start + 1), np.asarray(vocabulary.level(notes["velocity"]))
    # The keys' times behind one another on one axis: each key's notes in order, and no key reaches into the next.
    span = end.max(initial=0) + 1
    before = (notes["pitch"].astype(np.int64) - vocabulary.lowest) * span
    order = np.lexsort((level, before + start))
    start, end, level = (before + start)[order], (before + end)[order], level[order]
    last = np.append(start[1:] > start[:-1], True)[: len(start)]  # of those in one step: the loudest
    end = np.maximum.accumulate(end)[last]
    start, level = start[last], level[last]
    end[:-1] = np.minimum(end[:-1], start[1:])
    key = start // span
    return [column.tolist() for column in (start - key * span, end - key * span, key, level)]


def _check_notes(notes: np.ndarray, vocabulary: EventVocabulary) -> None:
    low, high = vocabulary.lowest, vocabulary.lowest + vocabulary.keys - 1
    for field, least, most, hint in (
        ("pitch", low, high, "Transpose or leave out such notes, or take a vocabulary of more keys."),
        ("velocity", 1, 127, "MIDI's velocities are whole numbers, 127 the loudest."),
        ("onset", 0, _LONGEST, "Times are in seconds from the beginning."),
        ("duration", 0, _LONGEST, "Times are in seconds."),
    ):
        values = notes[field]
        outside = ~((values >= least) & (values <= most))  # true of NaN too
        if outside.any():
            i = int(np.argmax(outside))
            raise ScoreError(f"Note {i} has {field} {values[i]:g}. Expected {least} to {most}. {hint}")


def _checked(tokens: ArrayLike, vocabulary: EventVocabulary) -> np.ndarray:
    tokens = np.asarray(tokens)
    if tokens.ndim != 1 or (tokens.size and tokens.dtype.kind not in "iu"):
        raise ScoreError(
            f"Tokens of shape {tokens.shape} and dtype {tokens.dtype}. Expected one sequence of whole numbers, shape "
            "(tokens,): take one piece of a batch, and the index of the largest of a model's outputs or a sampled one."
        )
    outside = (tokens < 0) | (tokens >= vocabulary.size)
    if outside.any():
        i = int(np.argmax(outside))
        raise ScoreError(
            f"Token {tokens[i]} at place {i} is not in the vocabulary. Expected 0 to {vocabulary.size - 1}: take out "
            "a model's own tokens, such as padding, and decode with the vocabulary that encoded."
        )
    return tokens
