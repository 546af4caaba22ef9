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
from musiclib.audio.levels import mix, resample, to_mono

_MP3_MEMORY = 32 * 1152  # samples: 511 bytes, the most that a frame leans on, are less than 32 of the smallest frames


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
        # Of the others the container has been compared with the file already.
        if info.format == "FLAC":
            _samples(parts, info.frames - 1, info.frames)
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
        raise _truncated(path, stop - start, y.shape[1])
    return y, info


def _truncated(path: Path, promised: int, held: int) -> AudioError:
    return AudioError(
        f"{path} is truncated: {held:,} of {promised:,} samples could be read. Copy or download it again."
    )


def _samples(parts: list[sf.SoundFile], start: int, stop: int) -> np.ndarray:
    """What lies from ``start`` to ``stop`` in parts that follow each other: float32, shape (channels, N)."""
    found = []
    for part in parts:
        length = _length(part, parts[0].samplerate)
        first, last = max(start, 0), min(stop, length)
        if first < last:
            alike = (part.samplerate, part.channels) == (parts[0].samplerate, parts[0].channels)
            found.append(_excerpt(part, first, last) if alike else _as(parts[0], part)[:, first:last])
        start, stop = start - length, stop - length
    return found[0] if len(found) == 1 else np.concatenate(found, axis=1)


def _length(part: sf.SoundFile, sr: int) -> int:
    return part.frames if part.samplerate == sr else round(part.frames * sr / part.samplerate)


def _as(first: sf.SoundFile, part: sf.SoundFile) -> np.ndarray:
    """A whole part at the rate and with the channels of the first, as players convert it."""
    y = resample(_excerpt(part, 0, part.frames), part.samplerate, first.samplerate)
    size = _length(part, first.samplerate)
    y = np.pad(y, [(0, 0), (0, max(0, size - y.shape[1]))])[:, :size]
    return y if part.channels == first.channels else np.broadcast_to(to_mono(y), (first.channels, size))


def _excerpt(part: sf.SoundFile, first: int, last: int) -> np.ndarray:
    before = _lead(part, first)
    if part.seekable():
        part.seek(first - before)
    count = last - first + before
    if part.subtype == "PCM_16":
        # libsndfile makes the same numbers of them, but one by one, in four times the time.
        y = part.read(count, dtype="int16", always_2d=True)[before:] * np.float32(2**-15)
    else:
        y = part.read(count, dtype="float32", always_2d=True)[before:]
    return y.T


def _lead(part: sf.SoundFile, first: int) -> int:
    """How many samples before the first one must be decoded for it to be right."""
    if part.format == "MP3":  # some of a frame's bits lie in frames before it
        return min(first, _MP3_MEMORY)
    return 0 if part.seekable() else first


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[FileInfo, list[sf.SoundFile]]]:
    """What a file holds, and its parts in the order in which they sound: nearly always one."""
    if not path.is_file():
        raise FileNotFoundError(f"No sound file at {path}. Expected a WAV, FLAC, OGG or MP3 file; check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty: 0 bytes. Copy or download it again.")
    with contextlib.ExitStack() as stack:
        parts = _parts(path, stack)
        frames = sum(_length(part, parts[0].samplerate) for part in parts)
        if frames == 0:
            raise AudioError(f"{path} is empty or truncated: it holds no samples. Copy or download it again.")
        info = FileInfo(parts[0].format, parts[0].subtype, parts[0].samplerate, parts[0].channels, frames)
        try:
            yield info, parts
        except sf.SoundFileError as error:
            raise AudioError(
                f"{path} is truncated or damaged: its header promises {frames:,} samples, and not all can be read "
                f"({error}). Copy or download it again."
            ) from error


def _parts(path: Path, stack: contextlib.ExitStack) -> list[sf.SoundFile]:
    sound: sf.SoundFile | None = None
    try:
        try:
            sound = stack.enter_context(sf.SoundFile(path))
            mended = _mended(path, sound)
        except sf.SoundFileError:
            mended = _mended(path, None)
            if mended is None:
                raise
        return [sound] if mended is None else [stack.enter_context(sf.SoundFile(part)) for part in mended]
    except sf.SoundFileError as error:
        raise AudioError(
            f"{path} cannot be read as a sound ({error}). It may be truncated, or no sound file at all: "
            "expected WAV, FLAC, OGG or MP3."
        ) from error


def _mended(path: Path, sound: sf.SoundFile | None) -> list[BinaryIO] | None:
    """What to read in the file's place, where libsndfile would lose some of it; None where it reads it whole."""
    kind = sound.format if sound is not None else "MP3" if path.suffix.lower() in (".mp3", ".mp2") else ""
    if kind == "MP3":
        return mpeg.mended(path, sound)
    if kind == "OGG":
        return ogg.mended(path)
    if kind == "FLAC":
        return flac.mended(path, sound)
    return chunked.mended(path, sound)
