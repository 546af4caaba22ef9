"""Which intervals sound together and one after another, and how soon: numbers that transposing hardly changes.

Beside them stand the pitches themselves, which it does change, and the rhythm, which it does not.
"""

from functools import lru_cache

import librosa
import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.sparse

from musiclib import symbolic
from musiclib.features import segments, spectral

LOWEST, SEMITONES = 33, 84  # A1 to G#8
WIDEST = 24  # semitones, up and down
HOP_LENGTH = 1024  # of the picture in semitones; the mel picture has spectral.HOP_LENGTH
N_FFT = 4096
# Lags in frames: single ones at first, eight together at the end, 2.8 s later.
INTERVAL_STEPS = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 19, 22, 26, 30, 35, 40, 46, 53, 61])
PULSES = 16
# How many numbers of each kind interval_numbers gives, in their order.
INTERVAL_PARTS = {
    "pitches": 2 * SEMITONES,
    "intervals after seconds": (2 * WIDEST + 1) * (len(INTERVAL_STEPS) - 1),
    "intervals after pulses": (2 * WIDEST + 1) * (PULSES + 1),
    "rhythm": PULSES,
}


def semitone_level(y: np.ndarray, *, sr: int) -> np.ndarray:
    """Levels of the semitones from A1 to G#8, in dB.

    Parameters
    ----------
    y : array, shape (N,)
    sr : sampling rate in Hz

    Returns
    -------
    float array, shape (84, frames), frames 1024 samples apart

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    power = _power(y, "spectrogram", sr, n_fft=N_FFT, hop_length=HOP_LENGTH)
    return 10 * np.log10(_semitone_bank(sr) @ power + 1e-10)


def standing_out(level: np.ndarray) -> np.ndarray:
    """By how many dB, less three, a level lies above the mean of itself and six semitones on either side; 0 if below.

    Parameters
    ----------
    level : in dB, shape (semitones, frames); more than 70 dB below its loudest counts as that

    Returns
    -------
    P : array of the same shape, divided by its standard deviation

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    level = np.maximum(level, level.max() - 70)
    P = np.maximum(level - scipy.ndimage.uniform_filter1d(level, 13, axis=0) - 3, 0)
    return P / (P.std() + 1e-6)


def interval_autocorrelation(P: np.ndarray, lags: int) -> np.ndarray:
    """How strongly pitches sound so many semitones apart and so many frames later.

    A[i, τ] = Σ_k Σ_m P[k, m] · P[k + i, m + τ] / (K M), with zeros around the picture of K semitones and M frames.

    Parameters
    ----------
    P : shape (semitones, frames)
    lags : how many, from 0

    Returns
    -------
    A : array, shape (49, lags); row 24 + i is the interval of i semitones up

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    size = [scipy.fft.next_fast_len(n + m) for n, m in zip(P.shape, (WIDEST, lags), strict=True)]
    A = scipy.fft.irfft2(np.abs(scipy.fft.rfft2(P, size)) ** 2, size) / P.size
    return np.concatenate([A[-WIDEST:, :lags], A[: WIDEST + 1, :lags]])


def interval_numbers(
    y: np.ndarray, *, sr: int, window: float | None = None, hop: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Windows of a sound as lists of numbers: pitches, intervals at lags in seconds and in pulses, rhythm.

    Parameters
    ----------
    y : array, shape (N,)
    sr : sampling rate in Hz
    window : of a list, in seconds; zeros follow a shorter sound. None: the whole sound at once
    hop : from the start of a window to the next, in seconds; None is ``window``

    Returns
    -------
    starts : where the windows begin, in seconds, shape (windows,)
    numbers : float32, shape (windows, 2046): mean and deviation of :func:`standing_out` for each of 84 semitones; the
        logarithms of :func:`interval_autocorrelation` at 21 lags of up to 2.8 s (at 22.05 kHz) and after 0 to 16
        pulses; the autocorrelation of the onset strength after 1 to 16 pulses. A pulse is what :func:`pulse` finds.
        ``INTERVAL_PARTS`` says how many there are of each kind.

    Raises
    ------
    AudioError
        If ``y`` is not one-dimensional, is empty, or holds NaN.
    ValueError
        If ``window`` or ``hop`` is not positive.

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    y = np.asarray(y)
    window = y.size / sr if window is None else window
    hop = window if hop is None else hop
    if y.size and not (window > 0 and hop > 0):
        raise ValueError(f"window={window}, hop={hop}: expected positive numbers of seconds.")
    y = np.pad(y, (0, max(0, round(window * sr) - y.size))) if y.size else y
    semitones, mel = semitone_level(y, sr=sr), _mel_level(y, sr)

    def part(picture: np.ndarray, start: float, step: int) -> np.ndarray:
        first = round(start * sr / step)
        return picture[:, first : first + round(window * sr / step)]

    starts = np.arange(0, y.size / sr - window + 0.01, hop)
    parts = ((part(semitones, s, HOP_LENGTH), part(mel, s, spectral.HOP_LENGTH)) for s in starts)
    return starts, np.array([_numbers(*both, sr) for both in parts], np.float32)


def pulse(level: np.ndarray, *, sr: int) -> tuple[float, np.ndarray]:
    """The shortest regular step of the music, and the autocorrelation of the onset strength that it is found in.

    The onset strength is by how much ln(1 + 100 a) grows from frame to frame, summed over the bands where it does, with
    a the amplitude relative to the loudest (M. Müller, Fundamentals of Music Processing, 2nd ed., section 6.1.2). The
    period T is that of 160 from 0.12 to 0.55 s for which r is highest at its first eight multiples, against the places
    half-way between them.

    Parameters
    ----------
    level : mel picture in dB below its loudest, shape (bands, frames), frames 512 samples apart
    sr : sampling rate in Hz

    Returns
    -------
    period : in frames
    r : array, shape (frames,), 1 at lag 0

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    compressed = np.log1p(100 * 10 ** (level / 20))  # less than dB do: what is soft weighs less than what is loud
    strength = np.maximum(np.diff(compressed, axis=1, prepend=compressed[:, :1]), 0).sum(axis=0)
    r = librosa.autocorrelate(strength - strength.mean())
    r = r / (r[0] + 1e-9)
    T = np.geomspace(0.12, 0.55, 160) * sr / spectral.HOP_LENGTH
    j, lag = np.arange(1, 9)[:, None], np.arange(r.size)
    on, off = (np.interp(k * T, lag, r, right=0) for k in (j, j - 0.5))
    return float(T[(on - off).mean(axis=0).argmax()]), r


def _numbers(semitones: np.ndarray, mel: np.ndarray, sr: int) -> np.ndarray:
    P = standing_out(semitones)
    period, r = pulse(mel, sr=sr)
    at = np.arange(PULSES + 1) * period
    at_semitones = at * spectral.HOP_LENGTH / HOP_LENGTH
    A = interval_autocorrelation(P, max(int(INTERVAL_STEPS[-1]), int(at_semitones[-1]) + 2))
    in_seconds = np.add.reduceat(A[:, : INTERVAL_STEPS[-1]], INTERVAL_STEPS[:-1], axis=1) / np.diff(INTERVAL_STEPS)
    in_pulses = np.array([np.interp(at_semitones, np.arange(A.shape[1]), row) for row in A])
    rhythm = np.interp(at[1:], np.arange(r.size), r, right=0)
    parts = (P.mean(1), P.std(1), np.log(in_seconds + 0.02), np.log(in_pulses + 0.02), rhythm)
    return np.concatenate([part.ravel() for part in parts])


def _mel_level(y: np.ndarray, sr: int) -> np.ndarray:
    return spectral.power_to_db(_power(y, "mel", sr, n_mels=64), floor_db=60)


def _power(y: np.ndarray, kind: str, sr: int, **parameters) -> np.ndarray:
    """Of the whole sound as one segment, which takes less than half of the time that librosa takes."""
    y = np.asarray(spectral.signal(y), np.float32)
    recipe = segments.Recipe(kind, sr, y.size, y.size, **parameters)
    return segments.powers(y, np.zeros(1, int), recipe)[0]


@lru_cache(maxsize=4)
def _semitone_bank(sr: int) -> scipy.sparse.csr_array:
    """A triangle a semitone, no narrower than a bin."""
    bins = np.fft.rfftfreq(N_FFT, 1 / sr)
    pitch = symbolic.frequency(LOWEST + np.arange(SEMITONES)[:, None])
    width = np.maximum(pitch * (2 ** (1 / 12) - 1), sr / N_FFT)
    return scipy.sparse.csr_array(np.maximum(0, 1 - np.abs(bins - pitch) / width).astype(np.float32))
