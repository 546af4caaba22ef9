"""Sounds from files."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import librosa
import numpy as np
import soundfile as sf

from musiclib.audio import chunked, flac, mpeg, ogg
from musiclib.audio.checks import AudioError, check
from musiclib.audio.levels import mix, resample


class FileInfo(NamedTuple):
    """What a sound file holds."""

    format: str  # as libsndfile calls it: "WAV", "FLAC", "MP3", ...
    subtype: str  # "PCM_16", "FLOAT", "VORBIS", ...
    sr: int  # hertz
    channels: int
    frames: int  # samples of each channel, exactly

    @property
    def seconds(self) -> float:
        return self.frames / self.sr


def examine(path: str | Path) -> FileInfo:
    """Say what a sound file holds, or what is wrong with it, without decoding it where its length stands in it.

    The number of samples is the one that :func:`read` gives. Whether they are numbers, silence or enough is for
    :func:`check` to say once they are read.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    AudioError
        If the file is empty, truncated, or not a sound.
    """
    path = Path(path)
    with _opened(path) as (info, parts):
        if _samples(parts, info.frames - 1, info.frames).shape[1] == 0:
            raise AudioError(
                f"{path} is truncated: its header promises {info.frames:,} samples, and the last is not there. "
                "Copy or download it again."
            )
    return info


def read(path: str | Path, *, offset: float = 0.0, duration: float | None = None) -> tuple[np.ndarray, int]:
    """Read the samples of a file as they are: float32, shape (channels, N), whatever they hold; and its rate in Hz.

    Parameters
    ----------
    offset, duration : the part to read, in seconds

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    AudioError
        If the file is empty, truncated, or not a sound, or ends before the part begins.
    """
    y, info = _read(Path(path), offset, duration)
    return y, info.sr


def load(
    path: str | Path,
    *,
    sr: int | None = None,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    min_seconds: float = 0.0,
) -> tuple[np.ndarray, int]:
    """Read a sound file: WAV, AIFF, FLAC, OGG, MP3 and what else libsndfile reads.

    Parameters
    ----------
    path : the file; or ``"librosa:NAME"``, one of librosa's example recordings such as ``"librosa:brahms"``, which is
        downloaded once where there is network
    sr : resample to this rate in Hz; None keeps the file's own
    mono : average the channels
    offset, duration : the part to read, in seconds
    min_seconds : refuse anything shorter

    Returns
    -------
    y : float32 array, shape (N,), or (channels, N) with ``mono=False``
    sr : the sampling rate of ``y`` in Hz

    Raises
    ------
    FileNotFoundError
        If there is no such file, or an example cannot be had.
    AudioError
        If the file is empty, truncated, not a sound, or holds what cannot be analyzed; see :func:`check`, and
        :func:`mix` for channels that cancel.

    Notes
    -----
    Taught in: 01_sampling_and_quantization
    """
    path = _example(str(path)[8:]) if str(path).startswith("librosa:") else Path(path)
    y, info = _read(path, offset, duration)
    y = mix(y, name=str(path)) if mono else y
    y = check(y, info.sr, name=str(path), min_seconds=min_seconds)
    return (y, info.sr) if sr is None else (resample(y, info.sr, sr), sr)


def _example(name: str) -> Path:
    try:
        return Path(librosa.ex(name))
    except librosa.ParameterError:
        raise FileNotFoundError(
            f"librosa has no example recording {name!r}. It has brahms, nutcracker, trumpet, vibeace and more."
        ) from None
    except Exception as error:  # whatever the download meets: no network, a changed file, a full disk
        raise FileNotFoundError(
            f"librosa's example {name!r} could not be downloaded ({type(error).__name__}: {error}). "
            "It needs network once; or give the path of a sound file of your own."
        ) from error


# ---------------------------------------------------------------- what is common to examine, read and load


def _read(path: Path, offset: float, duration: float | None) -> tuple[np.ndarray, FileInfo]:
    if offset < 0 or (duration is not None and duration <= 0):
        raise AudioError(f"offset={offset}, duration={duration}: expected seconds, offset ≥ 0 and duration > 0.")
    with _opened(path) as (info, parts):
        start = round(offset * info.sr)
        stop = info.frames if duration is None else min(info.frames, start + round(duration * info.sr))
        if start >= info.frames:
            raise AudioError(f"{path} lasts {info.seconds:.3f} s, so nothing starts at offset={offset:g} s.")
        y = _samples(parts, start, stop)
    if y.shape[1] < stop - start:
        raise AudioError(
            f"{path} is truncated: {y.shape[1]:,} of {stop - start:,} samples could be read. Copy or download it again."
        )
    return y, info


def _samples(parts: list[sf.SoundFile], start: int, stop: int) -> np.ndarray:
    """What lies from ``start`` to ``stop`` in parts that follow each other: float32, shape (channels, N)."""
    found = []
    for part in parts:
        first, last = max(start, 0), min(stop, part.frames)
        if first < last:
            part.seek(first)
            found.append(_next(part, last - first))
        start, stop = start - part.frames, stop - part.frames
    return found[0] if len(found) == 1 else np.concatenate(found, axis=1)


def _next(part: sf.SoundFile, count: int) -> np.ndarray:
    if part.subtype != "PCM_16":
        return part.read(count, dtype="float32", always_2d=True).T
    # libsndfile makes the same numbers of them, but one by one, in four times the time.
    return part.read(count, dtype="int16", always_2d=True).T * np.float32(2**-15)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[FileInfo, list[sf.SoundFile]]]:
    """What a file holds, and its parts in the order in which they sound: nearly always one."""
    if not path.is_file():
        raise FileNotFoundError(f"No sound file at {path}. Expected a WAV, FLAC, OGG or MP3 file; check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty: 0 bytes. Copy or download it again.")
    with contextlib.ExitStack() as stack:
        parts = _parts(path, stack)
        kinds = {(part.samplerate, part.channels) for part in parts}
        if len(kinds) > 1:
            raise AudioError(f"{path} joins sounds of different rates or channels, {sorted(kinds)}. Cut it into them.")
        frames = sum(part.frames for part in parts)
        if frames == 0:
            raise AudioError(f"{path} is empty or truncated: it holds no samples. Copy or download it again.")
        info = FileInfo(parts[0].format, parts[0].subtype, *kinds.pop(), frames)
        try:
            yield info, parts
        except sf.SoundFileError as error:
            raise AudioError(
                f"{path} is truncated or damaged: its header promises {frames:,} samples, and not all can be read "
                f"({error}). Copy or download it again."
            ) from error


def _parts(path: Path, stack: contextlib.ExitStack) -> list[sf.SoundFile]:
    sound, problem = None, None
    try:
        sound = stack.enter_context(sf.SoundFile(path))
    except sf.SoundFileError as error:
        problem = error
    mended = _mended(path, sound)
    try:
        if mended is None and sound is None:
            raise problem
        return [sound] if mended is None else [stack.enter_context(sf.SoundFile(part)) for part in mended]
    except sf.SoundFileError as error:
        raise AudioError(
            f"{path} cannot be read as a sound ({error}). It may be truncated, or no sound file at all: "
            "expected WAV, FLAC, OGG or MP3."
        ) from error


def _mended(path: Path, sound: sf.SoundFile | None) -> list[BinaryIO] | None:
    """What to read in the file's place, where libsndfile would lose some of it; None where it reads it whole."""
    kind = sound.format if sound else None
    if kind == "OGG":
        return ogg.mended(path)
    if kind == "FLAC":
        return flac.mended(path, sound.frames)
    if kind == "MP3" or (kind is None and path.suffix.lower() in (".mp3", ".mp2")):
        return mpeg.mended(path, sound)
    return chunked.mended(path, sound)
