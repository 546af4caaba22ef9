"""From samples to features: thin over librosa, with this course's defaults and errors.

:mod:`~musiclib.features.spectral` is of one sound, :mod:`~musiclib.features.segments` of many pieces of one sound at
once, and :func:`extract` of a whole data set.
"""

from musiclib.features.corpus import FeatureError, Features, extract, statistics
from musiclib.features.segments import KINDS
from musiclib.features.spectral import (
    HOP_LENGTH,
    N_FFT,
    griffin_lim,
    istft,
    magnitude_from_mel,
    mel_filterbank,
    mel_from_mfcc,
    mel_spectrogram,
    mfcc,
    power_to_db,
    spectral_convergence,
    stft,
)

__all__ = [
    "HOP_LENGTH",
    "KINDS",
    "N_FFT",
    "FeatureError",
    "Features",
    "extract",
    "griffin_lim",
    "istft",
    "magnitude_from_mel",
    "mel_filterbank",
    "mel_from_mfcc",
    "mel_spectrogram",
    "mfcc",
    "power_to_db",
    "spectral_convergence",
    "statistics",
    "stft",
]
