"""Generation: how far a set of sounds is from real music, as sets of features, and from what was learned by heart.

Features are arrays of shape (N, numbers), a row a sound: MFCC statistics, or what a network heard in it. A distance of
two sets means something only beside the distance of two sets of real music of the same sizes, :func:`real_to_real`.
"""

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist, pdist


def frechet_distance(X: np.ndarray, Y: np.ndarray) -> float:
    """Fréchet distance of two sets, as if each were normally distributed: |μ − m|² + tr(Σ + S − 2 (Σ S)^½).

    Parameters
    ----------
    X, Y : features, shapes (N, numbers) and (M, numbers), with mean μ and covariance Σ, m and S

    Returns
    -------
    in the squared unit of the features, 0 for equal sets. It is biased upward, the more the fewer the sounds: compare
    it only with distances of sets of the same sizes. With fewer sounds than numbers most of it is that bias

    Raises
    ------
    ValueError
        If a set has fewer than two sounds, the numbers differ, or one is NaN or infinite.

    References
    ----------
    Kilgour et al., "Fréchet audio distance: a reference-free metric for evaluating music enhancement algorithms",
    Interspeech 2019, doi:10.21437/Interspeech.2019-2219; Gui et al., "Adapting Fréchet audio distance for generative
    music evaluation", ICASSP 2024, doi:10.1109/ICASSP48485.2024.10446663.
    """
    X, Y = _checked(X, Y)
    A, B = ((Z - Z.mean(0)) / np.sqrt(len(Z) - 1) for Z in (X, Y))  # Σ = AᵀA, S = BᵀB
    root = np.linalg.svd(A @ B.T, compute_uv=False).sum()  # tr (Σ S)^½ is the sum of these singular values
    return float(np.sum((X.mean(0) - Y.mean(0)) ** 2) + np.sum(A**2) + np.sum(B**2) - 2 * root)


def kernel_distance(X: np.ndarray, Y: np.ndarray, *, bandwidth: float | None = None) -> float:
    """Kernel audio distance: the unbiased squared maximum mean discrepancy, with a Gaussian kernel.

    E k(x, x') + E k(y, y') − 2 E k(x, y), with k(a, b) = exp(−|a − b|² / 2σ²): how much more alike the sounds of a set
    are among themselves than across. It needs no normal distribution and is right on average for sets of any size.

    Parameters
    ----------
    X : features of the sounds to judge, shape (N, numbers)
    Y : of real music, shape (M, numbers)
    bandwidth : σ; None is the median distance of two sounds of ``Y``

    Returns
    -------
    0 on average for two sets of one distribution, so that it may fall below; at most 2

    Raises
    ------
    ValueError
        If a set has fewer than two sounds, the numbers differ, one is NaN or infinite, or no bandwidth follows, since
        most sounds of ``Y`` are alike.

    References
    ----------
    Chung et al., "KAD: no more FAD! An effective and efficient evaluation metric for audio generation", ICML 2025,
    arXiv:2502.15602; Gretton et al., "A kernel two-sample test", JMLR 13, 2012.
    """
    X, Y = _checked(X, Y)
    bandwidth = float(np.median(pdist(Y))) if bandwidth is None else bandwidth
    if not bandwidth > 0:
        raise ValueError(f"bandwidth={bandwidth}: expected more than 0. Are the sounds of Y copies of each other?")

    def kernel(square: np.ndarray) -> np.ndarray:
        return np.exp(-square / (2 * bandwidth**2))

    within = kernel(pdist(X, "sqeuclidean")).mean() + kernel(pdist(Y, "sqeuclidean")).mean()
    return float(within - 2 * kernel(cdist(X, Y, "sqeuclidean")).mean())


def real_to_real(
    X: np.ndarray,
    groups: np.ndarray,
    distance: Callable[[np.ndarray, np.ndarray], float],
    sizes: tuple[int, int],
    *,
    repeats: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """The floor of a distance: that of real music from other real music, at the same sizes.

    Parameters
    ----------
    X : features of real music, shape (N, numbers)
    groups : shape (N,): the groups are dealt out to two sides at random, so that no work is on both
    distance : such as :func:`kernel_distance`
    sizes : of the two sets that are compared elsewhere, generated and real
    repeats : how often they are drawn
    seed : of the drawing

    Returns
    -------
    array, shape (repeats,), of distances

    Raises
    ------
    ValueError
        If no two sides of whole groups have so many sounds.
    """
    X, groups = np.asarray(X), np.asarray(groups)
    code = np.unique(groups, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(20 * repeats):
        rank = rng.permutation(code.max() + 1)[code]  # of each sound's group
        order = np.lexsort((rng.random(len(X)), rank))
        first = order[rank[order] <= rank[order[min(sizes[0], len(X)) - 1]]]
        second = np.setdiff1d(order, first)
        if len(first) >= sizes[0] and len(second) >= sizes[1]:
            one, other = rng.choice(first, sizes[0], replace=False), rng.choice(second, sizes[1], replace=False)
            found.append(distance(X[one], X[other]))
        if len(found) == repeats:
            return np.array(found)
    raise ValueError(
        f"{len(X)} sounds of {code.max() + 1} groups cannot be dealt out to sides of {sizes[0]} and {sizes[1]} without "
        "splitting a group. Expected more music, or smaller sets."
    )


def nearest(X: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each sound the nearest of those that a model learned from: what it copies is nearer than real music is.

    Parameters
    ----------
    X : features of the sounds to judge, shape (N, numbers); and of held-out music, to compare with
    known : of the training side, shape (M, numbers)

    Returns
    -------
    distance : Euclidean, shape (N,)
    which : row of ``known``, shape (N,)
    """
    distances = cdist(X, known)
    return distances.min(1), distances.argmin(1)


def _checked(X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    X, Y = (np.asarray(Z, float) for Z in (X, Y))
    if X.ndim != 2 or Y.ndim != 2 or X.shape[1] != Y.shape[1] or min(len(X), len(Y)) < 2:
        raise ValueError(f"shapes {X.shape} and {Y.shape}: expected (N, numbers) and (M, numbers), N and M at least 2.")
    if not (np.isfinite(X).all() and np.isfinite(Y).all()):
        raise ValueError("the features hold NaN or infinity. Look for a broken or silent sound.")
    return X, Y
