"""Quantization: linear and by the mu-law."""

import numpy as np

from musiclib.audio.checks import AudioError, check


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
