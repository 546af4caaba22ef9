"""Prediction: how probable a model of polyphonic music finds what comes next."""

import numpy as np
import scipy.special


def frame_nll(probabilities: list[np.ndarray], rolls: list[np.ndarray]) -> float:
    """Negative log-likelihood of a frame in nats, as the published tables define it; lower is better.

    Summed over the 88 keys and over all predicted frames of all pieces, divided by the number of those frames. The
    first frame of a piece is not predicted.

    Parameters
    ----------
    probabilities : for each piece, shape (frames - 1, 88): that the key sounds in frames 1, 2, ... given those before
    rolls : the pieces, shape (frames, 88), 0 or 1

    Returns
    -------
    nats a frame; infinite if something happened that was given the probability 0

    Raises
    ------
    ValueError
        If the shapes do not fit, a probability is not between 0 and 1, or there is nothing to predict.
    """
    if len(probabilities) != len(rolls):
        raise ValueError(f"{len(probabilities)} predictions for {len(rolls)} pieces. Expected one for each.")
    total, frames = 0.0, 0
    for i, (p, roll) in enumerate(zip(probabilities, rolls, strict=True)):
        p, roll = np.asarray(p, dtype=np.float64), np.asarray(roll, dtype=np.float64)
        if p.shape != (len(roll) - 1, *roll.shape[1:]):
            raise ValueError(
                f"The prediction of piece {i} has shape {p.shape}, the piece {roll.shape}. Expected one frame less "
                "than the piece: its first frame is not predicted."
            )
        if not ((p >= 0) & (p <= 1)).all():
            raise ValueError(f"The prediction of piece {i} holds numbers that are no probabilities from 0 to 1.")
        happened = roll[1:]
        total -= float(np.sum(scipy.special.xlogy(happened, p) + scipy.special.xlog1py(1 - happened, -p)))
        frames += len(happened)
    if frames == 0:
        raise ValueError("There is no frame to predict: no piece is longer than one frame.")
    return total / frames
