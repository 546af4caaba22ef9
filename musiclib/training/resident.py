"""Data that stay where the model computes: a step is then told only the numbers of its examples."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from musiclib.training.data import Arrays, Batches, count_of, plain

MOST = 4 << 30  # bytes of a device's memory that data may take


class OnDevice(keras.Model):
    """A model that looks its examples up, in arrays on the device that were moved there once.

    It shares its weights with ``model``. Its input is a dict with one entry: a side's name, ``"training"`` or
    ``"validation"``, and numbers of examples, shape (batch,).

    Parameters
    ----------
    model : one whose loss and metrics ``compile`` sets
    sides : for each side its X and Y
    """

    def __init__(self, model: keras.Model, sides: dict[str, tuple[Arrays, Arrays | None]]):
        super().__init__(name=model.name)
        self.model = model
        arrays = {name: [keras.tree.flatten(part) for part in side] for name, side in sides.items()}
        self.held = {name: [[self._moved(a) for a in part] for part in parts] for name, parts in arrays.items()}
        self.made = sides["training"]  # how inputs and answers are nested

    def _moved(self, array: np.ndarray | None) -> keras.Variable | None:
        if array is None:
            return None
        small = array.dtype.name in ("float16", "int8", "uint8", "int16")
        value = np.asarray(array) if small else plain(array)
        return self.add_weight(
            shape=value.shape, dtype=value.dtype.name, initializer=lambda *_, **__: value, trainable=False
        )

    def _examples(self, x: dict[str, Any]) -> list:
        """X and Y of the examples that are asked for."""
        ((side, rows),) = x.items()
        found = []
        for form, part in zip(self.made, self.held[side], strict=True):
            some = [None if v is None else _cast(ops.take(v, rows, axis=0)) for v in part]
            found.append(keras.tree.pack_sequence_as(form, some))
        return found

    def call(self, x: dict[str, Any], training: bool | None = None) -> Any:
        """The model's answers for these examples, and their Y: on JAX only this step can reach what is held here."""
        X, Y = self._examples(x)
        return self.model(X, training=training), Y

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss that ``compile`` set, against the Y that is here."""
        answers, Y = y_pred
        return super().compute_loss(None, Y, answers, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """The metrics that ``compile`` set, against the Y that is here."""
        answers, Y = y_pred
        return super().compute_metrics(None, Y, answers, sample_weight)


class Numbers(keras.utils.PyDataset):
    """Numbers of examples, batch by batch, for :class:`OnDevice`.

    Parameters
    ----------
    side : ``"training"`` or ``"validation"``
    order : from nothing to the numbers in batches: an array (batches, batch), or a list of arrays
    """

    def __init__(self, side: str, order: Callable[[], np.ndarray | Sequence[np.ndarray]]):
        super().__init__(workers=0)
        self.side, self.order = side, order

    def __len__(self) -> int:
        return len(self.order())

    def __getitem__(self, number: int) -> tuple:
        return ({self.side: np.asarray(self.order()[number], np.int32)},)


def moved(
    model: keras.Model, learn: Batches, sides: dict[str, tuple], batch_size: int
) -> tuple[OnDevice, Numbers, Numbers]:
    """The model with its data on the device, and the numbers of both sides' examples."""
    rows = np.arange(count_of(sides["validation"][0]))
    checked = [rows[first : first + batch_size] for first in range(0, len(rows), batch_size)]
    learner = OnDevice(model, sides)
    return learner, Numbers("training", lambda: learn.order), Numbers("validation", lambda: checked)


def size(*arrays: Arrays) -> int:
    """Bytes of all these arrays together."""
    return sum(array.nbytes for array in keras.tree.flatten(arrays) if array is not None)


def is_plain(model: keras.Model) -> bool:
    """Whether loss and metrics are those that ``compile`` sets, and the step is Keras' own."""
    own = ("compute_loss", "compute_metrics", "metrics", "train_step", "test_step")
    return all(getattr(type(model), name) is getattr(keras.Model, name) for name in own) and not model._metrics


def _cast(tensor: Any) -> Any:
    kind = keras.backend.standardize_dtype(tensor.dtype)
    return ops.cast(tensor, "int32" if "int" in kind else "float32")
