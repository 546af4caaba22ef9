"""Variants of the same music for a model to learn from: of a sound, of a spectrogram, of a pair of examples.

Every function is pure: what is random comes from ``seed``, an integer, or a ``numpy.random.Generator``, which moves
on. Equal seeds give equal bytes, and no global state is read or set.

audiomentations has many more, and was not taken: its transforms draw from the global states of ``random`` and NumPy,
so that what a call gives depends on all calls before it, and it asks for ``soxr<1`` and three compiled packages.
Stretching and shifting are librosa's phase vocoder, which is made of the STFT of chapter 03.
"""

from typing import NamedTuple

import librosa
import numpy as np
import scipy.fft
import scipy.signal

from musiclib import acoustics, audio, features

Seed = int | np.random.Generator


def _sound(y: np.ndarray) -> np.ndarray:
    """``y`` as float32, shape (N,), or an error that says what it is instead. Silence is a sound."""
    y = np.asarray(y, dtype=np.float32)
    if y.ndim != 1:
        raise audio.AudioError(f"The signal has shape {y.shape}, expected (N,): mix it down with audio.to_mono first.")
    if y.size == 0 or not np.all(np.isfinite(y)):
        audio.check(y)
    return y


def _finite(name: str, value: float, unit: str) -> float:
    if not np.isfinite(value):
        raise ValueError(f"{name}={value}: expected a finite number of {unit}.")
    return float(value)


# ---------------------------------------------------------------- one change of a sound


def gain(y: np.ndarray, db: float) -> np.ndarray:
    """Louder or softer by ``db`` decibels. Keeps every label but loudness itself.

    Parameters
    ----------
    y : array, shape (N,)
    db : 6 doubles the amplitude, nearly

    Returns
    -------
    float32 array, shape (N,); it may pass full scale, for nothing is clipped

    Raises
    ------
    AudioError
        If ``y`` is not one-dimensional, is empty or holds NaN.
    ValueError
        If ``db`` is not finite.

    Notes
    -----
    Taught in: 09_augmentation
    """
    return _sound(y) * np.float32(10 ** (_finite("db", db, "decibels") / 20))


def time_stretch(y: np.ndarray, rate: float) -> np.ndarray:
    """Faster or slower at the same pitch, by a phase vocoder.

    Keeps instrument, key and notes; not the tempo, nor what goes by tempo: a dance, a genre, times of beats.

    Parameters
    ----------
    y : array, shape (N,)
    rate : 2 is twice as fast, and half as long

    Returns
    -------
    float32 array, shape (round(N / rate),), at least one sample

    Raises
    ------
    AudioError
        If ``y`` is not one-dimensional, is empty or holds NaN.
    ValueError
        If ``rate`` is not positive and finite.

    References
    ----------
    Flanagan and Golden, "Phase vocoder", Bell System Technical Journal 45(9), 1966,
    doi:10.1002/j.1538-7305.1966.tb01706.x. The implementation is librosa's.

    Notes
    -----
    Taught in: 09_augmentation
    """
    y = _sound(y)
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"rate={rate}: expected a positive number; 2 is twice as fast, 0.5 half as fast.")
    stretched = librosa.effects.time_stretch(_frame_long(y), rate=rate)
    return stretched[: max(1, round(y.size / rate))].astype(np.float32)


def pitch_shift(y: np.ndarray, semitones: float) -> np.ndarray:
    """Higher or lower at the same tempo: stretched by a phase vocoder, then resampled to the old length.

    Keeps tempo, rhythm and intervals; not key and pitches, which a transcription must move along. Overtones move with
    the notes, and so does the instrument's body: beyond a few semitones another instrument is heard.

    Parameters
    ----------
    y : array, shape (N,); no sampling rate is needed, for an interval is a ratio
    semitones : upward; fractions are tunings

    Returns
    -------
    float32 array, shape (N,)

    Raises
    ------
    AudioError
        If ``y`` is not one-dimensional, is empty or holds NaN.
    ValueError
        If ``semitones`` is not finite, or beyond four octaves.

    Notes
    -----
    Taught in: 09_augmentation
    """
    y = _sound(y)
    if abs(_finite("semitones", semitones, "semitones")) > 48:
        raise ValueError(f"semitones={semitones}: expected from -48 to 48, four octaves either way.")
    # The rate given to librosa only sets a ratio.
    shifted = librosa.effects.pitch_shift(_frame_long(y), sr=22_050, n_steps=semitones)
    return shifted[: y.size].astype(np.float32)


def _frame_long(y: np.ndarray) -> np.ndarray:
    """At least a frame of the phase vocoder, filled with silence."""
    return np.pad(y, (0, max(0, features.N_FFT - y.size)))


def mix(y: np.ndarray, other: np.ndarray, snr: float) -> np.ndarray:
    """``y`` with another sound under it, ``snr`` decibels softer: noise, a crowd, the neighbor's piano.

    Keeps the labels of ``y`` as long as one hears it.

    Parameters
    ----------
    y, other : arrays, shape (N,)
    snr : dB, mean power of ``y`` over that of ``other`` as mixed; 0 is equally loud

    Returns
    -------
    float32 array, shape (N,). Where one of the two is silent, ``y`` as it is: no gain gives the ratio.

    Raises
    ------
    AudioError
        If a sound is not one-dimensional, is empty or holds NaN.
    ValueError
        If the lengths differ or ``snr`` is not finite.

    Notes
    -----
    Taught in: 09_augmentation
    """
    y, other = _sound(y), _sound(other)
    if y.shape != other.shape:
        raise ValueError(f"{y.size} and {other.size} samples: expected two sounds of one length. Cut the longer one.")
    powers = [float(np.mean(np.square(part, dtype=np.float64))) for part in (y, other)]
    ratio = 10 ** (_finite("snr", snr, "decibels") / 20)
    if min(powers) == 0:
        return y.copy()
    return (y + other * (np.sqrt(powers[0] / powers[1]) / ratio)).astype(np.float32)


def noise(y: np.ndarray, snr: float, *, slope: float = 0.0, seed: Seed = 0) -> np.ndarray:
    """Noise under the sound, ``snr`` decibels softer; see :func:`mix` for the labels that it keeps.

    Parameters
    ----------
    y : array, shape (N,)
    snr : dB, mean power of ``y`` over that of the noise
    slope : dB an octave: 0 is white noise, -3 pink, -6 brown, the rumble of traffic and air conditioning
    seed : an integer, or a generator, which moves on

    Returns
    -------
    float32 array, shape (N,)

    Raises
    ------
    AudioError
        If ``y`` is not one-dimensional, is empty or holds NaN.
    ValueError
        If ``snr`` or ``slope`` is not finite.

    Notes
    -----
    Taught in: 09_augmentation
    """
    y = _sound(y)
    slope = _finite("slope", slope, "decibels an octave")
    white = np.random.default_rng(seed).standard_normal(y.size)
    if slope == 0:
        return mix(y, white, snr)
    length = scipy.fft.next_fast_len(y.size, real=True)
    spectrum = scipy.fft.rfft(white, length)
    octave = np.log2(np.maximum(np.arange(spectrum.size), 1) / spectrum.size)
    spectrum[0] = 0  # a rumble of 0 Hz is an offset
    return mix(y, scipy.fft.irfft(spectrum * 10 ** (slope * octave / 20), length)[: y.size], snr)


def room(y: np.ndarray, sr: int, reverberation: float, distance: float, *, seed: Seed = 0) -> np.ndarray:
    """The sound in a room, by convolution with ``acoustics.room``. Keeps every label but that of the place.

    Parameters
    ----------
    y : array, shape (N,)
    sr : sampling rate in Hz
    reverberation : s in which the room's sound falls by 60 dB, positive
    distance : energy of the room's sound over that of the direct one; 0 is no room

    Returns
    -------
    float32 array, shape (N,): what rings on after the end is cut

    Raises
    ------
    AudioError
        If ``y`` is not one-dimensional, is empty or holds NaN.
    ValueError
        If ``reverberation`` is not positive or ``distance`` is negative.

    Notes
    -----
    Taught in: 09_augmentation
    """
    y = _sound(y)
    response = acoustics.room(sr, reverberation, distance, seed=_integer(seed))
    return scipy.signal.fftconvolve(y, response)[: y.size].astype(np.float32)


def _integer(seed: Seed) -> int:
    return int(seed.integers(2**32)) if isinstance(seed, np.random.Generator) else seed


def equalize(y: np.ndarray, sr: int, gains: tuple[float, ...]) -> np.ndarray:
    """Another microphone or tone control: ``acoustics.equalize``. Keeps every label within several dB.

    Parameters
    ----------
    y : array, shape (N,)
    sr : sampling rate in Hz
    gains : dB at each of ``acoustics.BANDS``: 60, 200, 600, 1800 and 5400 Hz

    Returns
    -------
    float32 array, shape (N,)

    Raises
    ------
    AudioError
        If ``y`` is not one-dimensional, is empty or holds NaN.
    ValueError
        If there is not one gain for each band.

    Notes
    -----
    Taught in: 09_augmentation
    """
    return acoustics.equalize(_sound(y), sr, gains).astype(np.float32)


# ---------------------------------------------------------------- all of them, drawn


class Ranges(NamedTuple):
    """What :func:`waveform` draws from, each (low, high); None leaves the step out. In the order in which they act."""

    rate: tuple[float, float] | None = (0.9, 1.1)  # time stretch
    semitones: tuple[float, float] | None = (-0.5, 0.5)  # pitch shift: a tuning, within any label but pitch
    reverberation: tuple[float, float] | None = (0.2, 1.2)  # s, drawn on a logarithmic axis
    distance: tuple[float, float] = (0.05, 0.5)  # of the same room: energy over the direct sound's
    equalizer: tuple[float, float] | None = (-6.0, 6.0)  # dB, at each of the bands
    snr: tuple[float, float] | None = (15.0, 45.0)  # dB, of noise
    slope: tuple[float, float] = (-6.0, 0.0)  # dB an octave, of the same noise: from brown to white
    db: tuple[float, float] | None = (-6.0, 6.0)  # gain


def waveform(y: np.ndarray, sr: int, *, seed: Seed = 0, ranges: Ranges = Ranges()) -> np.ndarray:  # noqa: B008
    """A sound changed by all steps that ``ranges`` names, as it comes to us: player, room, microphone, amplifier.

    Keeps the labels that every step in it keeps: leave out those that touch yours.

    Parameters
    ----------
    y : array, shape (N,), or (batch, N): each row has draws of its own
    sr : sampling rate in Hz
    seed : an integer, or a generator, which moves on: the next call draws anew
    ranges : what to draw from

    Returns
    -------
    float32 array of the shape of ``y``. What a stretch makes longer is cut at a random place; shorter, it is followed
    by silence.

    Raises
    ------
    AudioError
        If a sound is empty or holds NaN, or ``y`` has more than two axes.
    ValueError
        If a range runs backward or leaves what its step takes.

    Notes
    -----
    Taught in: 09_augmentation
    """
    for name, ends in ranges._asdict().items():
        if ends is not None and not ends[0] <= ends[1]:
            raise ValueError(f"{name}={ends}: expected (low, high).")
        if name in ("rate", "reverberation") and ends is not None and not ends[0] > 0:
            raise ValueError(f"{name}={ends}: expected positive numbers.")
    rng = np.random.default_rng(seed)
    y = np.asarray(y)
    if y.ndim == 2 and len(y):
        return np.stack([_changed(row, sr, rng, ranges) for row in y])
    return _changed(y, sr, rng, ranges)


def _changed(y: np.ndarray, sr: int, rng: np.random.Generator, ranges: Ranges) -> np.ndarray:
    y = _sound(y)
    size = y.size
    rate = rng.uniform(*ranges.rate) if ranges.rate else 1.0
    semitones = rng.uniform(*ranges.semitones) if ranges.semitones else 0.0
    if ranges.rate:
        # One vocoder for both: stretched so far that resampling to the shift leaves the rate.
        y = time_stretch(y, rate / 2 ** (semitones / 12))
        y = audio.resample(y, 2 ** (semitones / 12), 1.0)
        start = int(rng.integers(max(1, y.size - size + 1)))
        y = np.pad(y[start : start + size], (0, max(0, size - y.size)))
    elif ranges.semitones:
        y = pitch_shift(y, semitones)
    if ranges.reverberation:
        seconds = np.exp(rng.uniform(*np.log(ranges.reverberation)))
        y = room(y, sr, seconds, rng.uniform(*ranges.distance), seed=rng)
    if ranges.equalizer:
        y = equalize(y, sr, tuple(rng.uniform(*ranges.equalizer, len(acoustics.BANDS))))
    if ranges.snr:
        y = noise(y, rng.uniform(*ranges.snr), slope=rng.uniform(*ranges.slope), seed=rng)
    if ranges.db:
        y = gain(y, rng.uniform(*ranges.db))
    return y


# ---------------------------------------------------------------- spectrograms and pairs


def spec_augment(
    S: np.ndarray,
    *,
    frequency_masks: int = 2,
    frequency_width: int = 8,
    time_masks: int = 2,
    time_width: int = 16,
    fill: float | None = None,
    seed: Seed = 0,
) -> np.ndarray:
    """Bands and stretches of time hidden from a spectrogram: SpecAugment, without its time warping.

    Keeps labels that the rest still shows: instrument, composer, genre; not those of single notes or beats.

    Parameters
    ----------
    S : levels, shape (bands, frames), or (batch, bands, frames): each example has masks of its own
    frequency_masks, time_masks : how many; they may overlap
    frequency_width, time_width : most bands, most frames of one mask; its width is drawn from 0 to this
    fill : what stands in the masks; None is the mean of each example, the zero of standardized levels
    seed : an integer, or a generator, which moves on

    Returns
    -------
    float32 array of the shape of ``S``

    Raises
    ------
    ValueError
        If ``S`` has another number of axes or is empty, a count or width is negative, or a mask could hide everything.

    References
    ----------
    Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition", Interspeech 2019,
    doi:10.21437/Interspeech.2019-2680, whose time warping helped least at the highest cost.

    Notes
    -----
    Taught in: 09_augmentation
    """
    S = np.asarray(S, dtype=np.float32)
    if S.ndim not in (2, 3) or S.size == 0:
        raise ValueError(f"A spectrogram of shape {S.shape}: expected (bands, frames) or (batch, bands, frames).")
    bands, frames = S.shape[-2:]
    for name, count, width, size in (
        ("frequency", frequency_masks, frequency_width, bands),
        ("time", time_masks, time_width, frames),
    ):
        if count < 0 or not 0 <= width < size:
            raise ValueError(
                f"{name}_masks={count}, {name}_width={width}: expected a count from 0 and a width from 0 to "
                f"{size - 1}, for the spectrogram has {size} {'bands' if name == 'frequency' else 'frames'}."
            )
    rng = np.random.default_rng(seed)
    batch = S.reshape(-1, bands, frames)
    hidden = _masks(rng, len(batch), frequency_masks, frequency_width, bands)[:, :, None]
    hidden = hidden | _masks(rng, len(batch), time_masks, time_width, frames)[:, None, :]
    value = batch.mean(axis=(1, 2), keepdims=True) if fill is None else np.float32(fill)
    return np.where(hidden, value, batch).reshape(S.shape)


def _masks(rng: np.random.Generator, examples: int, count: int, width: int, size: int) -> np.ndarray:
    """Which of ``size`` rows are hidden, bool, shape (examples, size): first all widths are drawn, then all places."""
    widths = rng.integers(0, width + 1, (examples, count, 1))
    starts = rng.integers(0, size - widths + 1)
    row = np.arange(size)
    return np.any((row >= starts) & (row < starts + widths), axis=1)


def mixup(X: np.ndarray, Y: np.ndarray, *, alpha: float = 0.2, seed: Seed = 0) -> tuple[np.ndarray, np.ndarray]:
    """Each example mixed with another of its batch, and their labels in the same shares.

    Keeps no label: it mixes them. λ is drawn from Beta(alpha, alpha) for each; X' = λ X + (1 - λ) X[partner], Y' alike.

    Parameters
    ----------
    X : array, shape (batch, ...): sounds or spectrograms
    Y : labels as shares, shape (batch, classes): one-hot, or mixed before
    alpha : positive; small keeps most examples nearly as they are, 1 makes every share as likely
    seed : an integer, or a generator, which moves on

    Returns
    -------
    (X', Y'), float32, of the same shapes

    Raises
    ------
    ValueError
        If the lengths differ, ``Y`` is not of shape (batch, classes), or ``alpha`` is not positive.

    References
    ----------
    Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018, arXiv:1710.09412.

    Notes
    -----
    Taught in: 09_augmentation
    """
    X, Y = np.asarray(X, dtype=np.float32), np.asarray(Y, dtype=np.float32)
    if Y.ndim != 2 or len(X) != len(Y):
        raise ValueError(f"X {X.shape} and Y {Y.shape}: expected (batch, ...) and (batch, classes), labels as one-hot.")
    if not (np.isfinite(alpha) and alpha > 0):
        raise ValueError(f"alpha={alpha}: expected a positive number.")
    rng = np.random.default_rng(seed)
    partner = rng.permutation(len(X))
    share = rng.beta(alpha, alpha, len(X)).astype(np.float32)
    lam = share.reshape(-1, *[1] * (X.ndim - 1))
    return lam * X + (1 - lam) * X[partner], share[:, None] * Y + (1 - share[:, None]) * Y[partner]
