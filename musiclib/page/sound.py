"""Players: a sound in the page itself, compressed, at the loudness of all others, with its waveform."""

import base64
from html import escape

import numpy as np
from IPython.display import HTML, display

from musiclib import audio, plot

TARGET_LUFS = -20.0
# Without 11,025 and 12,000 Hz: at their few bytes a frame the encoder leaves out how much silence it added.
_MP3_RATES = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_MIME = {"MP3": "audio/mpeg", "FLAC": "audio/flac", "WAV": "audio/wav", "OGG": "audio/ogg"}


def player(
    y: np.ndarray,
    sr: float,
    caption: str,
    *,
    match: bool = True,
    kind: str = "MP3",
    compression: float | None = None,
) -> None:
    """Put a sound on the page.

    Parameters
    ----------
    y : array, shape (N,) or (channels, N)
    sr : sampling rate in Hz, any
    caption : what one hears, and what to listen for
    match : bring it to the loudness of all other players; False keeps its own level, clipped to [-1, 1]
    kind : "MP3" (about 8 kB a second), or "FLAC", "WAV" or "OGG" where the compression would be heard
    compression : see :func:`musiclib.audio.encode`; None is this course's choice

    Raises
    ------
    AudioError
        If ``y`` is empty or holds NaN.
    """
    figcaption = f"<figcaption>{escape(caption)}</figcaption>"
    inside = wave_and_audio(y, sr, caption, match=match, kind=kind, compression=compression)
    display(HTML(f'<figure class="dlm-player">{figcaption}{inside}</figure>'))


def compare(
    sounds: dict[str, np.ndarray | tuple[np.ndarray, float]],
    sr: float | None = None,
    *,
    caption: str,
    notes: dict[str, str] | None = None,
    match: bool = True,
    kind: str = "MP3",
    compression: float | None = None,
) -> None:
    """Put several sounds side by side, one row each, at equal loudness.

    Parameters
    ----------
    sounds : label → y, or label → (y, sr)
    sr : sampling rate in Hz of those given without one
    caption : what to listen for
    notes : label → what is said beside that player
    match, kind, compression : as in :func:`player`

    Raises
    ------
    ValueError
        If a sound has no sampling rate.
    """
    rows = []
    for label, sound in sounds.items():
        y, rate = sound if isinstance(sound, tuple) else (sound, sr)
        if rate is None:
            raise ValueError(f"{label}: no sampling rate. Give sr=, or (y, sr) in place of y.")
        cell = wave_and_audio(y, rate, label, match=match, kind=kind, compression=compression)
        note = f"<td>{escape(notes.get(label, ''))}</td>" if notes else ""
        rows.append(f'<tr><th scope="row">{escape(label)}</th><td>{cell}</td>{note}</tr>')
    display(HTML(f'<table class="dlm-compare"><caption>{escape(caption)}</caption>{"".join(rows)}</table>'))


def wave_and_audio(
    y: np.ndarray, sr: float, name: str, *, match: bool = True, kind: str = "MP3", compression: float | None = None
) -> str:
    """The HTML of a waveform and of an ``<audio>`` element, with ``name`` for who cannot see the caption."""
    y = np.asarray(y, dtype=np.float32)
    source = data_uri(y, sr, match=match, kind=kind, compression=compression)
    seconds = f"{y.shape[-1] / sr:.2f}"
    picture = wave(y, full_scale=not match)
    return (
        f'{picture}<audio controls preload="none" style="width:100%" aria-label="{escape(name)}" '
        f'data-seconds="{seconds}" src="{source}"></audio>'
    )


def data_uri(
    y: np.ndarray, sr: float, *, match: bool = True, kind: str = "MP3", compression: float | None = None
) -> str:
    """The sound as a ``data:`` address."""
    y = np.asarray(y, dtype=np.float32)
    if y.size == 0 or not np.all(np.isfinite(y)):
        audio.check(y, name="the sound for a player")
    if kind == "MP3" and sr not in _MP3_RATES:
        rate = next((r for r in _MP3_RATES if r > sr), _MP3_RATES[-1])
        y, sr = audio.resample(y, sr, rate), rate
    y = audio.loudness_normalize(y, int(sr), target=TARGET_LUFS) if match else np.clip(y, -1, 1)
    if compression is None and kind == "MP3":
        compression = 0.88 if sr >= 32_000 else 0.7  # 7 to 8 kB a second
    data = audio.encode(y, int(sr), kind, compression=compression)
    return f"data:{_MIME[kind]};base64,{base64.b64encode(data).decode()}"


def wave(y: np.ndarray, *, full_scale: bool = False, columns: int = 150) -> str:
    """The waveform's envelope as a small SVG, as high as its own peak, or with ``full_scale`` as high as 1."""
    low, high = plot.envelope(audio.to_mono(y), columns)
    scale = 22 / (1.0 if full_scale else max(np.max(np.abs(y)), 1e-9))
    x = np.linspace(0, 600, low.size)
    top = [f"{a:.0f},{24 - scale * b:.1f}" for a, b in zip(x, high, strict=True)]
    bottom = [f"{a:.0f},{24.4 - scale * b:.1f}" for a, b in zip(x, low, strict=True)]
    path = "M" + "L".join(top + bottom[::-1]) + "Z"
    return (
        '<svg class="dlm-wave" viewBox="0 0 600 48" preserveAspectRatio="none" aria-hidden="true" '
        f'style="width:100%;height:48px;fill:{plot.SIGNAL}"><path d="{path}"/></svg>'
    )
