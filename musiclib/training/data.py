"""What a model learns from: rows of arrays, checked, and made into batches in an order of each epoch's own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import keras
import numpy as np

Arrays = Any  # an array (N, ...), or a tuple, list or dict of them: one for each input
Change = Callable[[Any, Any, np.random.Generator], tuple]

LOOK = "Look for a broken file, or a feature of silence."


class Batches(keras.utils.PyDataset):
    """One epoch of examples in an order of its own, changed batch by batch, in threads beside the training.

    Parameters
    ----------
    X : examples, shape (N, ...), in memory or mapped from disk; several inputs are a tuple or dict of arrays
    Y : what to answer, such as labels as shares, shape (N, classes); None where a model finds its loss by itself
    rows : which of them to learn from, as whole numbers, which may come again, or as one truth value an example; None
        is all
    batch_size : the last batch is filled with the epoch's first examples, so that all have one shape
    change : called with a batch and a generator of its own, ``change(X, Y, rng)``; None changes nothing
    seed : of order and changes; the same gives the same batches with any number of threads
    workers : threads that make batches ahead of their use

    Raises
    ------
    ValueError
        If ``rows`` is something else, beyond the examples, or empty.

    Notes
    -----
    Whole numbers, such as tokens, come as int32, all else as float32.
    """

    def __init__(
        self,
        X: Arrays,
        Y: Arrays | None,
        *,
        rows: np.ndarray | None = None,
        batch_size: int = 32,
        change: Change | None = None,
        seed: int | tuple[int, ...] = 0,
        workers: int = 2,
    ):
        super().__init__(workers=workers, max_queue_size=4)
        self.X, self.Y, self.change = X, Y, change
        self.rows = rows_of(rows, count_of(X))
        if not len(self.rows):
            raise ValueError("rows is empty: expected examples to learn from.")
        self.batch_size = min(batch_size, len(self.rows))
        self.shuffle(seed)

    def shuffle(self, seed: int | tuple[int, ...]) -> None:
        """The order, and the changes, of another seed."""
        self.seed = seed if isinstance(seed, tuple) else (seed,)
        order = np.random.default_rng(self.seed).permutation(self.rows)
        self.order = np.resize(order, (-(-len(order) // self.batch_size), self.batch_size))

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> tuple:
        X, Y = (taken(arrays, self.order[number]) for arrays in (self.X, self.Y))
        if self.change is not None:
            return self.change(X, Y, np.random.default_rng((*self.seed, 1, number)))
        return (X,) if Y is None else (X, Y)


class Epochs(keras.utils.PyDataset):
    """A data set whose epochs the training begins and ends itself, its batches made in threads ahead of their use.

    Keras calls ``on_epoch_end`` once more before the first epoch: a run that goes on could not know where it is. And
    with several workers its own queue hands out batches of the epoch before, on JAX: here a new epoch empties it.
    """

    def __init__(self, data: keras.utils.PyDataset, seed: int):
        super().__init__(workers=1)
        self.data, self.seed = data, seed
        self.threads = ThreadPoolExecutor(data.workers) if data.workers > 1 else None
        self.ahead: dict[int, Future] = {}

    @property
    def num_batches(self) -> int:
        return self.data.num_batches

    def __getitem__(self, number: int) -> tuple:
        if self.threads is None:
            return self.data[number]
        for n in range(number, min(number + max(1, self.data.max_queue_size), self.num_batches)):
            if n not in self.ahead:
                self.ahead[n] = self.threads.submit(self.data.__getitem__, n)
        return self.ahead.pop(number).result()

    def begin(self, epoch: int) -> None:
        """Before the first batch of an epoch, counted from 1."""
        wait([batch for batch in self.ahead.values() if not batch.cancel()])
        self.ahead.clear()
        if isinstance(self.data, Batches):
            self.data.shuffle((self.seed, epoch))
        else:
            self.data.on_epoch_begin()

    def pass_over(self, epochs: int) -> None:
        """So many epochs from the first, which a run before this one has learned."""
        for epoch in range(1, epochs + 1):
            self.begin(epoch)
            self.end()

    def end(self) -> None:
        """After the last batch of an epoch."""
        if not isinstance(self.data, Batches):
            self.data.on_epoch_end()


def taken(arrays: Arrays | None, rows: np.ndarray | slice) -> Any:
    """These rows of each array: whole numbers as int32, all else as float32."""
    return keras.tree.map_structure(lambda array: None if array is None else plain(array[rows]), arrays)


def plain(array: Any) -> np.ndarray:
    """The array in the type that a model gets: int32 for whole numbers, else float32."""
    array = np.asarray(array)
    return array.astype(np.int32 if array.dtype.kind in "iu" else np.float32, copy=False)


def count_of(arrays: Arrays) -> int:
    """How many examples there are.

    Raises
    ------
    ValueError
        If the arrays of several inputs differ in that.
    """
    counts = {len(array) for array in keras.tree.flatten(arrays)}
    if len(counts) != 1:
        raise ValueError(f"the inputs have {sorted(counts)} examples: expected as many of each.")
    return counts.pop()


def rows_of(rows: Any, count: int) -> np.ndarray:
    """Which examples of ``count`` are meant, as their numbers.

    Parameters
    ----------
    rows : whole numbers from 0 to ``count`` − 1, in any order, which may come again; or one truth value an example;
        None is all

    Raises
    ------
    ValueError
        If it is something else.
    """
    if rows is None:
        return np.arange(count)
    found = np.asarray(rows)
    if found.ndim == 1 and not found.size:
        return np.zeros(0, int)
    if found.dtype == bool and found.shape == (count,):
        return np.flatnonzero(found)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ValueError(
            f"rows has shape {found.shape} and type {found.dtype}: expected whole numbers from 0 to {count - 1}, or "
            f"{count} truth values."
        )
    beyond = found[(found < 0) | (found >= count)]
    if beyond.size:
        raise ValueError(f"rows has {beyond[0]}: expected whole numbers from 0 to {count - 1}.")
    return found


def where_not_finite(array: np.ndarray, first: int = 0) -> list[int] | None:
    """The place of the first NaN or infinity, None if there is none; ``first`` is the number of the first example."""
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return None
    place = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
    return [place[0] + first, *place[1:]]


def check(X: Arrays, Y: Arrays | None, rows: np.ndarray | None, side: str) -> np.ndarray:
    """The rows to use, after a look at all that they hold.

    Raises
    ------
    ValueError
        If the lengths differ, nothing is left, or there is NaN or infinity, naming the side and the place.
    """
    examples = count_of(X)
    if Y is not None:
        shapes = [tuple(np.shape(array)) for array in keras.tree.flatten(Y)]
        if any(shape[:1] != (examples,) for shape in shapes):
            shown = str(shapes[0]) if len(shapes) == 1 else str(shapes)
            raise ValueError(
                f"{side} has {examples} examples and labels of shape {shown}: expected (N, ...), (N, classes)."
            )
    rows = rows_of(rows, examples)
    if not len(rows):
        raise ValueError(f"{side} is empty: expected examples of every class.")
    for name, arrays in (("X", X), ("Y", Y)):
        for array in keras.tree.flatten(arrays):
            if array is not None and array.dtype.kind == "f":
                _check_finite(array, np.unique(rows), side, name)
    return rows


def _check_finite(array: np.ndarray, rows: np.ndarray, side: str, name: str) -> None:
    for first in range(0, len(rows), 256):
        some = rows[first : first + 256]
        broken = where_not_finite(np.asarray(array[some]))
        if broken:
            place = [int(some[broken[0]]), *broken[1:]]
            raise ValueError(f"{side} holds NaN or infinity: {name}{place}. {LOOK}")
