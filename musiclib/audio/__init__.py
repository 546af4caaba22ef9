"""Sound as an array: reading, writing, resampling, levels and quantization.

A signal is a float32 array ``y`` of shape (N,), or (channels, N) where a function says so, with values in [-1, 1];
``sr`` is its sampling rate f_s in hertz.
"""

from musiclib.audio.checks import AudioError, check
from musiclib.audio.codes import mu_law_decode, mu_law_encode, quantize
from musiclib.audio.levels import loudness, loudness_normalize, mix, peak_normalize, resample, to_mono
from musiclib.audio.reading import FileInfo, examine, load, read
from musiclib.audio.writing import decode, encode, save

__all__ = [
    "AudioError",
    "FileInfo",
    "check",
    "decode",
    "encode",
    "examine",
    "load",
    "loudness",
    "loudness_normalize",
    "mix",
    "mu_law_decode",
    "mu_law_encode",
    "peak_normalize",
    "quantize",
    "read",
    "resample",
    "save",
    "to_mono",
]
