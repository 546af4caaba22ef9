"""Attention: a spectrogram cut into strips, each of which looks at all others, and their mean."""

import math

import keras
from keras import layers, ops


def spectrogram_transformer(
    shape: tuple[int, int],
    classes: int,
    *,
    patch: int = 8,
    stride: int = 4,
    width: int = 32,
    heads: int = 4,
    blocks: int = 2,
    hidden: int = 96,
    dropout: float = 0.1,
    positions: bool = True,
) -> keras.Model:
    """Mel spectrograms in dB to probabilities of the classes.

    Parameters
    ----------
    shape : (bands, frames) of a segment; the weights do not depend on the frames
    classes : how many
    patch, stride : frames in a strip, and from the beginning of one to the next
    width : numbers that stand for a strip
    heads : of each attention layer, which share ``width``
    blocks : of attention and two dense layers
    hidden : units of the first of those two
    dropout : the share that is left out in training, of weights and of what is added to a strip
    positions : add what says where a strip stands; without it the answer does not depend on the order of the strips

    References
    ----------
    Vaswani et al., "Attention is all you need", NeurIPS 2017, doi:10.48550/arXiv.1706.03762; for spectrograms Gong,
    Chung and Glass, "AST: audio spectrogram transformer", Interspeech 2021, doi:10.21437/Interspeech.2021-698. Theirs
    has square patches, twelve blocks and 87 million weights.

    Notes
    -----
    Taught in: 14_convolution_recurrence_attention
    """
    segment = keras.Input(shape)
    h = layers.Normalization(axis=1)(segment)  # each band by its own mean and deviation
    h = layers.Permute((2, 1))(h)
    h = layers.Conv1D(width, patch, strides=stride, padding="same")(h)  # a strip to a list of numbers, by one matrix
    if positions:
        h = h + ops.cast(sinusoids(h), h.dtype)
    for _ in range(blocks):
        g = layers.LayerNormalization()(h)
        # The weights come out as well, so that a second model can show them.
        g, _weights = layers.MultiHeadAttention(heads, width // heads, dropout=dropout)(
            g, g, return_attention_scores=True
        )
        h = h + g
        g = layers.LayerNormalization()(h)
        g = layers.Dense(hidden, activation="gelu")(g)
        h = h + layers.Dropout(dropout)(layers.Dense(width)(g))
    h = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(h))
    h = layers.Dropout(0.3)(h)
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32")(h)
    return keras.Model(segment, probabilities, name="spectrogram_transformer")


def sinusoids(h):
    """Sine and cosine of each place, from quick to slow: shape (batch, places, width), as ``h``."""
    one = ops.ones_like(h, dtype="float32")  # made from h, so that any number of places will do
    place, column = ops.cumsum(one, axis=1) - 1, ops.cumsum(one, axis=2) - 1
    pair = ops.floor(column / 2)
    angle = place * ops.exp(pair * (-2 * math.log(10_000) / h.shape[2]))
    return ops.where(column > 2 * pair, ops.cos(angle), ops.sin(angle))
