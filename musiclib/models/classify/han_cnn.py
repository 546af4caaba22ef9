"""The network of Han et al. for instruments in polyphony: pairs of small convolutions, and a sigmoid a class."""

import keras
from keras import layers


def han_cnn(
    shape: tuple[int, int],
    classes: int,
    *,
    filters: tuple[int, ...] = (32, 64, 128, 256),
    dense: int = 1024,
    dropout: float = 0.25,
    normalize: bool = True,
) -> keras.Model:
    """Mel spectrograms of about a second to a probability of each class by itself: several may be near 1.

    Parameters
    ----------
    shape : (bands, frames) of a window
    classes : how many
    filters : of both convolutions of each block; the published ones by default
    dense : units of the layer before the last
    dropout : the share of a block's outputs that is left out in training; of the dense layer's twice as much
    normalize : batch normalization after each convolution, which the paper has not; it learns in fewer epochs

    References
    ----------
    Han, Kim and Lee, "Deep convolutional neural networks for predominant instrument recognition in polyphonic music",
    IEEE/ACM Transactions on Audio, Speech and Language Processing 25(1), 2017, doi:10.1109/TASLP.2016.2632307. Their
    zeros make each picture larger by two at each convolution; these keep its size.

    Notes
    -----
    Taught in: 13_instrument_recognition
    """
    window = keras.Input(shape)
    h = layers.Normalization(axis=1)(window)  # each band by its own mean and deviation
    h = layers.Reshape((*shape, 1))(h)
    for block, count in enumerate(filters, start=1):
        for _ in range(2):
            h = layers.Conv2D(count, 3, padding="same", kernel_initializer="he_normal")(h)
            if normalize:
                h = layers.BatchNormalization(momentum=0.9)(h)  # short trainings: 0.99 would lag behind
            h = layers.LeakyReLU(negative_slope=0.33)(h)
        if block < len(filters):
            h = layers.MaxPooling2D(3, padding="same")(h)
            h = layers.Dropout(dropout)(h)
    h = layers.GlobalMaxPooling2D()(h)  # whether a pattern is there, not where or when
    h = layers.Dense(dense, kernel_initializer="he_normal")(h)
    h = layers.LeakyReLU(negative_slope=0.33)(h)
    h = layers.Dropout(2 * dropout)(h)
    probabilities = layers.Dense(classes, activation="sigmoid", dtype="float32")(h)
    return keras.Model(window, probabilities, name="han_cnn")
