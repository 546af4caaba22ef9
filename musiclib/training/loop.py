"""The training loop: Keras' own, with what this course adds to it as a callback."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from operator import index
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from musiclib.training import data, resident
from musiclib.training.making import gpus
from musiclib.training.state import Place, key

_LOSS = "categorical_crossentropy"


class Run(NamedTuple):
    """How a training went.

    Attributes
    ----------
    history : a row an epoch, from 1: loss, metrics such as accuracy, the same of the validation side, such as
        validation_loss, and seconds
    best : the epoch whose weights the model has now
    seconds : of all epochs together
    """

    history: pd.DataFrame
    best: int
    seconds: float


def fit(
    model: keras.Model,
    X: data.Arrays | keras.utils.PyDataset,
    Y: data.Arrays | None = None,
    validation: tuple | keras.utils.PyDataset | None = None,
    *,
    epochs: int,
    rows: np.ndarray | None = None,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    loss: Any = None,
    metrics: Sequence | None = None,
    patience: int | None = None,
    change: data.Change | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    names: Mapping[str, str] | None = None,
    name: str = "training",
    on_device: bool | None = None,
    steps_per_execution: int | None = None,
) -> Run:
    """Train a model, and leave it with the weights of the epoch whose validation loss was lowest.

    AdamW, with a learning rate that falls to zero along a cosine over ``epochs``. The validation side stops the
    training and chooses the epoch, so it can be no test.

    Parameters
    ----------
    model : from :func:`build`, or any other
    X : examples, shape (N, ...), in memory or mapped from disk, such as pictures (N, bands, frames) or tokens (N, T);
        a tuple or dict of arrays for several inputs; or a ``keras.utils.PyDataset``, which makes its batches itself:
        then each epoch is its ``on_epoch_begin``, its batches in order, and its ``on_epoch_end``
    Y : what to answer, such as labels as shares, shape (N, classes); None where the model finds its loss by itself
    validation : (X, Y) of other groups, or a PyDataset
    epochs : at most
    rows : which of the examples to learn from, by number or as truth values; None is all
    batch_size, change, seed : as for :class:`Batches`, which makes another order and other changes each epoch
    learning_rate : at the beginning
    loss : for ``compile``, such as ``"binary_crossentropy"`` where an example may have several labels. None is the
        model's own, where it is compiled with one, has a ``compute_loss``, or has no Y and calls ``add_loss``; else
        categorical cross-entropy
    metrics : for ``compile``; None is accuracy beside a cross-entropy, and none beside others
    patience : stop after so many epochs without a lower validation loss; None never stops early
    folder : keeps the state of each epoch there: a run that was stopped goes on after its last whole epoch, to the same
        weights, and one that had ended is not trained again. A run is found again by all that it depends on: the model,
        its weights, all data, the settings, loss and change. What it finds of another run it does not use
    names : for ``folder``, of what cannot be told from its content: a name with all settings in it, by the argument,
        such as ``{"change": "shifted by up to 5 frames"}``
    name : stands before the progress
    on_device : move all data to the device once; None does so on a GPU where they fit and nothing changes them
    steps_per_execution : as for ``compile``; None is 16 on a GPU, else 1

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If the lengths differ, a side is empty, X or Y holds NaN or infinity, ``rows`` is no choice of examples, or the
        loss becomes NaN, saying when.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, arXiv:1608.03983;
    "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101.

    Notes
    -----
    Taught in: 10_genre_cnn
    """
    for setting, value in (("epochs", epochs), ("batch_size", batch_size)):
        if index(value) < 1:
            raise ValueError(f"{setting}={value}: expected at least 1.")
    learn = _learning(X, Y, rows, batch_size, change)
    validation = _checked(validation)
    falling = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * learn.num_batches)
    optimizer = keras.optimizers.AdamW(falling)
    steps = steps_per_execution or (min(16, learn.num_batches) if gpus() else 1)
    compiled = _compile(model, optimizer, learn, loss, metrics, steps)
    optimizer.build(model.trainable_variables)
    sides = _sides(model, learn, validation, compiled, on_device)
    place = None
    if folder is not None:
        settings = (epochs, batch_size, learning_rate, patience, seed, bool(sides))
        parts = {"model": model, "X": X, "Y": Y, "rows": getattr(learn, "rows", None), "validation": validation}
        parts |= {"change": change, "loss": model.loss, "metrics": metrics, "settings": settings}
        place = Place(folder, key(parts, names or {}))
    loop = _Loop(model, data.Epochs(learn, seed), place, epochs, patience, name)
    if not loop.over():
        learner, batches = model, loop.data
        if sides:
            learner, batches, validation = resident.moved(model, learn, sides, batch_size)
            learner.compile(optimizer, steps_per_execution=steps, **compiled)
        loop.run(learner, batches, validation, batch_size)
    model.set_weights(loop.best)
    table = pd.DataFrame(loop.history, index=pd.RangeIndex(1, len(loop.history) + 1, name="epoch"))
    return Run(table, _best(loop.history), float(table.seconds.sum()))


def _learning(X, Y, rows, batch_size: int, change) -> keras.utils.PyDataset:
    """The training side as a data set of batches, after a look at what it holds."""
    if not isinstance(X, keras.utils.PyDataset):
        rows = data.check(X, Y, rows, "the training side")
        workers = min(8, os.cpu_count() or 2) if gpus() else 2
        return data.Batches(X, Y, rows=rows, batch_size=batch_size, change=change, workers=workers)
    given = [name for name, value in (("Y", Y), ("rows", rows), ("change", change)) if value is not None]
    if given:
        raise ValueError(f"{', '.join(given)} beside a PyDataset: expected None, for it makes its batches itself.")
    if not X.num_batches:
        raise ValueError(f"the training side, {type(X).__name__}, has {X.num_batches} batches: expected at least 1.")
    return X


def _checked(validation: Any) -> tuple | keras.utils.PyDataset:
    if isinstance(validation, keras.utils.PyDataset):
        return validation
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise ValueError(
            f"validation is {type(validation).__name__}: expected (X, Y) of other groups, or a PyDataset. It chooses "
            "the epoch."
        )
    X, Y = validation
    data.check(X, Y, None, "the validation side")
    return data.taken(X, slice(None)), data.taken(Y, slice(None))


def _compile(model: keras.Model, optimizer, learn, loss: Any, metrics: Sequence | None, steps: int) -> dict[str, Any]:
    """Give the model optimizer, loss and metrics; those that were given, or {} where it has its own."""
    if loss is None and metrics is None and model.compiled and model.loss != _LOSS:
        model.optimizer, model.steps_per_execution = optimizer, steps
        model.train_function = model.test_function = None  # they would go on with the optimizer before
        return {}
    own = type(model).compute_loss is not keras.Model.compute_loss
    if loss is None and not own and (learn.Y is not None if isinstance(learn, data.Batches) else len(learn[0]) > 1):
        loss = _LOSS
    if isinstance(loss, str) and isinstance(learn, data.Batches):
        _check_labels(learn.Y, loss)
    if metrics is None:
        said = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
        metrics = [_accuracy(learn, said)] if "crossentropy" in said.lower() else []
    model.compile(optimizer, loss, metrics=metrics, steps_per_execution=steps)
    return {"loss": loss, "metrics": metrics}


def _accuracy(learn: keras.utils.PyDataset, loss: str) -> Any:
    """How often the likeliest answer is right. "accuracy" would say the same, but Keras then makes it while tracing."""
    shape: tuple[int, ...] = getattr(learn.Y, "shape", ()) if isinstance(learn, data.Batches) else ()
    if len(shape) != 2 or "sparse" in loss.lower():
        return "accuracy"
    kind = keras.metrics.CategoricalAccuracy if shape[1] > 1 else keras.metrics.BinaryAccuracy
    return kind(name="accuracy")


def _check_labels(Y: Any, loss: str) -> None:
    flat = keras.tree.flatten(Y)
    if loss in (_LOSS, "binary_crossentropy") and len(flat) == 1 and np.ndim(flat[0]) < 2:
        raise ValueError(
            f"the training side has labels of shape {np.shape(flat[0])}, and the loss is {loss}: expected shares, "
            "(N, classes), such as from evaluation.one_hot."
        )


def _sides(model, learn, validation, compiled: dict, on_device: bool | None) -> dict[str, tuple]:
    """What is to be moved to the device, X and Y of each side; {} leaves it where it is."""
    arrays = isinstance(learn, data.Batches) and isinstance(validation, tuple)
    can = arrays and learn.change is None and bool(compiled) and resident.is_plain(model)
    if on_device and not can:
        raise ValueError(
            "on_device: data can be moved there if both sides are arrays, nothing changes them, and the model has no "
            "step, compute_loss or metrics of its own. Expected on_device=None."
        )
    if not can or on_device is False:
        return {}
    sides = {"training": (learn.X, learn.Y), "validation": validation}
    fits = gpus() and resident.size(sides) <= resident.MOST
    return sides if on_device or fits else {}


class _Loop(keras.callbacks.Callback):
    """What is done at the end of an epoch: history, best weights, state, progress, and whether to stop."""

    def __init__(self, model, batches: data.Epochs, place: Place | None, epochs: int, patience: int | None, name: str):
        super().__init__()
        self.learned, self.data, self.place = model, batches, place
        self.epochs, self.patience, self.name = epochs, patience, name
        self.history, self.best = place.restore(model) if place else ([], [])
        self.begun = 0.0

    def over(self) -> bool:
        """Whether the last epoch was the last."""
        done = len(self.history)
        return done >= self.epochs or bool(done and self.patience and done - _best(self.history) >= self.patience)

    def run(self, learner: keras.Model, batches: keras.utils.PyDataset, validation: Any, batch_size: int) -> None:
        """Train from the last whole epoch on."""
        done = len(self.history)
        self.data.pass_over(done)
        form = "{desc}: epoch {n_fmt} of {total_fmt}{postfix}"
        with tqdm(desc=self.name, total=self.epochs, initial=done, bar_format=form, file=sys.stderr) as self.bar:
            learner.fit(
                batches,
                epochs=self.epochs,
                initial_epoch=done,
                validation_data=validation,
                validation_batch_size=None if isinstance(validation, keras.utils.PyDataset) else batch_size,
                shuffle=False,
                verbose=0,
                callbacks=[self],
            )

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """The order of its batches."""
        self.begun = time.perf_counter()
        self.data.begin(epoch + 1)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """All else."""
        self.data.end()
        assert logs is not None  # Keras gives them at an epoch's end
        row = {k.replace("val_", "validation_", 1) if k.startswith("val_") else k: float(v) for k, v in logs.items()}
        if not np.isfinite([row["loss"], row["validation_loss"]]).all():
            raise ValueError(f"{self.name}: the loss is {row['loss']} in epoch {epoch + 1}. Try a lower learning_rate.")
        self.history.append(row | {"seconds": time.perf_counter() - self.begun})
        if _best(self.history) == epoch + 1:
            self.best = self.learned.get_weights()
        if self.place:
            self.place.keep(self.learned, self.history, self.best)
        self.model.stop_training = self.over()
        self._say(row)

    def _say(self, row: dict[str, float]) -> None:
        seconds = [r["seconds"] for r in self.history]
        left = (self.epochs - len(seconds)) * np.median(seconds)
        rest = f"{sum(seconds):.0f} s, best epoch {_best(self.history)}" if self.over() else f"{left:.0f} s left"
        text = f"loss {row['loss']:.3f}, validation {row['validation_loss']:.3f}, {rest}"
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update()


def _best(history: list[dict]) -> int:
    return 1 + int(np.argmin([row["validation_loss"] for row in history]))
