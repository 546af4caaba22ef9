"""The loops for which NumPy has no fast form, compiled: from spectra to powers, and from powers to bands.

Both keep frames in the last axis, where the processor takes eight at once, and let go of Python's lock. Each has one
signature, so programs that fill numba's cache on disk at the same moment write the same into it.
"""

import numba
import numpy as np

_LINE = 16  # floats in a line of the processor's cache
# Without fast math: whether a product and a sum are rounded once or twice would hang on what was compiled before.
_compiled = numba.njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def power(X: np.ndarray, out: np.ndarray, at: int) -> None:
    """|X|² of spectra in rows, put into columns.

    Parameters
    ----------
    X : complex64, shape (pieces, frames, bins)
    out : float32, shape (pieces, bins, all frames), where frames ``at`` and following are set
    """
    frames, bins = X.shape[1:]
    P = np.empty((bins, frames), np.float32)
    for piece in range(X.shape[0]):
        _power_of_piece(X[piece], P)
        for k in range(bins):
            out[piece, k, at : at + frames] = P[k]


@_compiled
def bands(X: np.ndarray, bank: np.ndarray, first: np.ndarray, stop: np.ndarray, out: np.ndarray, at: int) -> None:
    """The filterbank times |X|².

    Parameters
    ----------
    X : complex64, shape (pieces, frames, bins)
    bank : float32, shape (bands, bins); row b is zero but from ``first[b]`` to before ``stop[b]``
    out : float32, shape (pieces, bands, all frames), where frames ``at`` and following are set
    """
    frames, bins = X.shape[1:]
    P = np.empty((bins, frames), np.float32)
    for piece in range(X.shape[0]):
        _power_of_piece(X[piece], P)
        for band in range(bank.shape[0]):
            line = out[piece, band, at : at + frames]
            line[:] = 0
            for k in range(first[band], stop[band]):
                weight = bank[band, k]  # read once: the compiler cannot know that `out` is another array
                for m in range(frames):
                    line[m] += weight * P[k, m]


@_compiled
def _power_of_piece(X, out):
    frames, bins = X.shape
    whole = bins - bins % _LINE
    for begin in range(0, whole, _LINE):  # a few bins of all frames: their lines stay in the cache until they are full
        for m in range(frames):
            for k in range(begin, begin + _LINE):
                out[k, m] = X[m, k].real ** 2 + X[m, k].imag ** 2
    for k in range(whole, bins):
        for m in range(frames):
            out[k, m] = X[m, k].real ** 2 + X[m, k].imag ** 2
