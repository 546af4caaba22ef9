"""What a tagger that was trained elsewhere takes in: its own mel spectrogram, in patches of its own length."""

import librosa
import numpy as np

from musiclib import audio

_SR, _BANDS, _FRAMES = 16_000, 96, 187
_N_FFT, _HOP_LENGTH = 512, 256


def tagger_patches(y: np.ndarray, sr: int) -> np.ndarray:
    """Patches of three seconds for ``models.musicnn``: log10(10,000 S + 1) of a mel power spectrogram S.

    Parameters
    ----------
    y : mono, at least 2.99 s (187 frames, 256 samples apart at 16 kHz)
    sr : sampling rate in Hz

    Returns
    -------
    float32, shape (patches, 96, 187), one after another; what is left at the end is dropped

    Raises
    ------
    ValueError
        If the sound is shorter than one patch, or is not mono.

    References
    ----------
    Pons and Serra, arXiv:1909.06654.
    """
    if y.ndim != 1:
        raise ValueError(f"y has shape {y.shape}: expected mono, such as from audio.to_mono.")
    y = audio.resample(y, sr, _SR)
    S = librosa.feature.melspectrogram(y=y, sr=_SR, n_fft=_N_FFT, hop_length=_HOP_LENGTH, n_mels=_BANDS)
    count = S.shape[1] // _FRAMES
    if not count:
        raise ValueError(
            f"y is {len(y) / _SR:.2f} s long: expected at least one patch, "
            f"{(_FRAMES - 1) * _HOP_LENGTH / _SR:.2f} s. Repeat it or pad it."
        )
    log = np.log10(10_000 * S[:, : count * _FRAMES] + 1).astype(np.float32)
    return log.reshape(_BANDS, count, _FRAMES).swapaxes(0, 1)
