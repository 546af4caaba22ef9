"""Convolution, then recurrence: three convolutions find patterns, a GRU follows them through time."""

import keras
from keras import layers


def crnn(
    shape: tuple[int, int],
    classes: int,
    *,
    filters: tuple[int, ...] = (16, 32, 32),
    units: int = 32,
    dropout: float = 0.3,
) -> keras.Model:
    """Mel spectrograms in dB to probabilities of the classes.

    Parameters
    ----------
    shape : (bands, frames) of a segment; the weights do not depend on the frames
    classes : how many
    filters : of each convolution; all halve the bands and the first two the frames, so that four frames make a step
    units : numbers in the GRU's state, of which the last decides
    dropout : the share of the GRU's inputs, and of its last state, that is left out in training

    References
    ----------
    Choi, Fazekas, Sandler and Cho, "Convolutional recurrent neural networks for music classification", ICASSP 2017,
    doi:10.1109/ICASSP.2017.7952585. Theirs has four convolutions, pools where this one takes strides, and two GRUs.

    Notes
    -----
    Taught in: 14_convolution_recurrence_attention
    """
    segment = keras.Input(shape)
    h = layers.Normalization(axis=1)(segment)  # each band by its own mean and deviation
    h = layers.Reshape((shape[0], -1, 1))(h)
    for block, size in enumerate(filters):
        strides = (2, 2 if block < 2 else 1)
        h = layers.Conv2D(size, 5 if block == 0 else 3, strides=strides, padding="same", use_bias=False)(h)
        h = layers.BatchNormalization(momentum=0.9)(h)  # short trainings: 0.99 would lag behind
        h = layers.Activation("relu")(h)
    h = layers.Permute((2, 1, 3))(h)  # time first: the GRU goes along it
    h = layers.Reshape((-1, h.shape[2] * h.shape[3]))(h)
    h = layers.Dropout(dropout)(h)
    h = layers.GRU(units)(h)
    h = layers.Dropout(dropout)(h)
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32")(h)
    return keras.Model(segment, probabilities, name="crnn")
