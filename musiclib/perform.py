"""A score as somebody plays it and a microphone hears it, so that no recording is told by its tempo, level or room.

The steps can be heard one by one: :func:`draw` a manner of playing, :func:`interpret` the written notes in it,
let ``render`` sound them, :func:`record` that sound in a room. :func:`perform` does all four.
"""

from typing import NamedTuple

import numpy as np
import scipy.signal

from musiclib import acoustics, render
from musiclib.symbolic import ScoreError

_QUIETEST, _LOUDEST = 20, 120  # MIDI velocities of a player who neither whispers nor breaks a string


class Manner(NamedTuple):
    """One performance's way of playing and of being recorded; drawn by :func:`draw`, the same way for every label."""

    rate: float  # onsets a second, a chord counting once: the tempo that one hears, however the notes are written
    tuning: float  # cents above 440 Hz
    drift: float  # how far the tempo wanders: standard deviation of its logarithm
    looseness: float  # s: standard deviation of an onset about the beat
    accent: float  # MIDI velocity added on a downbeat
    touch: float  # MIDI velocity of an unaccented note
    arch: float  # MIDI velocity that a phrase of four measures rises and falls by
    articulation: float  # sounding part of a written duration
    reverberation: float  # s: time in which the room's sound falls by 60 dB
    distance: float  # energy of the room over that of the direct sound
    equalizer: tuple[float, ...]  # dB at 60, 200, 600, 1800 and 5400 Hz
    noise: float  # dB: noise floor below the music
    level: float  # dB: RMS of the recording below full scale
    seed: int  # for the noise in timing, touch and room


def draw(seed: int) -> Manner:
    """A manner of playing, drawn by ``seed`` alone, so that it knows nothing of the music or its label.

    Notes
    -----
    The ranges are those of ordinary recordings: A between 433 and 447 Hz, onsets within about 20 ms of the beat,
    rooms from a studio to a small hall.
    """
    rng = np.random.default_rng(seed)
    return Manner(
        rate=float(np.exp(rng.uniform(np.log(2.0), np.log(5.0)))),
        tuning=float(rng.uniform(-28, 28)),
        drift=float(rng.uniform(0.01, 0.05)),
        looseness=float(rng.uniform(0.003, 0.015)),
        accent=float(rng.uniform(8, 24)),
        touch=float(rng.uniform(52, 78)),
        arch=float(rng.uniform(2, 14)),
        articulation=float(rng.uniform(0.8, 1.0)),
        reverberation=float(np.exp(rng.uniform(np.log(0.2), np.log(1.2)))),
        distance=float(rng.uniform(0.05, 0.5)),
        equalizer=tuple(float(g) for g in rng.normal(0, 3, len(acoustics.BANDS))),
        noise=float(rng.uniform(-75, -50)),
        level=float(rng.uniform(-34, -24)),
        seed=seed,
    )


def metrical_weight(onsets: np.ndarray, measures: np.ndarray) -> np.ndarray:
    """How strong a place in its measure each onset has.

    Parameters
    ----------
    onsets : in quarter notes since the beginning, shape (notes,)
    measures : of dtype ``symbolic.MEASURE``, from ``symbolic.measures``

    Returns
    -------
    float array, shape (notes,): 1 on the downbeat, 1/2 in the middle of a measure of two or four beats, 1/4 on every
    other beat, 1/8 halfway (in a compound meter, a third of the way) through a beat, else 0
    """
    place = np.maximum(np.searchsorted(measures["onset"], onsets + 1e-6, side="right") - 1, 0)
    bar, beat = measures["length"][place], measures["beat"][place]
    within = (onsets - measures["onset"][place]) % bar
    part_of_beat = np.where(np.isclose(beat * 2 % 3, 0), beat / 3, beat / 2)

    def falls_on(grid):
        off = within % grid
        return np.minimum(off, grid - off) < 1e-3

    weight = np.where(falls_on(part_of_beat), 1 / 8, 0.0)
    weight = np.where(falls_on(beat), 1 / 4, weight)
    weight = np.where(np.isclose(bar / beat % 2, 0) & falls_on(bar / 2), 1 / 2, weight)
    return np.where(falls_on(bar), 1.0, weight)


def interpret(notes: np.ndarray, measures: np.ndarray, manner: Manner) -> np.ndarray:
    """The written notes as this manner plays them.

    Parameters
    ----------
    notes : of dtype ``symbolic.NOTE`` with times in quarter notes, which is ``symbolic.notes(score, bpm=60)``
    measures : the measures of the same score, from ``symbolic.measures``; an excerpt keeps the whole score's
    manner : from :func:`draw`

    Returns
    -------
    array of dtype ``symbolic.NOTE``, times in seconds from the first note, in the order of ``notes``.
    Tempo is set so that ``manner.rate`` onsets come in a second on average.

    Raises
    ------
    ScoreError
        If there are no notes, or fewer than two onsets.
    """
    rng = np.random.default_rng((manner.seed, 1))
    moments, at = np.unique(np.round(notes["onset"], 4), return_inverse=True)
    if len(moments) < 2:
        raise ScoreError(f"A performance needs at least two onsets; these notes have {len(moments)}.")
    seconds = _clock(moments, manner, rng)
    onset = seconds[at]
    end = np.interp(np.round(notes["onset"] + notes["duration"], 4), *_extended(moments, seconds))
    # The hands share one deviation; fingers differ by less.
    together = rng.normal(0, manner.looseness, len(moments))[at]
    apart = rng.normal(0, manner.looseness / 2, len(notes))
    played = notes.copy()
    played["onset"] = np.maximum(onset + np.clip(together + apart, -0.03, 0.03), 0.0)
    played["duration"] = np.maximum((end - onset) * manner.articulation, 0.04)
    place = np.searchsorted(measures["onset"], notes["onset"] + 1e-6, side="right")
    velocity = (
        manner.touch
        + manner.accent * metrical_weight(notes["onset"], measures)
        + manner.arch * np.sin(np.pi * (place % 4) / 4)
        + rng.normal(0, 3, len(notes))
    )
    played["velocity"] = np.clip(np.round(velocity), _QUIETEST, _LOUDEST)
    return played


def _clock(moments: np.ndarray, manner: Manner, rng: np.random.Generator) -> np.ndarray:
    """Seconds at which the onsets fall: a tempo that wanders slowly about its mean, a step an onset."""
    remembers = 0.9
    wander = scipy.signal.lfilter([np.sqrt(1 - remembers**2)], [1, -remembers], rng.normal(0, 1, len(moments) - 1))
    steps = np.diff(moments) * np.exp(manner.drift * wander)
    elapsed = np.concatenate([[0.0], np.cumsum(steps)])
    return elapsed * (len(moments) - 1) / manner.rate / elapsed[-1]


def _extended(moments: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same clock beyond the last onset, at the mean tempo: for the ends of the last notes."""
    tempo = seconds[-1] / (moments[-1] - moments[0])
    return np.append(moments, moments[-1] + 1e3), np.append(seconds, seconds[-1] + 1e3 * tempo)


def record(y: np.ndarray, sr: int, manner: Manner) -> np.ndarray:
    """A dry sound as a microphone in a room hears it: room, equalizer, noise floor, level.

    Parameters
    ----------
    y : float array, shape (N,)
    sr : sampling rate in Hz
    manner : from :func:`draw`

    Returns
    -------
    float32 array, shape (N,), its RMS at ``manner.level`` dB, or lower where its peak would pass -0.1 dB

    Raises
    ------
    ValueError
        If ``y`` is empty or silent.
    """
    if not np.any(y):
        raise ValueError("There is nothing to record: the sound is empty or silent.")
    response = acoustics.room(sr, manner.reverberation, manner.distance, seed=manner.seed)
    heard = scipy.signal.fftconvolve(y, response)[: len(y)]
    heard = acoustics.equalize(heard, sr, manner.equalizer)
    rng = np.random.default_rng((manner.seed, 3))
    # Hiss and hum: noise that is stronger toward the bass, as air conditioning and amplifiers make it.
    hiss = scipy.signal.lfilter([1.0], [1, -0.8], rng.normal(0, 1, len(y)))
    rms = np.sqrt(np.mean(np.square(heard)))
    heard = heard + hiss * rms / np.std(hiss) * 10 ** (manner.noise / 20)
    gain = 10 ** (manner.level / 20) / np.sqrt(np.mean(np.square(heard)))
    return (heard * min(gain, 10 ** (-0.1 / 20) / np.max(np.abs(heard)))).astype(np.float32)


def sound(played: np.ndarray, manner: Manner, instruments: str | list[str] = "piano", *, sr: int) -> np.ndarray:
    """Notes in seconds, on instruments tuned as this manner has it; dry.

    Parameters
    ----------
    played : of dtype ``symbolic.NOTE``, times in seconds, such as from :func:`interpret`
    manner : from :func:`draw`
    instruments : as for ``render.render``
    sr : sampling rate in Hz

    Returns
    -------
    float32 array, shape (N,), as long as the notes and their release
    """
    # Sounded at another rate and heard at `sr`, the recording is out of tune by the ratio, and as much faster.
    ratio = 2 ** (manner.tuning / 1200)
    slower = played.copy()
    slower["onset"] *= ratio
    slower["duration"] *= ratio
    return render.render(slower, instruments, sr=round(sr / ratio), reverb=0.0)


def perform(
    notes: np.ndarray,
    measures: np.ndarray,
    instruments: str | list[str] = "piano",
    *,
    seed: int = 0,
    sr: int = 22_050,
    seconds: float | None = None,
) -> np.ndarray:
    """Play written notes and record them: the manner drawn by ``seed``, then interpreted, rendered and recorded.

    Parameters
    ----------
    notes, measures : as for :func:`interpret`
    instruments : as for ``render.render``
    seed : another seed is another performance
    sr : sampling rate in Hz
    seconds : play as much as fills this time, without an end; None plays all

    Returns
    -------
    float32 array, shape (round(seconds · sr),), or as long as the piece. Equal arguments give equal bytes.

    Raises
    ------
    ScoreError
        If the notes are too few, or end before ``seconds``.
    ValueError
        As ``render.render``.
    """
    manner = draw(seed)
    played = interpret(notes, measures, manner)
    ends = float(np.max(played["onset"] + played["duration"]))
    if seconds is not None:
        if ends < seconds:
            raise ScoreError(f"This performance lasts {ends:.1f} s, and {seconds:g} s were asked for.")
        played = played[played["onset"] < seconds]
    y = sound(played, manner, instruments, sr=sr)
    if seconds is not None:
        samples = round(seconds * sr)
        y = np.pad(y[:samples], (0, max(0, samples - len(y))))  # it may end with a rest
    return record(y, sr, manner)
