"""MusiCNN: tags of songs, from filters that are shaped like timbres and like rhythms."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import layers

PENULTIMATE = "penultimate"  # the layer whose 200 numbers are features for other tasks


def musicnn(
    shape: tuple[int, int],
    classes: int,
    *,
    timbral: int = 204,
    temporal: int = 51,
    filters: int = 64,
    dense: int = 200,
    dropout: float = 0.5,
) -> keras.Model:
    """Three seconds of a mel spectrogram to a probability of each tag by itself: several may be near 1.

    Parameters
    ----------
    shape : (bands, frames) of a patch, as ``features.tagger_patches`` makes them: (96, 187)
    classes : how many tags
    timbral : filters that see most bands at once for seven frames, of each of two heights
    temporal : filters that see one band for up to 128 frames, of each of three lengths
    filters : of each of the three convolutions after them
    dense : units of the layer whose outputs are features for other tasks
    dropout : the share of the summary's numbers, and of that layer's outputs, that is left out in training

    References
    ----------
    Pons and Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", ISMIR late-breaking
    demo, 2019, arXiv:1909.06654; Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018,
    arXiv:1711.02520.
    """
    bands, frames = shape
    patch = keras.Input(shape)
    x = layers.Reshape((frames, bands, 1))(layers.Permute((2, 1))(patch))
    x = _normalized(x)
    padded = layers.ZeroPadding2D((3, 0))(x)
    front = [_highest(layers.Conv2D(timbral, (7, int(part * bands)), activation="relu")(padded)) for part in (0.4, 0.7)]
    for length in (128, 64, 32):
        front.append(_highest(layers.Conv2D(temporal, (length, 1), padding="same", activation="relu")(x)))
    h = layers.Concatenate()(front)  # (frames, 2 timbral + 3 temporal)
    middle = [_convolved(h, filters)]
    for _ in range(2):
        middle.append(layers.Add()([_convolved(middle[-1], filters), middle[-1]]))
    h = layers.Concatenate()([h, *middle])
    highest, mean = layers.GlobalMaxPooling1D()(h), layers.GlobalAveragePooling1D()(h)
    h = layers.Flatten()(layers.Concatenate()([layers.Reshape((-1, 1))(part) for part in (highest, mean)]))
    h = layers.Dropout(dropout)(_normalized(h))
    h = _normalized(layers.Dense(dense, activation="relu")(h), name=PENULTIMATE)
    tags = layers.Dense(classes, activation="sigmoid", dtype="float32")(layers.Dropout(dropout)(h))
    return keras.Model(patch, tags, name="musicnn")


def _normalized(h, **options):
    return layers.BatchNormalization(momentum=0.9, **options)(h)  # short trainings: 0.99 would lag behind


def _highest(h):
    """Normalized, then the largest value over what is left of the bands: shape (frames, filters)."""
    _, frames, bands, filters = h.shape
    h = _normalized(h)
    return layers.Reshape((frames, filters))(layers.MaxPooling2D((1, bands))(h))


def _convolved(h, filters: int):
    return _normalized(layers.Conv1D(filters, 7, padding="same", activation="relu")(h))


def published(arrays: Mapping[str, np.ndarray]) -> keras.Model:
    """The published network, from its weights by the names that its authors' program gave them.

    Parameters
    ----------
    arrays : ``conv2d/kernel``, ``conv2d_1/kernel``, ... ``batch_normalization/gamma``, ... ``dense_1/bias``

    Returns
    -------
    keras.Model, shape (N, 96, 187) to (N, tags)

    Raises
    ------
    KeyError, ValueError
        If an array is missing, or has another shape.
    """
    model = musicnn((96, 187), len(arrays["dense_1/bias"]))
    kinds = {
        "batch_normalization": layers.BatchNormalization,
        "conv2d": (layers.Conv2D, layers.Conv1D),  # theirs are all of two dimensions, the last three one wide
        "dense": layers.Dense,
    }
    for name, kind in kinds.items():
        for k, layer in enumerate(part for part in model.layers if isinstance(part, kind)):
            theirs = f"{name}_{k}" if k else name
            for weight in layer.weights:
                value = arrays[f"{theirs}/{weight.name}"]
                weight.assign(value[:, :, 0] if value.ndim > len(weight.shape) else value)
    return model
