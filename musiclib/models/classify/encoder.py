"""A small network to be trained on one task and used for another: pictures to an embedding, and a softmax on it."""

import keras
from keras import layers


def encoder(
    shape: tuple[int, int], classes: int, *, filters: tuple[int, ...] = (12, 24, 48, 64), size: int = 128
) -> keras.Model:
    """Mel spectrograms in dB to an embedding, the output of the layer ``"embedding"``, and that to probabilities.

    No weight depends on how many frames or classes there are, but those of the last layer. So the weights of one task
    fit a model for another, layer by layer.

    Parameters
    ----------
    shape : (bands, frames) of a window
    classes : how many
    filters : of each block's convolution, which steps over two rows and two columns at a time
    size : numbers in the embedding

    Notes
    -----
    Its blocks are named ``"block_1"`` and so on, for whoever wants to freeze some of them: each is a convolution, batch
    normalization and a rectifier. It is the beginning of ``mel_cnn``, one block deeper.

    Taught in: 16_transfer_learning
    """
    window = keras.Input(shape)
    h = layers.Normalization(axis=1, name="levels")(window)  # each band by its own mean and deviation
    h = layers.Reshape((*shape, 1))(h)
    for block, count in enumerate(filters, start=1):
        kernel = 5 if block == 1 else 3
        h = layers.Conv2D(count, kernel, strides=2, padding="same", use_bias=False, name=f"block_{block}")(h)
        h = layers.BatchNormalization(momentum=0.9, name=f"block_{block}_norm")(h)  # short trainings: 0.99 would lag
        h = layers.Activation("relu")(h)
    usual, outstanding = keras.ops.mean(h, axis=2), keras.ops.max(h, axis=2)  # over time
    h = layers.Flatten()(layers.Concatenate()([usual, outstanding]))
    h = layers.Dense(size, use_bias=False, name="summary")(h)
    h = layers.BatchNormalization(momentum=0.9, name="embedding")(h)
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32", name="answer")(h)
    return keras.Model(window, probabilities, name="encoder")
