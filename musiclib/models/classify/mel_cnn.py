"""A network for mel spectrograms: three convolutions that halve the picture, sums over time, a softmax."""

import keras
from keras import layers


def mel_cnn(
    shape: tuple[int, int], classes: int, *, filters: tuple[int, ...] = (16, 32, 64), dropout: float = 0.5
) -> keras.Model:
    """Mel spectrograms in dB to probabilities of the classes.

    Rows keep their place, for a low note is another than a high one. Columns are summed up, for music may begin
    anywhere.

    Parameters
    ----------
    shape : (bands, frames) of a segment
    classes : how many
    filters : of each convolution, which steps over two rows and two columns at a time: cheaper than to pool afterwards
    dropout : the share of the last layer's inputs that is left out in training

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    segment = keras.Input(shape)
    h = layers.Normalization(axis=1)(segment)  # each band by its own mean and deviation
    h = layers.Reshape((*shape, 1))(h)
    for block, size in enumerate(filters):
        h = layers.Conv2D(size, 5 if block == 0 else 3, strides=2, padding="same", use_bias=False)(h)
        h = layers.BatchNormalization(momentum=0.9)(h)  # short trainings: 0.99 would lag behind
        h = layers.Activation("relu")(h)
    usual, outstanding = keras.ops.mean(h, axis=2), keras.ops.max(h, axis=2)  # over time
    h = layers.Flatten()(layers.Concatenate()([usual, outstanding]))
    h = layers.Dropout(dropout)(h)
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32")(h)
    return keras.Model(segment, probabilities, name="mel_cnn")
