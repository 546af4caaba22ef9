"""Training: weights by a seed, batches made while the device computes, the best epoch kept, a stopped run resumed."""

import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd

Change = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


class Run(NamedTuple):
    """How a training went.

    Attributes
    ----------
    history : a row an epoch, from 1: loss, accuracy, validation_loss, validation_accuracy, and seconds
    best : the epoch whose weights the model has now
    seconds : of all epochs together
    """

    history: pd.DataFrame
    best: int
    seconds: float


class Batches(keras.utils.PyDataset):
    """One epoch of examples in an order of its own, changed batch by batch, in threads beside the training.

    Parameters
    ----------
    X : examples, shape (N, ...), in memory or mapped from disk
    Y : their labels as shares, shape (N, classes)
    rows : which of them to learn from; None is all
    batch_size : the last batch is filled with the epoch's first examples, so that all have one shape
    change : called with a batch and a generator of its own, ``change(X, Y, rng)``; None changes nothing
    seed : of order and changes; the same gives the same batches with any number of threads
    workers : threads that make batches ahead of their use
    """

    def __init__(
        self,
        X: np.ndarray,
        Y: np.ndarray,
        *,
        rows: np.ndarray | None = None,
        batch_size: int = 32,
        change: Change | None = None,
        seed: int | tuple[int, ...] = 0,
        workers: int = 2,
    ):
        super().__init__(workers=workers, max_queue_size=4)
        self.X, self.Y, self.change = X, Y, change
        self.seed = seed if isinstance(seed, tuple) else (seed,)
        rows = np.arange(len(X)) if rows is None else np.asarray(rows)
        batch_size = min(batch_size, len(rows))
        order = np.random.default_rng(self.seed).permutation(rows)
        self.order = np.resize(order, (-(-len(order) // batch_size), batch_size))

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number]
        X, Y = np.asarray(self.X[rows], np.float32), np.asarray(self.Y[rows], np.float32)
        return (X, Y) if self.change is None else self.change(X, Y, np.random.default_rng((*self.seed, 1, number)))


def gpus() -> int:
    """How many GPUs there are to compute on."""
    return sum(name.startswith(("gpu", "cuda")) for name in keras.distribution.list_devices())


def build(make: Callable[..., keras.Model], X: np.ndarray, classes: int, *, seed: int = 0, **options) -> keras.Model:
    """A model for examples like ``X``, with first weights by a seed and its Normalization layers set from ``X``.

    On a GPU it computes in bfloat16 and keeps its weights in float32 (mixed precision).

    Parameters
    ----------
    make : from :mod:`musiclib.models`: ``make(shape, classes, **options)``
    X : the examples that it will learn from, shape (N, ...), of which Normalization layers take mean and variance
    classes : how many outputs

    Returns
    -------
    keras.Model, not compiled

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if gpus() else "float32")
    try:
        model = make(X.shape[1:], classes, **options)
    finally:
        keras.config.set_dtype_policy(before)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            _set(layer, X)
    return model


def copy_weights(source: keras.Model, target: keras.Model, *, leave: Collection[str] = ()) -> None:
    """Give a model the weights of another one that has the same layers, the levels of its Normalization layers too.

    Examples of the two may have another length, where no weight depends on it. Copy before ``target`` computes
    anything compiled: that keeps the levels which it met first.

    Parameters
    ----------
    source, target : layers correspond in their order
    leave : names of the layers of ``target`` that keep their own weights, such as its head

    Raises
    ------
    ValueError
        If the number of layers or the shapes of a layer's weights differ, naming the layer.

    Notes
    -----
    Taught in: 16_transfer_learning
    """
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
    over = tuple(axis for axis in range(X.ndim) if axis not in [a % X.ndim for a in layer.axis])
    sums, squares, count = 0.0, 0.0, 0
    for first in range(0, len(X), 256):
        some = np.asarray(X[first : first + 256], np.float64)
        sums, squares = sums + some.sum(over), squares + np.square(some).sum(over)
        count += some.size
    count /= np.size(sums)
    mean = sums / count
    layer.adapt_mean.assign(mean)
    layer.adapt_variance.assign(np.maximum(squares / count - mean**2, 0))
    layer.finalize_state()


def fit(
    model: keras.Model,
    X: np.ndarray,
    Y: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    *,
    epochs: int,
    rows: np.ndarray | None = None,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    loss: str | keras.losses.Loss = "categorical_crossentropy",
    patience: int | None = None,
    change: Change | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    name: str = "training",
) -> Run:
    """Train a model, and leave it with the weights of the epoch whose validation loss was lowest.

    AdamW, with a learning rate that falls to zero along a cosine over ``epochs``. The validation side stops the
    training and chooses the epoch, so it can be no test.

    Parameters
    ----------
    model : from :func:`build`
    X : examples, shape (N, ...), in memory or mapped from disk
    Y : labels as shares, shape (N, classes), such as one-hot rows
    validation : (X, Y) of other groups
    epochs : at most
    rows : which of the examples to learn from; None is all
    batch_size, change, seed : as for :class:`Batches`, which makes another order and other changes each epoch
    learning_rate : at the beginning
    loss : ``"binary_crossentropy"`` where an example may have several labels
    patience : stop after so many epochs without a lower validation loss; None never stops early
    folder : keeps the state of each epoch there: a run that was stopped goes on after its last whole epoch, to the same
        weights, and one that had ended is not trained again. What it finds of other data, settings or another change
        it does not use.
    name : stands before the progress

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If the lengths differ, a side is empty, X or Y holds NaN or infinity, or the loss becomes NaN, saying when.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, arXiv:1608.03983;
    "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101.

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    rows = np.arange(len(X)) if rows is None else np.asarray(rows)
    _check(X, Y, rows, "the training side")
    _check(*validation, np.arange(len(validation[0])), "the validation side")
    if epochs < 1 or batch_size < 1:
        raise ValueError(f"epochs={epochs}, batch_size={batch_size}: expected at least 1 of each.")
    steps = len(Batches(X, Y, rows=rows, batch_size=batch_size))
    falling = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * steps)
    accuracy = keras.metrics.CategoricalAccuracy if Y.shape[1] > 1 else keras.metrics.BinaryAccuracy
    model.compile(keras.optimizers.AdamW(falling), loss, metrics=[accuracy(name="accuracy")])
    model.optimizer.build(model.trainable_variables)
    place = None
    if folder is not None:
        settings = (epochs, batch_size, learning_rate, str(loss), patience, seed)
        settings += (_written(change),) if change else ()
        place = _Place(Path(folder), _key(model, X, Y, rows, settings))
    history, best_weights = place.restore(model) if place else ([], None)
    while not _over(history, epochs, patience):
        begun = time.perf_counter()
        epoch = len(history) + 1
        batches = Batches(X, Y, rows=rows, batch_size=batch_size, change=change, seed=(seed, epoch))
        learned = model.fit(batches, shuffle=False, verbose=0).history
        judged = model.evaluate(*validation, batch_size=batch_size, verbose=0, return_dict=True)
        row = {k: learned[k][0] for k in ("loss", "accuracy")} | {f"validation_{k}": v for k, v in judged.items()}
        if not np.isfinite([row["loss"], row["validation_loss"]]).all():
            raise ValueError(f"{name}: the loss is {row['loss']} in epoch {epoch}. Try a lower learning_rate.")
        history.append(row | {"seconds": time.perf_counter() - begun})
        if _best(history) == epoch:
            best_weights = model.get_weights()
        if place:
            place.keep(model, history, best_weights)
        _say(name, history, _over(history, epochs, patience), epochs)
    model.set_weights(best_weights)
    table = pd.DataFrame(history, index=pd.RangeIndex(1, len(history) + 1, name="epoch"))
    return Run(table, _best(history), float(table.seconds.sum()))


def _check(X, Y, rows: np.ndarray, side: str) -> None:
    if len(X) != len(Y) or Y.ndim != 2:
        raise ValueError(
            f"{side} has {len(X)} examples and labels of shape {Y.shape}: expected (N, ...), (N, classes)."
        )
    if not len(rows):
        raise ValueError(f"{side} is empty: expected examples of every class.")
    for first in range(0, len(rows), 256):
        some = rows[first : first + 256]
        if not (np.isfinite(X[some]).all() and np.isfinite(Y[some]).all()):
            raise ValueError(f"{side} holds NaN or infinity. Look for a broken file, or a feature of silence.")


def _best(history: list[dict]) -> int:
    return 1 + int(np.argmin([row["validation_loss"] for row in history]))


def _over(history: list[dict], epochs: int, patience: int | None) -> bool:
    return len(history) >= epochs or bool(history and patience and len(history) - _best(history) >= patience)


def _say(name: str, history: list[dict], over: bool, epochs: int) -> None:
    """Where it is, on one line that the next one overwrites."""
    row, done = history[-1], len(history)
    left = (epochs - done) * np.median([r["seconds"] for r in history])
    rest = f"{sum(r['seconds'] for r in history):.0f} s, best epoch {_best(history)}" if over else f"{left:.0f} s left"
    text = f"{name}: epoch {done} of {epochs}, loss {row['loss']:.3f}, validation {row['validation_loss']:.3f}, {rest}"
    print(f"\r{text:<96}", end="\n" if over else "", file=sys.stderr, flush=True)


def _key(model: keras.Model, X, Y, rows: np.ndarray, settings: tuple) -> str:
    """What a kept state belongs to: the model, its first weights, the examples and the settings."""
    layers = re.sub(r"_\d+\b", "", model.to_json())  # Keras numbers the names of all that a program has made
    digest = hashlib.sha256(repr((settings, layers, X.shape)).encode())
    for array in (*model.get_weights(), np.asarray(Y[rows]), rows, np.asarray(X[rows[:: max(1, len(rows) // 16)]])):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _written(change: Change | CodeType) -> tuple:
    """What a function does: the same in another process and at another place of a notebook."""
    code = change if isinstance(change, CodeType) else getattr(change, "__code__", None)
    if code is None:  # an object that is called
        return (repr(type(change)),)
    inner = (_written(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts)
    return code.co_code, code.co_names, *inner


class _Place:
    """A folder that holds the state after each epoch, whole or not at all."""

    def __init__(self, folder: Path, key: str):
        self.folder = folder.expanduser() / key

    def states(self) -> list[Path]:
        return sorted(p for p in self.folder.glob("epoch-*") if p.name[6:].isdigit())

    def keep(self, model: keras.Model, history: list[dict], best: list[np.ndarray]) -> None:
        before = self.states()
        new = self.folder / f"epoch-{len(history):05d}"
        part = new.with_name(f"{new.name}.{os.getpid()}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        values = [keras.ops.convert_to_numpy(v) for v in _state(model)]
        np.savez(part / "state.npz", *values)
        np.savez(part / "best.npz", *best)
        (part / "history.json").write_text(json.dumps(history))
        if new.exists():  # another run of the same was first, and its state is the same
            shutil.rmtree(part)
        else:
            part.rename(new)
        for old in before:
            if old != new:
                shutil.rmtree(old, ignore_errors=True)

    def restore(self, model: keras.Model) -> tuple[list[dict], list[np.ndarray] | None]:
        kept = self.states()
        if not kept:
            return [], None
        with np.load(kept[-1] / "state.npz", allow_pickle=False) as found:
            for variable, name in zip(_state(model), found.files, strict=True):
                variable.assign(found[name])
        with np.load(kept[-1] / "best.npz", allow_pickle=False) as found:
            best = [found[name] for name in found.files]
        return json.loads((kept[-1] / "history.json").read_text()), best


def _state(model: keras.Model) -> list:
    """All that changes while it learns: weights, the optimizer's memory, and the generators of dropout."""
    return [*model.variables, *model.optimizer.variables]
