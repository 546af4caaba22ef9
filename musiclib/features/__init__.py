"""From samples to features: thin over librosa, with this course's defaults and errors.

:mod:`~musiclib.features.spectral` and :mod:`~musiclib.features.intervals` are of one sound,
:mod:`~musiclib.features.segments` of many pieces of one sound at once, and :func:`extract` of a whole data set.
"""

from musiclib.features.corpus import FeatureError, Features, extract, statistics
from musiclib.features.intervals import (
    INTERVAL_PARTS,
    INTERVAL_STEPS,
    interval_autocorrelation,
    interval_numbers,
    pulse,
    semitone_level,
    standing_out,
)
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
from musiclib.features.tagging import tagger_patches

__all__ = [
    "HOP_LENGTH",
    "INTERVAL_PARTS",
    "INTERVAL_STEPS",
    "KINDS",
    "N_FFT",
    "FeatureError",
    "Features",
    "extract",
    "griffin_lim",
    "interval_autocorrelation",
    "interval_numbers",
    "istft",
    "magnitude_from_mel",
    "mel_filterbank",
    "mel_from_mfcc",
    "mel_spectrogram",
    "mfcc",
    "power_to_db",
    "pulse",
    "semitone_level",
    "spectral_convergence",
    "standing_out",
    "statistics",
    "stft",
    "tagger_patches",
]
