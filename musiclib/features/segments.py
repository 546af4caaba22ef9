"""Features of many equally long pieces of one sound at once.

The numbers are those that librosa gives for each piece alone; what the pieces share, the window and the filterbank, is
made once, and each step is done for as many frames at once as fit the processor's cache.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.signal
import scipy.sparse

from musiclib.features import spectral

KINDS = ("mfcc", "mel", "spectrogram")
_AT_ONCE = 1 << 18  # samples in overlapping frames, 1 MB: more would leave the processor's cache


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
    block = max(1, _AT_ONCE // (found.shape[2] * recipe.n_fft))
    for first in range(0, begin.size, block):
        some = begin[first : first + block]
        found[first : first + block] = _of_block(y, some, recipe)
    return found, begin


def _of_block(y: np.ndarray, begin: np.ndarray, recipe: Recipe) -> np.ndarray:
    edge = recipe.n_fft // 2  # frames are centered, with zeros where a piece has no samples
    padded = np.zeros((begin.size, recipe.segment + 2 * edge), np.float32)
    for row, start in zip(padded, begin, strict=True):
        piece = y[start : start + recipe.segment]
        row[edge : edge + piece.size] = piece
    frames = np.lib.stride_tricks.sliding_window_view(padded, recipe.n_fft, axis=1)[:, :: recipe.hop_length]
    X = scipy.fft.rfft(frames * _window(recipe.n_fft), axis=-1, overwrite_x=True)
    power = np.square(X.real)
    power += np.square(X.imag)
    if recipe.kind != "spectrogram":
        bank = _sparse_bank(recipe.sr, recipe.n_fft, recipe.n_mels, recipe.fmin, recipe.fmax, recipe.htk)
        power = (power.reshape(-1, power.shape[-1]) @ bank).reshape(*power.shape[:2], -1)
    level = 10 * np.log10(np.maximum(power, 1e-10))
    if recipe.top_db is not None:  # below the loudest of each piece, as librosa.power_to_db does for one
        level = np.maximum(level, level.max(axis=(1, 2), keepdims=True) - np.float32(recipe.top_db))
    if recipe.kind == "mfcc":
        level = scipy.fft.dct(level, axis=-1, type=2, norm="ortho")[..., : recipe.n_mfcc]
    return level.transpose(0, 2, 1)


@lru_cache(maxsize=8)
def _window(n_fft: int) -> np.ndarray:
    return scipy.signal.get_window("hann", n_fft).astype(np.float32)


@lru_cache(maxsize=8)
def _sparse_bank(sr: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None, htk: bool):
    # Two of a hundred weights are not zero. A sparse product skips the others, and always adds in the same order,
    # which a dense one, shared out to threads, does not promise.
    bank = spectral.mel_filterbank(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk)
    return scipy.sparse.csr_array(bank.T)
