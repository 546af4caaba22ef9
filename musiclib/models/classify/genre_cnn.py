"""The network of many genre tutorials: three blocks of convolution and pooling over MFCCs, a dense layer, a softmax."""

import keras
from keras import layers


def genre_cnn(
    shape: tuple[int, int], classes: int, *, filters: int = 32, dense: int = 64, dropout: float = 0.3
) -> keras.Model:
    """Pictures of coefficients over time to probabilities of the classes.

    Parameters
    ----------
    shape : (bands, frames) of a segment
    classes : how many
    filters : of each convolution
    dense : units of the layer before the last
    dropout : the share of that layer's inputs that is left out in training

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    segment = keras.Input(shape)
    h = layers.Normalization(axis=1)(segment)  # each band by its own mean and deviation
    h = layers.Reshape((*shape, 1))(h)
    for kernel in (3, 3, 2):
        h = layers.Conv2D(filters, kernel, activation="relu")(h)
        h = layers.MaxPooling2D(3, strides=2, padding="same")(h)
        h = layers.BatchNormalization(momentum=0.9)(h)  # short trainings: 0.99 would lag behind
    h = layers.Flatten()(h)
    h = layers.Dense(dense, activation="relu")(h)
    h = layers.Dropout(dropout)(h)
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32")(h)
    return keras.Model(segment, probabilities, name="genre_cnn")
