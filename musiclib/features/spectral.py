"""From samples to features: thin over librosa, with this course's defaults and errors.

Symbols: x is a signal of N samples at rate f_s (``sr``); a frame has ``n_fft`` samples and the next begins H
(``hop_length``) later; X[k, m] is the STFT at bin k (k · f_s / n_fft hertz) and frame m (m · H / f_s seconds).
"""

import math

import librosa
import numpy as np
import scipy.fft

from musiclib import audio

N_FFT = 2048
HOP_LENGTH = 512


def signal(y: np.ndarray, name: str = "the signal") -> np.ndarray:
    """``y`` as an array of shape (N,), or an AudioError that says what it is instead."""
    y = np.asarray(y)
    if y.ndim != 1:
        raise audio.AudioError(f"{name} has shape {y.shape}, expected (N,): mix it down with audio.to_mono first.")
    if y.size == 0 or not np.all(np.isfinite(y)):
        audio.check(y, name=name)
    return y


def stft(
    y: np.ndarray,
    *,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    win_length: int | None = None,
    window: str = "hann",
    center: bool = True,
) -> np.ndarray:
    """Short-time Fourier transform.

    X[k, m] = Σ_n x[n + mH] · w[n] · exp(-2πi k n / n_fft)

    Parameters
    ----------
    y : array, shape (N,)
    n_fft, hop_length : frame length and hop H in samples
    win_length : window length in samples, zero-padded to ``n_fft``; None is ``n_fft``
    window : any of SciPy's window names
    center : pad by n_fft / 2 zeros on both sides, so that frame m is centered on sample mH

    Returns
    -------
    complex array, shape (1 + n_fft // 2, frames); frames = 1 + N // H when centered

    Raises
    ------
    AudioError
        If ``y`` is not one-dimensional, is empty, holds NaN, or is shorter than a frame while ``center`` is False.

    Notes
    -----
    Taught in: 03_stft
    """
    y = signal(y)
    if not center and y.size < n_fft:
        raise audio.AudioError(
            f"The signal has {y.size} samples, fewer than one frame of n_fft={n_fft}. Use a shorter frame."
        )
    return librosa.stft(
        y, n_fft=n_fft, hop_length=hop_length, win_length=win_length, window=window, center=center, pad_mode="constant"
    )


def istft(
    X: np.ndarray,
    *,
    hop_length: int = HOP_LENGTH,
    win_length: int | None = None,
    window: str = "hann",
    length: int | None = None,
) -> np.ndarray:
    """Inverse of a centered :func:`stft` by weighted overlap-add.

    Parameters
    ----------
    X : complex array, shape (1 + n_fft // 2, frames)
    length : number of samples wanted

    Returns
    -------
    float array, shape (length,)

    References
    ----------
    Allen and Rabiner, "A unified approach to short-time Fourier analysis and synthesis", Proc. IEEE 65(11), 1977,
    doi:10.1109/PROC.1977.10770.

    Notes
    -----
    Taught in: 03_stft
    """
    return librosa.istft(X, hop_length=hop_length, win_length=win_length, window=window, length=length)


def power_to_db(power: np.ndarray, *, ref: float | None = None, floor_db: float = 80.0) -> np.ndarray:
    """Decibels of a power: 10 · log10(power / ref), not lower than ``floor_db`` below the loudest.

    Parameters
    ----------
    power : non-negative array of any shape, such as |X|²
    ref : the power of 0 dB; None is the largest in ``power``

    Raises
    ------
    ValueError
        If a power is negative.

    Notes
    -----
    Taught in: 03_stft
    """
    power = np.asarray(power)
    if np.any(power < 0):
        raise ValueError("A power is negative. Pass |X|², not X or decibels.")
    reference = max(float(np.max(power, initial=0.0)), 1e-20) if ref is None else ref
    return librosa.power_to_db(power, ref=reference, amin=1e-20, top_db=floor_db)


def mel_filterbank(
    *, sr: int, n_fft: int = N_FFT, n_mels: int = 128, fmin: float = 0.0, fmax: float | None = None, htk: bool = False
) -> np.ndarray:
    """Triangular filters equally spaced on the mel scale.

    Parameters
    ----------
    sr : sampling rate in Hz
    n_mels : number of mel bands
    fmin, fmax : range in Hz; ``fmax`` None is sr / 2
    htk : O'Shaughnessy's formula 2595 · log10(1 + f / 700) with peaks of 1;
        otherwise Slaney's, linear below 1 kHz, with triangles of equal area

    Returns
    -------
    float32 array, shape (n_mels, 1 + n_fft // 2)

    Raises
    ------
    ValueError
        If ``fmax`` lies above sr / 2 or not above ``fmin``.

    Notes
    -----
    Taught in: 04_mel_and_mfcc
    """
    top = sr / 2 if fmax is None else fmax
    if not 0 <= fmin < top <= sr / 2:
        raise ValueError(f"fmin={fmin:g} Hz and fmax={top:g} Hz: expected 0 ≤ fmin < fmax ≤ sr / 2 = {sr / 2:g} Hz.")
    return librosa.filters.mel(
        sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=top, htk=htk, norm=None if htk else "slaney"
    )


def mel_spectrogram(
    y: np.ndarray,
    *,
    sr: int,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
) -> np.ndarray:
    """Mel spectrogram: the filterbank times |X|², a power.

    Parameters
    ----------
    y : array, shape (N,)
    sr : sampling rate in Hz

    Returns
    -------
    float array, shape (n_mels, frames)

    Notes
    -----
    Taught in: 04_mel_and_mfcc
    """
    bank = mel_filterbank(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk)
    return bank @ np.abs(stft(y, n_fft=n_fft, hop_length=hop_length)) ** 2


def mfcc(
    y: np.ndarray,
    *,
    sr: int,
    n_mfcc: int = 13,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
) -> np.ndarray:
    """Mel-frequency cepstral coefficients: the first of an orthonormal DCT-II of a mel spectrogram in decibels.

    Parameters
    ----------
    y : array, shape (N,)
    sr : sampling rate in Hz
    n_mfcc : how many coefficients to keep, counted from the zeroth, which is the level

    Returns
    -------
    float array, shape (n_mfcc, frames)

    Raises
    ------
    ValueError
        If more coefficients than mel bands are asked for.

    References
    ----------
    Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in continuously
    spoken sentences", IEEE TASSP 28(4), 1980, doi:10.1109/TASSP.1980.1163420.

    Notes
    -----
    Taught in: 04_mel_and_mfcc
    """
    if n_mfcc > n_mels:
        raise ValueError(f"n_mfcc={n_mfcc} is more than n_mels={n_mels}: a DCT of n_mels values has only as many.")
    mel = mel_spectrogram(y, sr=sr, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, fmin=fmin, fmax=fmax)
    return librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=n_mfcc)


def mel_from_mfcc(coefficients: np.ndarray, *, n_mels: int = 128) -> np.ndarray:
    """The smoothed mel spectrogram (power) that MFCCs still hold: inverse DCT, then from decibels to power.

    Parameters
    ----------
    coefficients : array, shape (n_mfcc, frames)

    Returns
    -------
    array, shape (n_mels, frames)

    Notes
    -----
    Taught in: 04_mel_and_mfcc
    """
    return librosa.db_to_power(scipy.fft.idct(coefficients, axis=0, type=2, norm="ortho", n=n_mels))


def magnitude_from_mel(
    mel: np.ndarray,
    *,
    sr: int,
    n_fft: int = N_FFT,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    n_iter: int = 200,
) -> np.ndarray:
    """A magnitude spectrogram whose mel spectrogram is ``mel``, by non-negative least squares.

    Parameters
    ----------
    mel : power, shape (n_mels, frames)
    n_iter : steps of the search

    Returns
    -------
    array, shape (1 + n_fft // 2, frames)

    References
    ----------
    Beck and Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems", SIAM Journal on
    Imaging Sciences 2(1), 2009, doi:10.1137/080716542.

    Notes
    -----
    Taught in: 04_mel_and_mfcc
    """
    bank = mel_filterbank(sr=sr, n_fft=n_fft, n_mels=mel.shape[0], fmin=fmin, fmax=fmax, htk=htk)
    # Accelerated projected gradient. librosa's search takes minutes where this takes a second, and it stops at a slope
    # of fixed size, so that a soft sound comes out worse than a loud one.
    step = 1 / float(np.linalg.norm(bank, 2)) ** 2
    power = ahead = np.maximum(np.linalg.pinv(bank) @ mel, 0)
    t = 1.0
    for _ in range(n_iter):
        previous, power = power, np.maximum(ahead - step * (bank.T @ (bank @ ahead - mel)), 0)
        t, t_before = (1 + math.sqrt(1 + 4 * t**2)) / 2, t
        ahead = power + (t_before - 1) / t * (power - previous)
    return np.sqrt(power)


def griffin_lim(
    magnitude: np.ndarray,
    *,
    hop_length: int = HOP_LENGTH,
    n_iter: int = 32,
    momentum: float = 0.99,
    length: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """A signal whose STFT magnitude comes near ``magnitude``: phases are found by going back and forth.

    Parameters
    ----------
    magnitude : |X|, shape (1 + n_fft // 2, frames), of a centered Hann STFT
    n_iter : how often
    momentum : 0 is Griffin and Lim's algorithm; 0.99 the fast one of Perraudin, Balazs and Søndergaard
    length : number of samples wanted, from (frames - 1) · H to frames · H - 1; None is the least of them
    seed : of the random phases it begins with

    Returns
    -------
    float array, shape (length,)

    Raises
    ------
    ValueError
        If a signal of ``length`` samples would have another number of frames.

    References
    ----------
    Griffin and Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 32(2), 1984,
    doi:10.1109/TASSP.1984.1164317. Perraudin, Balazs and Søndergaard, "A fast Griffin-Lim algorithm", WASPAA 2013,
    doi:10.1109/WASPAA.2013.6701851.

    Notes
    -----
    Taught in: 03_stft
    """
    frames = magnitude.shape[1]
    if length is not None and length // hop_length + 1 != frames:
        least, most = (frames - 1) * hop_length, frames * hop_length - 1
        raise ValueError(f"length={length}: {frames} frames {hop_length} samples apart are {least} to {most} samples.")
    return librosa.griffinlim(
        magnitude,
        n_iter=n_iter,
        hop_length=hop_length,
        n_fft=2 * (magnitude.shape[0] - 1),
        momentum=momentum,
        length=length,
        random_state=seed,
        pad_mode="constant",
    )


def spectral_convergence(magnitude: np.ndarray, reference: np.ndarray) -> float:
    """How far one magnitude spectrogram is from another, in dB: 20 · log10(‖|X̂| - |X|‖ / ‖X‖) (Frobenius norms)."""
    error = np.linalg.norm(np.abs(magnitude) - np.abs(reference)) / np.linalg.norm(reference)
    return float(20 * np.log10(max(error, 1e-12)))
