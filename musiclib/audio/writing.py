"""Sounds to files and to bytes."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from musiclib import files
from musiclib.audio.checks import AudioError, check_finite

_SYSTEM_ERROR = 2  # libsndfile's code for what the operating system refused
_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


def save(path: str | Path, y: np.ndarray, sr: int, *, subtype: str | None = None) -> Path:
    """Write ``y``, shape (N,) or (channels, N), in the format that the name's ending says.

    The file appears whole or not at all: it is written beside its place and then moved there.

    Raises
    ------
    AudioError
        If ``y`` is empty or holds NaN, the ending names no known format, or the format cannot hold this sound.
    OSError
        If there is no such folder or the disk is full, naming the file; what was there before stays.
    """
    path = Path(path)
    kind = path.suffix.lstrip(".").upper()
    if kind == "RAW" or kind not in sf.available_formats():
        known = ", ".join(sorted(f".{k.lower()}" for k in ("WAV", "FLAC", "OGG", "MP3", "AIFF")))
        raise AudioError(f"{path}: no format is called {path.suffix!r}. Expected one of {known}.")
    check_finite(y, f"the signal for {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to write {path.name} to. Make it first.")
    if not sf.check_format(kind, subtype):
        raise AudioError(f"{path}: {kind} has no subtype {subtype!r}. Expected one of {sf.available_subtypes(kind)}.")
    files.write_whole(path, lambda part: _write(part, _rounded(y, kind, subtype), sr, kind, subtype))
    return path


def _write(path: str, y: np.ndarray, sr: int, kind: str, subtype: str | None) -> None:
    try:
        sf.write(path, y.T, sr, format=kind, subtype=subtype)
    except sf.SoundFileError as error:
        if getattr(error, "code", _SYSTEM_ERROR) == _SYSTEM_ERROR:
            raise OSError(str(error)) from error
        raise AudioError(f"{kind} cannot hold this sound at {sr} Hz ({error}).") from error


def _rounded(y: np.ndarray, kind: str, subtype: str | None = None) -> np.ndarray:
    """What is written as integers, rounded to them: libsndfile itself cuts off, which adds half a step of offset."""
    y = np.asarray(y)
    bits = _BITS.get(subtype or sf.default_subtype(kind))
    if bits is None or not np.issubdtype(y.dtype, np.floating):
        return y
    full = 2.0 ** (bits - 1)
    integers = np.clip(np.rint(np.multiply(y, full, dtype=np.float64)), -full, full - 1)
    if bits == 16:
        return integers.astype(np.int16)
    return integers.astype(np.int32) << (32 - bits)  # libsndfile takes the upper bits


def encode(y: np.ndarray, sr: int, kind: str = "MP3", *, compression: float | None = None) -> bytes:
    """The bytes of ``y`` as a sound file in memory.

    Parameters
    ----------
    y : array, shape (N,) or (channels, N)
    kind : "WAV", "FLAC", "OGG" or "MP3"
    compression : from 0 (best quality) to 1 (smallest), at a constant bit rate for MP3;
        None leaves it to the encoder, whose MP3 has a variable bit rate

    Raises
    ------
    AudioError
        If ``y`` is empty or holds NaN, the kind is unknown, or it cannot hold this sampling rate.

    Notes
    -----
    Taught in: 01_sampling_and_quantization
    """
    if kind not in ("WAV", "FLAC", "OGG", "MP3"):
        raise AudioError(f"kind={kind!r}: expected WAV, FLAC, OGG or MP3.")
    check_finite(y, "the signal to encode")
    buffer = io.BytesIO()
    options: dict[str, Any] = {} if compression is None else {"compression_level": compression}
    if kind == "MP3" and compression is not None:
        options = {"compression_level": min(compression, 0.999), "bitrate_mode": "CONSTANT"}  # LAME refuses 1
    try:
        sf.write(buffer, _rounded(y, kind).T, sr, format=kind, **options)
    except sf.LibsndfileError as error:
        raise AudioError(f"{kind} cannot hold this sound at {sr} Hz ({error.error_string})") from error
    return buffer.getvalue()


def decode(data: bytes) -> tuple[np.ndarray, int]:
    """Undo :func:`encode`: (float32 array, shape (N,) or (channels, N); sampling rate in Hz).

    Raises
    ------
    AudioError
        If the bytes are no sound.
    """
    try:
        y, sr = sf.read(io.BytesIO(data), dtype="float32")
    except sf.LibsndfileError as error:
        raise AudioError(f"These {len(data)} bytes cannot be decoded as a sound ({error.error_string})") from error
    return y.T, sr
