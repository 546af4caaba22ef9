"""What can be analyzed and what cannot: the errors of sound."""

import numpy as np

MOST = 16.0  # 24 dB beyond full scale: a mix before its limiter goes less far


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
        If ``y`` is empty, holds NaN or infinity, is silent, is shorter than ``min_seconds``, or goes more than 24 dB
        beyond full scale, as whole numbers do that were stored as floats. A mix before its limiter goes less far.
    """
    y = np.asarray(y)
    if y.size == 0:
        raise AudioError(f"{name} is empty: it has no samples. Expected a sound; check how the file was made.")
    least, most = float(np.min(y)), float(np.max(y))  # both are NaN where one sample is
    if not (np.isfinite(least) and np.isfinite(most)):
        bad = int(np.sum(~np.isfinite(y)))
        raise AudioError(
            f"{name} has {bad} samples that are NaN or infinite. Expected finite numbers; export it again."
        )
    if max(-least, most) > MOST:
        raise AudioError(
            f"{name} has a peak of {max(-least, most):,.6g}, and full scale is 1{_remedy(max(-least, most))}"
        )
    if least == most == 0:
        raise AudioError(f"{name} is silent: every sample is zero. Choose another file or another excerpt.")
    if min_seconds and sr is None:
        raise TypeError("check needs sr beside min_seconds: a number of samples is no duration without it.")
    if min_seconds and sr and y.shape[-1] < min_seconds * sr:
        raise AudioError(
            f"{name} is too short: {y.shape[-1] / sr:.3f} s, expected at least {min_seconds:g} s. Choose a longer one."
        )
    return y


def _remedy(peak: float) -> str:
    bits = next((b for b in (16, 24, 32) if peak <= 2 ** (b - 1)), None)
    if bits is None:
        return ". Scale it to [-1, 1] and save it again."
    return f": these look like integers of {bits} bits. Divide them by {2 ** (bits - 1):,} and save them again."


def check_finite(y: np.ndarray, name: str) -> None:
    """As :func:`check`, but silence is a sound too."""
    if np.size(y) == 0 or not np.all(np.isfinite(y)):
        check(y, name=name)
