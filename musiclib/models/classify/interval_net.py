"""A network for lists of numbers of several kinds: a dense layer for each kind, between two layers of dropout."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers


def interval_net(
    shape: tuple[int, int], classes: int, *, parts: Sequence[int] = (), dense: int = 64, dropout: float = 0.3
) -> keras.Model:
    """A list of numbers, such as how often which interval and which pitch sounds, to probabilities of the classes.

    It takes the numbers in no order: each is a weight's own, whether they have neighbors, as pitches do, or not.

    Parameters
    ----------
    shape : (numbers, 1) of a segment
    classes : how many
    parts : how many numbers there are of each kind, one kind after another; none: all are of one kind
    dense : units for each kind, so that sixteen numbers are heard beside a thousand
    dropout : the share of the numbers that is left out in training; of the units it is one half

    Raises
    ------
    ValueError
        If the parts do not add up to the numbers.

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    parts = tuple(parts) or shape[:1]
    if sum(parts) != shape[0]:
        raise ValueError(f"parts={parts} add up to {sum(parts)}, and there are {shape[0]} numbers.")
    segment = keras.Input(shape)
    h = layers.Normalization(axis=1)(segment)  # each number by its own mean and deviation
    h = layers.Flatten()(h)
    h = layers.Dropout(dropout)(h)
    kinds = keras.ops.split(h, np.cumsum(parts)[:-1].tolist(), axis=1) if len(parts) > 1 else [h]
    units = [layers.Dense(dense, activation="relu")(kind) for kind in kinds]
    h = layers.Concatenate()(units) if len(units) > 1 else units[0]
    h = layers.Dropout(0.5)(h)
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32")(h)
    return keras.Model(segment, probabilities, name="interval_net")
