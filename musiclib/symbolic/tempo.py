"""Ticks, quarter notes and seconds: how a MIDI file counts time, and how to get from one to the other exactly."""

from typing import NamedTuple

import numpy as np

from musiclib.symbolic.notes import ScoreError

_TEMPO = 500_000  # µs a quarter note until a file says otherwise: 120 quarter notes a minute


class TempoMap(NamedTuple):
    """The tempos of a file. Seconds are computed from whole numbers, and so are exact to the last bit."""

    division: int  # ticks of a quarter note; 0 where ticks are parts of a film's frame
    ticks: np.ndarray  # int64, shape (tempos,): where each tempo begins; the first is 0
    tempos: np.ndarray  # int64, shape (tempos,): length of ``division`` ticks, or of one where it is 0, in ``unit``
    unit: float  # how many of its parts make a second

    @classmethod
    def of(cls, division: int, changes: list[tuple[int, int]] | None = None) -> "TempoMap":
        """The map of a file.

        Parameters
        ----------
        division : as the file's header has it: ticks of a quarter note, or, below 0, minus the frames a second times
            256 plus the ticks of a frame (SMPTE)
        changes : (tick, microseconds of a quarter note); of several at one tick the last counts
        """
        if division < 0:
            frames, parts = -(division >> 8), division & 255
            if frames not in (24, 25, 29, 30) or not parts:
                raise ScoreError(f"The MIDI file counts {frames} frames a second of {parts} ticks. Expected 24 to 30.")
            length, rate = (1001, 30_000) if frames == 29 else (1, frames)
            return cls(0, np.zeros(1, np.int64), np.array([length], np.int64), float(rate * parts))
        at = {0: _TEMPO} | dict(sorted(changes or [], key=lambda change: change[0]))
        ticks, tempos = (np.array(list(v), np.int64) for v in (at.keys(), at.values()))
        return cls(division, ticks, tempos, 1e6 * division)

    @property
    def bpm(self) -> np.ndarray:
        """Quarter notes a minute of each tempo, shape (tempos,)."""
        self._check_beats()
        return 60e6 / self.tempos

    def seconds(self, ticks: np.ndarray | int) -> np.ndarray:
        """Ticks since the beginning to seconds, in the shape given."""
        ticks = np.asarray(ticks, np.int64)
        i = np.searchsorted(self.ticks, ticks, side="right") - 1
        return (self._elapsed()[i] + (ticks - self.ticks[i]) * self.tempos[i]) / self.unit

    def nearest_ticks(self, seconds: np.ndarray | float) -> np.ndarray:
        """Seconds to the nearest ticks: what :meth:`seconds` made of ticks comes back as it was."""
        return np.rint(self._ticks(seconds)).astype(np.int64)

    def quarters(self, seconds: np.ndarray | float) -> np.ndarray:
        """Seconds to quarter notes since the beginning, as the file counts them."""
        self._check_beats()
        return self._ticks(seconds) / self.division

    def _ticks(self, seconds: np.ndarray | float) -> np.ndarray:
        passed = np.asarray(seconds, np.float64) * self.unit
        elapsed = self._elapsed()
        i = np.maximum(np.searchsorted(elapsed, passed, side="right") - 1, 0)
        return self.ticks[i] + (passed - elapsed[i]) / self.tempos[i]

    def _elapsed(self) -> np.ndarray:
        """Parts of a second until each tempo begins: whole numbers."""
        return np.concatenate([[0], np.cumsum(np.diff(self.ticks) * self.tempos[:-1])])

    def _check_beats(self) -> None:
        if not self.division:
            raise ScoreError("This MIDI file counts a film's frames and not beats: it has no quarter notes.")
