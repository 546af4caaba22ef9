"""The smallest network that most tutorials begin with: two convolutions, each with pooling, and two dense layers."""

import keras
from keras import layers


def two_layers(shape: tuple[int, int], classes: int, *, filters: int = 16, dense: int = 64) -> keras.Model:
    """Pictures of coefficients over time to probabilities of the classes.

    It keeps all places of the picture apart up to the first dense layer, where nearly all of its weights are.

    Parameters
    ----------
    shape : (bands, frames) of a segment
    classes : how many
    filters : of the first convolution; the second has twice as many
    dense : units of the layer before the last

    Notes
    -----
    Taught in: 12_composer_experiments
    """
    segment = keras.Input(shape)
    h = layers.Normalization(axis=1)(segment)  # each band by its own mean and deviation
    h = layers.Reshape((*shape, 1))(h)
    for size in (filters, 2 * filters):
        h = layers.Conv2D(size, 3, padding="same", activation="relu")(h)
        h = layers.MaxPooling2D(2, padding="same")(h)
    h = layers.Flatten()(h)
    h = layers.Dense(dense, activation="relu")(h)
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32")(h)
    return keras.Model(segment, probabilities, name="two_layers")
