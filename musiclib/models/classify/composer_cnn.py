"""A network for texture: patterns of all bands at once, found along time, then what is usual and what stands out."""

import keras
from keras import layers


def composer_cnn(
    shape: tuple[int, int],
    classes: int,
    *,
    filters: tuple[int, ...] = (48, 64, 96),
    kernel: int = 5,
    dropout: float = 0.4,
) -> keras.Model:
    """Pictures of bands over time to probabilities of the classes, wherever in the segment the music begins.

    A kernel spans all bands, so that a chord or a register is a pattern, and moves along time alone. That costs a tenth
    of a convolution over both axes; a pattern in another key is another pattern, which augmentation has to teach.

    Parameters
    ----------
    shape : (bands, frames) of a segment
    classes : how many
    filters : of each convolution; all but the first halve the number of frames
    kernel : frames that a kernel spans
    dropout : the share of the last layer's inputs that is left out in training

    Notes
    -----
    Taught in: 12_composer_experiments
    """
    segment = keras.Input(shape)
    h = layers.Normalization(axis=1)(segment)  # each band by its own mean and deviation
    h = layers.Permute((2, 1))(h)  # time first: bands are the channels of a convolution over time
    for block, size in enumerate(filters):
        h = layers.Conv1D(size, kernel, strides=2 if block else 1, padding="same", use_bias=False)(h)
        h = layers.BatchNormalization(momentum=0.9)(h)  # short trainings: 0.99 would lag behind
        h = layers.Activation("relu")(h)
    usual, outstanding = keras.ops.mean(h, axis=1), keras.ops.max(h, axis=1)  # over time
    h = layers.Dropout(dropout)(layers.Concatenate()([usual, outstanding]))
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32")(h)
    return keras.Model(segment, probabilities, name="composer_cnn")
