"""Sound as an array: reading, writing, resampling, levels and quantization.

A signal is a float32 array ``y`` of shape (N,), or (channels, N) where a function says so, with values in [-1, 1];
``sr`` is its sampling rate f_s in hertz.
"""

import io
from pathlib import Path

import librosa
import numpy as np
import pyloudnorm
import soundfile as sf
import soxr

_SYSTEM_ERROR = 2  # libsndfile's code for what the operating system refused


class AudioError(ValueError):
    """A sound that cannot be used. The message names it, says what was expected and what to do."""


def check(y: np.ndarray, sr: int | None = None, *, name: str = "the signal", min_seconds: float = 0.0) -> np.ndarray:
    """Return ``y`` as it is if it can be analyzed, or say why it cannot.

    Parameters
    ----------
    y : array, shape (N,) or (channels, N)
    sr : sampling rate in Hz, needed with ``min_seconds``
    name : what to call the sound in the message
    min_seconds : shortest duration that will do

    Raises
    ------
    AudioError
        If ``y`` is empty, holds NaN or infinity, is silent, or is shorter than ``min_seconds``.
    """
    y = np.asarray(y)
    if y.size == 0:
        raise AudioError(f"{name} is empty: it has no samples. Expected a sound; check how the file was made.")
    least, most = np.min(y), np.max(y)  # both are NaN where one sample is
    if not (np.isfinite(least) and np.isfinite(most)):
        bad = int(np.sum(~np.isfinite(y)))
        raise AudioError(
            f"{name} has {bad} samples that are NaN or infinite. Expected finite numbers; export it again."
        )
    if least == most == 0:
        raise AudioError(f"{name} is silent: every sample is zero. Choose another file or another excerpt.")
    if min_seconds and y.shape[-1] < min_seconds * sr:
        raise AudioError(
            f"{name} is too short: {y.shape[-1] / sr:.3f} s, expected at least {min_seconds:g} s. Choose a longer one."
        )
    return y


def _finite(y: np.ndarray, name: str) -> None:
    """As :func:`check`, but silence is a sound too."""
    if np.size(y) == 0 or not np.all(np.isfinite(y)):
        check(y, name=name)


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
        If the file is empty, truncated, not a sound, or holds NaN, silence or too little; see :func:`check`.

    Notes
    -----
    Taught in: 01_sampling_and_quantization
    """
    path = _example(str(path)[8:]) if str(path).startswith("librosa:") else Path(path)
    if offset < 0 or (duration is not None and duration <= 0):
        raise AudioError(f"offset={offset}, duration={duration}: expected seconds, offset ≥ 0 and duration > 0.")
    if not path.is_file():
        raise FileNotFoundError(f"No sound file at {path}. Expected a WAV, FLAC, OGG or MP3 file; check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty: 0 bytes. Copy or download it again.")
    opened = False
    try:
        with sf.SoundFile(path) as f:
            opened = True
            if "should be" in f.extra_info:  # libsndfile's own words where a header promises more than the file holds
                raise AudioError(
                    f"{path} is truncated: its header promises more than it holds. Copy or download it again."
                )
            kind, rate, expected = f.format, f.samplerate, f.frames
            if expected == 0:
                raise AudioError(f"{path} is empty or truncated: it holds no samples. Copy or download it again.")
            start = round(offset * rate)
            stop = expected if duration is None else min(expected, start + round(duration * rate))
            if start >= expected:
                raise AudioError(f"{path} lasts {expected / rate:.3f} s, so nothing starts at offset={offset:g} s.")
            f.seek(start)
            y = _read(f, stop - start)
    except sf.SoundFileError as error:
        if opened:
            raise AudioError(f"{path} is truncated or damaged ({error}). Copy or download it again.") from error
        raise AudioError(
            f"{path} cannot be read as a sound ({error}). It may be truncated, or no sound file at all: "
            "expected WAV, FLAC, OGG or MP3."
        ) from error
    if y.shape[1] < stop - start and _says_its_length(path, kind):
        raise AudioError(
            f"{path} is truncated: {y.shape[1]} of {stop - start} samples could be read. Copy or download it again."
        )
    y = to_mono(y) if mono else y
    y = check(y, rate, name=str(path), min_seconds=min_seconds)
    return (y, rate) if sr is None else (resample(y, rate, sr), sr)


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


def _read(file: sf.SoundFile, count: int) -> np.ndarray:
    """The next ``count`` samples: float32, shape (channels, N)."""
    if file.subtype != "PCM_16":
        return file.read(count, dtype="float32", always_2d=True).T
    # libsndfile makes the same numbers of them, but one by one, in four times the time.
    return file.read(count, dtype="int16", always_2d=True).T * np.float32(2**-15)


def _says_its_length(path: Path, kind: str) -> bool:
    # Without a Xing or Info tag an MP3 does not say how long it is, and libsndfile guesses from its size.
    return kind != "MP3" or any(tag in path.read_bytes() for tag in (b"Xing", b"Info"))


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
    _finite(y, f"the signal for {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to write {path.name} to. Make it first.")
    if not sf.check_format(kind, subtype):
        raise AudioError(f"{path}: {kind} has no subtype {subtype!r}. Expected one of {sf.available_subtypes(kind)}.")
    part = path.with_name(f".{path.name}.part")
    try:
        sf.write(part, _rounded(y, kind, subtype).T, sr, format=kind, subtype=subtype)
        part.replace(path)
    except (OSError, sf.SoundFileError) as error:
        if getattr(error, "code", _SYSTEM_ERROR) != _SYSTEM_ERROR:
            raise AudioError(f"{kind} cannot hold this sound at {sr} Hz ({error}).") from error
        raise OSError(
            f"Could not write {path} ({error}). Is the disk full? What was there before is untouched."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _rounded(y: np.ndarray, kind: str, subtype: str | None = None) -> np.ndarray:
    """What is written with 16 bits, rounded to them: libsndfile itself cuts off, which adds half a step of offset."""
    y = np.asarray(y)
    if (subtype or sf.default_subtype(kind)) != "PCM_16" or not np.issubdtype(y.dtype, np.floating):
        return y
    return np.clip(np.rint(y * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)


def to_mono(y: np.ndarray) -> np.ndarray:
    """Average the channels: (channels, N) → (N,); one channel is returned as it is."""
    if y.ndim == 1:
        return y
    return y[0] if len(y) == 1 else y.mean(axis=0, dtype=y.dtype)


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


def quantize(x: np.ndarray, bits: int, *, dither: bool = False, seed: int = 0) -> np.ndarray:
    """Round ``x`` to the 2**bits values of a uniform mid-tread quantizer on [-1, 1), as linear PCM does.

    The step is Δ = 2 / 2**bits; values from 1 - Δ upward clip to 1 - Δ, as in two's complement.

    Parameters
    ----------
    x : array of any shape, values in [-1, 1]
    bits : word length b, from 1 to 32
    dither : add triangular noise of two steps' width before rounding, so that the error no longer follows the signal
    seed : for the dither

    Returns
    -------
    array of ``x``'s shape, float64 for the arithmetic to be exact

    Raises
    ------
    AudioError
        If ``bits`` is not a whole number from 1 to 32.

    References
    ----------
    Lipshitz, Wannamaker and Vanderkooy, "Quantization and Dither: A Theoretical Survey", JAES 40(5), 1992.

    Notes
    -----
    Taught in: 01_sampling_and_quantization
    """
    if bits not in range(1, 33):
        raise AudioError(f"bits={bits!r}: expected a whole number from 1 to 32.")
    step = 2.0 / 2**bits
    x = np.asarray(x, dtype=np.float64)
    if dither:
        rng = np.random.default_rng(seed)
        x = x + step * (rng.random(x.shape) - rng.random(x.shape))
    return np.clip(step * np.floor(x / step + 0.5), -1.0, 1.0 - step)


def mu_law_encode(x: np.ndarray, *, mu: int = 255) -> np.ndarray:
    """Compress [-1, 1] with the μ-law and round to the integers 0 … μ (ITU-T G.711's curve, not its bit layout).

    F(x) = sgn(x) · ln(1 + μ|x|) / ln(1 + μ)

    Returns
    -------
    int array of ``x``'s shape

    Raises
    ------
    AudioError
        If ``x`` holds NaN.

    Notes
    -----
    Taught in: 01_sampling_and_quantization
    """
    if np.any(np.isnan(x)):
        check(x, name="the signal to encode")
    x = np.clip(np.asarray(x, dtype=np.float64), -1.0, 1.0)
    compressed = np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu)
    return np.floor((compressed + 1) / 2 * mu + 0.5).astype(np.int64)


def mu_law_decode(codes: np.ndarray, *, mu: int = 255) -> np.ndarray:
    """Undo :func:`mu_law_encode`: integers 0 … μ to values in [-1, 1].

    Raises
    ------
    AudioError
        If a code lies outside 0 … μ.
    """
    codes = np.asarray(codes)
    if codes.size and (codes.min() < 0 or codes.max() > mu):
        raise AudioError(f"A mu-law code lies outside 0 … {mu}: found {codes.min()} … {codes.max()}.")
    compressed = 2 * codes.astype(np.float64) / mu - 1
    return np.sign(compressed) * np.expm1(np.abs(compressed) * np.log1p(mu)) / mu


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
    _finite(y, "the signal to encode")
    buffer = io.BytesIO()
    options = {} if compression is None else {"compression_level": compression}
    if kind == "MP3" and options:
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
