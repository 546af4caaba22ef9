"""What stands between a sound and its recording: a room, and the equalizer of a microphone or an amplifier."""

import numpy as np
import scipy.fft
import scipy.signal

BANDS = np.array([60, 200, 600, 1_800, 5_400])  # Hz: where the equalizer of a microphone is drawn


def room(sr: int, reverberation: float, distance: float, *, seed: int = 0) -> np.ndarray:
    """The response of a room to one click: the direct sound, then noise that dies away, high frequencies first.

    Parameters
    ----------
    sr : sampling rate in Hz
    reverberation : s in which the sound falls by 60 dB, positive
    distance : energy of all that follows over that of the direct sound; 0 is no room

    Returns
    -------
    float64 array, shape (round(reverberation · sr) + 1,), beginning with the direct sound at 1

    Raises
    ------
    ValueError
        If ``reverberation`` is not positive or ``distance`` is negative.
    """
    if reverberation <= 0 or distance < 0:
        raise ValueError(f"reverberation={reverberation}, distance={distance}: expected > 0 s and ≥ 0.")
    rng = np.random.default_rng((seed, 2))
    t = np.arange(1, round(reverberation * sr) + 1) / sr
    noise = rng.normal(0, 1, len(t))
    dull = scipy.signal.lfilter([0.3], [1, -0.7], noise)
    bright = noise * 10 ** (-6 * t / reverberation)  # walls and air take the treble three times as fast
    tail = (bright + dull) * 10 ** (-3 * t / reverberation) * (1 - np.exp(-t / 0.01))
    return np.concatenate([[1.0], tail * np.sqrt(distance / np.sum(tail**2))])


def equalize(y: np.ndarray, sr: int, gains: tuple[float, ...]) -> np.ndarray:
    """Louder here and softer there: an equalizer with a gain at each of ``BANDS``, by a product of spectra.

    Parameters
    ----------
    y : float array, shape (N,)
    sr : sampling rate in Hz
    gains : dB at 60, 200, 600, 1800 and 5400 Hz, straight lines between them on a logarithmic axis of frequency

    Returns
    -------
    float array, shape (N,)

    Raises
    ------
    ValueError
        If there is not one gain for each of ``BANDS``.
    """
    if len(gains) != len(BANDS):
        raise ValueError(f"{len(gains)} gains: expected one in dB at each of {', '.join(map(str, BANDS))} Hz.")
    # Room for the filter's own ringing, and a length without large prime factors: others take forty times as long.
    length = scipy.fft.next_fast_len(len(y) + 4_096, real=True)
    hertz = scipy.fft.rfftfreq(length, 1 / sr)
    curve = np.interp(np.log(np.maximum(hertz, 1.0)), np.log(BANDS), gains)
    return scipy.fft.irfft(scipy.fft.rfft(y, length) * 10 ** (curve / 20), length)[: len(y)]
