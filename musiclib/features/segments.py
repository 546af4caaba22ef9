"""Features of many equally long pieces of one sound at once.

The numbers are those that librosa gives for each piece alone; what the pieces share, the window and the filterbank, is
made once, and frames go from samples to bands a few at a time, so that they do not leave the processor's cache between.
"""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.signal

from musiclib.features import compiled, spectral

KINDS = ("mfcc", "mel", "spectrogram")
_NEAR = 1 << 18  # samples in overlapping frames at once, 1 MB: more would leave the processor's cache
_TOGETHER = 1 << 20  # samples in pieces at once: workers would wait for one another's many short steps


class Recipe(NamedTuple):
    """All that the numbers depend on. Lengths are in samples at ``sr`` Hz; ``segment`` and ``hop`` are of the pieces,
    ``n_fft`` and ``hop_length`` of the frames in a piece."""

    kind: str
    sr: int
    segment: int
    hop: int
    pad: bool = False
    n_fft: int = spectral.N_FFT
    hop_length: int = spectral.HOP_LENGTH
    n_mels: int = 128
    n_mfcc: int = 13
    fmin: float = 0.0
    fmax: float | None = None
    htk: bool = False
    top_db: float | None = 80.0

    @property
    def shape(self) -> tuple[int, int]:
        """(bands, frames) of one piece."""
        bands = {"mfcc": self.n_mfcc, "mel": self.n_mels, "spectrogram": 1 + self.n_fft // 2}[self.kind]
        return bands, 1 + self.segment // self.hop_length


def starts(length: int, recipe: Recipe) -> np.ndarray:
    """Where the pieces of a sound of ``length`` samples begin, in samples: each a hop after the one before.

    A last piece that is not whole is dropped; with ``pad`` it is kept, and as many zeros follow. Rates that do not
    divide leave a resampled sound some samples short, so a piece that lacks less than a millisecond counts as whole.
    """
    slack = recipe.sr // 1000
    beyond = length + slack - recipe.segment  # samples after the first piece
    if recipe.pad:
        count = 1 + max(0, -(-(beyond - 2 * slack) // recipe.hop)) if length else 0
        # With a hop longer than a piece, the sound may end between two: the next would be zeros alone.
        count = min(count, max(1, -(-(length - slack) // recipe.hop)))
    else:
        count = 1 + beyond // recipe.hop if beyond >= 0 else 0
    return recipe.hop * np.arange(count)


def features(y: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """The features of every piece of a sound.

    Parameters
    ----------
    y : float32 array, shape (N,), at ``recipe.sr`` Hz
    recipe : what to compute

    Returns
    -------
    features : float32 array, shape (pieces, bands, frames)
    starts : where the pieces begin, in samples, shape (pieces,)
    """
    begin = starts(y.size, recipe)
    found = np.empty((begin.size, *recipe.shape), np.float32)
    together = max(1, _TOGETHER // (recipe.segment + recipe.n_fft))
    for first in range(0, begin.size, together):
        some = slice(first, first + together)
        level = _decibels(powers(y, begin[some], recipe), recipe.top_db)
        if recipe.kind == "mfcc":
            level = scipy.fft.dct(level, axis=1, type=2, norm="ortho")[:, : recipe.n_mfcc]
        found[some] = level
    return found, begin


def _padded(y: np.ndarray, begin: np.ndarray, recipe: Recipe) -> np.ndarray:
    """The pieces in rows; frames are centered, with zeros where a piece has no samples."""
    edge = recipe.n_fft // 2
    padded = np.zeros((begin.size, recipe.segment + 2 * edge), np.float32)
    for row, start in zip(padded, begin, strict=True):
        piece = y[start : start + recipe.segment]
        row[edge : edge + piece.size] = piece
    return padded


def powers(y: np.ndarray, begin: np.ndarray, recipe: Recipe) -> np.ndarray:
    """|X|² of the pieces that begin there, or the filterbank times it: float32 array, shape (pieces, bands, frames)."""
    padded = _padded(y, begin, recipe)
    frames = np.lib.stride_tricks.sliding_window_view(padded, recipe.n_fft, axis=1)[:, :: recipe.hop_length]
    pieces, count, n_fft = frames.shape
    plain = recipe.kind == "spectrogram"
    bank = () if plain else _bank(recipe.sr, n_fft, recipe.n_mels, recipe.fmin, recipe.fmax, recipe.htk)
    power = np.empty((pieces, 1 + n_fft // 2 if plain else recipe.n_mels, count), np.float32)
    few = -(-count // -(-count * n_fft // _NEAR))  # frames of a piece, in parts of about one length
    some = max(1, _NEAR // (count * n_fft))  # pieces, where a piece has less
    for p, m in product(range(0, pieces, some), range(0, count, few)):
        X = scipy.fft.rfft(frames[p : p + some, m : m + few] * _window(n_fft), axis=-1)
        (compiled.power if plain else compiled.bands)(X, *bank, power[p : p + some], m)
    return power


def _decibels(power: np.ndarray, top_db: float | None) -> np.ndarray:
    """10 · log10(power), in its place, and not lower than ``top_db`` below the loudest of each piece."""
    level = np.log(np.maximum(power, 1e-10, out=power), out=power)  # whose log10 takes four times as long
    level *= np.float32(10 / np.log(10))
    if top_db is not None:
        np.maximum(level, level.max(axis=(1, 2), keepdims=True) - np.float32(top_db), out=level)
    return level


@lru_cache(maxsize=8)
def _window(n_fft: int) -> np.ndarray:
    return scipy.signal.get_window("hann", n_fft).astype(np.float32)


@lru_cache(maxsize=8)
def _bank(sr: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None, htk: bool) -> tuple[np.ndarray, ...]:
    """(the filterbank, the first bin of each triangle, the one after its last): 2 of 100 weights are not zero."""
    bank = spectral.mel_filterbank(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk)
    some = bank > 0
    stop = np.where(some.any(axis=1), bank.shape[1] - some[:, ::-1].argmax(axis=1), 0)
    return bank, some.argmax(axis=1), stop
