"""A network for numbers that have no neighbors: one dense layer between two layers of dropout, a softmax."""

import keras
from keras import layers


def interval_net(shape: tuple[int, int], classes: int, *, dense: int = 64, dropout: float = 0.5) -> keras.Model:
    """A list of numbers, such as how often which interval sounds, to probabilities of the classes.

    Parameters
    ----------
    shape : (numbers, 1) of a segment
    classes : how many
    dense : units of the layer before the last
    dropout : the share of both layers' inputs that is left out in training

    Notes
    -----
    Taught in: 09_genre_cnn
    """
    segment = keras.Input(shape)
    h = layers.Normalization(axis=1)(segment)  # each number by its own mean and deviation
    h = layers.Flatten()(h)
    h = layers.Dropout(dropout)(h)
    h = layers.Dense(dense, activation="relu")(h)
    h = layers.Dropout(dropout)(h)
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32")(h)
    return keras.Model(segment, probabilities, name="interval_net")
