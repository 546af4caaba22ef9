"""A model before it learns: first weights by a seed, levels from its data, weights taken over from another model."""

from collections.abc import Callable, Collection
from typing import Any

import keras
import numpy as np

from musiclib.training.data import where_not_finite


def gpus() -> int:
    """How many GPUs there are to compute on."""
    return sum(name.startswith(("gpu", "cuda")) for name in keras.distribution.list_devices())


def build(
    make: Callable[..., keras.Model], X: Any, classes: int | None = None, *, seed: int = 0, **options
) -> keras.Model:
    """A model for examples like ``X``, with first weights by a seed and its Normalization layers set from ``X``.

    On a GPU it computes in bfloat16 and keeps its weights in float32 (mixed precision).

    Parameters
    ----------
    make : from :mod:`musiclib.models`: ``make(shape, classes, **options)``
    X : the examples that it will learn from, shape (N, ...), of which Normalization layers take mean and variance; for
        a model of several inputs a tuple or dict of arrays, and ``make`` gets a tuple or dict of shapes
    classes : how many outputs; None for a model that asks for no number: ``make(shape, **options)``

    Returns
    -------
    keras.Model, not compiled, unless ``make`` compiled it with a loss of its own

    Raises
    ------
    ValueError
        If X is empty, or holds NaN or infinity where a Normalization layer looks, saying where.

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if gpus() else "float32")
    shape = keras.tree.map_structure(lambda array: array.shape[1:], X)
    try:
        model = make(shape, **options) if classes is None else make(shape, classes, **options)
    finally:
        keras.config.set_dtype_policy(before)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            _set(layer, _input_of(layer, model, X))
    return model


def _input_of(layer: keras.layers.Layer, model: keras.Model, X: Any) -> np.ndarray:
    """The array among the model's inputs that a layer looks at."""
    arrays = keras.tree.flatten(X)
    if len(arrays) == 1:
        return arrays[0]
    for tensor, array in zip(model.inputs, arrays, strict=True):
        if layer.input is tensor:
            return array
    raise ValueError(f"layer {layer.name!r} of {model.name} looks at no input: expected Normalization right after one.")


def copy_weights(source: keras.Model, target: keras.Model, *, leave: Collection[str] = ()) -> None:
    """Give a model the weights of another one that has the same layers, the levels of its Normalization layers too.

    Examples of the two may have another length, where no weight depends on it. Copy before ``target`` computes
    anything compiled: that keeps the levels which it met first.

    Parameters
    ----------
    source, target : layers correspond in their order
    leave : names of the layers of ``target`` that keep their own weights, such as its head; a string is one name

    Raises
    ------
    ValueError
        If the number of layers or the shapes of a layer's weights differ, naming the layer, or ``leave`` names a layer
        that ``target`` does not have.

    Notes
    -----
    Taught in: 16_transfer_learning
    """
    leave = {leave} if isinstance(leave, str) else set(leave)
    unknown = sorted(leave - {layer.name for layer in target.layers})
    if unknown:
        raise ValueError(f"leave={unknown}: target has {', '.join(layer.name for layer in target.layers)}.")
    if len(source.layers) != len(target.layers):
        raise ValueError(f"source has {len(source.layers)} layers, target {len(target.layers)}: expected the same.")
    for old, new in zip(source.layers, target.layers, strict=True):
        if new.name in leave:
            continue
        given, taken = ([tuple(w.shape) for w in layer.weights] for layer in (old, new))
        if given != taken:
            raise ValueError(f"layer {new.name!r} has weights of shapes {taken}, in source {given}: name it in leave.")
        new.set_weights(old.get_weights())
        if isinstance(new, keras.layers.Normalization):
            new.finalize_state()  # which takes them into use


def _set(layer: keras.layers.Normalization, X: np.ndarray) -> None:
    """Its ``adapt``, in float64 and in parts, so that a memory map is never read whole."""
    if not len(X):
        raise ValueError("X is empty: a Normalization layer takes mean and variance from it. Expected examples.")
    over = tuple(axis for axis in range(X.ndim) if axis not in [a % X.ndim for a in layer.axis])
    sums, squares, count = 0.0, 0.0, 0
    for first in range(0, len(X), 256):
        some = np.asarray(X[first : first + 256], np.float64)
        broken = where_not_finite(some, first)
        if broken:
            raise ValueError(f"X holds NaN or infinity: X{broken}. Look for a broken file, or a feature of silence.")
        sums, squares = sums + some.sum(over), squares + np.square(some).sum(over)
        count += some.size
    rows = count / np.size(sums)  # that each mean is of
    mean = sums / rows
    layer.adapt_mean.assign(mean)
    layer.adapt_variance.assign(np.maximum(squares / rows - mean**2, 0))
    layer.finalize_state()
