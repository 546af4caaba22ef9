"""Channels, sampling rates and levels of a signal."""

import numpy as np
import pyloudnorm
import soxr

from musiclib.audio.checks import MOST, AudioError

_CANCELED = 1e-6  # -60 dB, as a ratio of powers


def to_mono(y: np.ndarray) -> np.ndarray:
    """Average the channels: (channels, N) → (N,); one channel is returned as it is."""
    if y.ndim == 1:
        return y
    return y[0] if len(y) == 1 else y.mean(axis=0, dtype=y.dtype)


def mix(y: np.ndarray, *, name: str = "the signal") -> np.ndarray:
    """As :func:`to_mono`, but where the channels cancel, it says so: their average would be next to nothing.

    Raises
    ------
    AudioError
        If the average lies 60 dB or more below the channels, as when one was turned upside down.
    """
    mono = to_mono(y)
    power = np.vdot(_floating(mono), _floating(mono)) / max(mono.size, 1)
    if mono is not y and power <= _CANCELED * MOST**2:  # above this the channels cannot lie 60 dB higher
        before = np.mean(np.square(y, dtype=np.float64))
        if before > 0 and power <= _CANCELED * before:
            raise AudioError(
                f"{name} has channels that cancel: each is sound, and their average is silent, as when a cable was "
                "wired the wrong way round. Invert one channel or take one alone (mono=False and y[0])."
            )
    return mono


def resample(y: np.ndarray, sr_in: float, sr_out: float) -> np.ndarray:
    """Change the sampling rate with an anti-alias filter (soxr, very high quality).

    Parameters
    ----------
    y : array, shape (N,) or (channels, N)
    sr_in, sr_out : sampling rates in Hz

    Returns
    -------
    array, shape (..., about N · sr_out / sr_in)

    Notes
    -----
    Taught in: 01_sampling_and_quantization
    """
    if sr_in <= 0 or sr_out <= 0:
        raise AudioError(f"Sampling rates are positive numbers of hertz, not {sr_in} and {sr_out}.")
    if sr_in == sr_out:
        return y
    return soxr.resample(np.asarray(y).T, sr_in, sr_out, quality="VHQ").T


def peak_normalize(y: np.ndarray, *, peak_db: float = -1.0) -> np.ndarray:
    """Scale ``y`` so that its largest absolute sample is ``peak_db`` dB below full scale. Silence stays silence."""
    y = _floating(y)
    peak = np.max(np.abs(y), initial=0.0)
    return y if peak == 0 else (y / peak * 10 ** (peak_db / 20)).astype(y.dtype)


def _floating(y: np.ndarray) -> np.ndarray:
    # A gain of whole numbers would round to whole numbers again.
    y = np.asarray(y)
    return y if np.issubdtype(y.dtype, np.floating) else y.astype(np.float32)


def loudness(y: np.ndarray, sr: int) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4, by pyloudnorm).

    A sound shorter than the standard's 400 ms block is repeated to fill one. Silence, and all below the
    standard's gate of -70 LUFS, is -inf.
    """
    y = to_mono(np.asarray(y))
    block = int(np.ceil(0.4 * sr)) + 1
    if 0 < y.size < block:
        y = np.tile(y, -(-block // y.size))
    return float(pyloudnorm.Meter(sr).integrated_loudness(y.astype(np.float64))) if np.any(y) else -np.inf


def loudness_normalize(y: np.ndarray, sr: int, *, target: float = -23.0, peak_db: float = -1.0) -> np.ndarray:
    """Scale ``y`` to ``target`` LUFS, or as near to it as a peak of ``peak_db`` dB allows. Silence stays silence.

    Parameters
    ----------
    y : array, shape (N,) or (channels, N)
    sr : sampling rate in Hz
    target : LUFS (EBU R 128 broadcasts at -23)
    """
    y = _floating(y)
    measured = loudness(y, sr)
    if not np.isfinite(measured):
        return y
    gain = min(10 ** ((target - measured) / 20), 10 ** (peak_db / 20) / np.max(np.abs(y)))
    return (y * gain).astype(y.dtype)
