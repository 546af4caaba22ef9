"""What a kept training belongs to: all of it, told by content, or by a name where content cannot be told."""

import functools
import os
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest

from musiclib import splits, training
from musiclib.training import identity as ids
from musiclib.training import loop

ROOT = Path(__file__).resolve().parents[2]
X = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
Y = np.eye(2, dtype=np.float32)[np.arange(40) % 2]
FACTOR = 2.0


def small(seed=0, units=3):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(units), keras.layers.Dense(2, "softmax")])


@pytest.fixture
def key(monkeypatch):
    """From arguments of ``fit`` to the key that the run would be kept by: nothing is trained."""

    class Found(Exception):
        pass

    def place(folder, key):
        raise Found(key)

    def find(model=None, X=X, Y=Y, validation=(X, Y), **options):
        with pytest.raises(Found) as found:
            training.fit(model or small(), X, Y, validation, folder="unused", **{"epochs": 2} | options)
        return found.value.args[0]

    monkeypatch.setattr(loop, "Place", place)
    return find


def make(shift):
    def change(X, Y, rng):
        return X + shift, Y

    return change


def scaled(X, Y, rng, by=1.0):
    return X * by, Y


def by_global(X, Y, rng):
    return X * FACTOR, Y


def through_another(X, Y, rng):
    return by_global(X, Y, rng)


class Shift:
    def __init__(self, by):
        self.by = by

    def __call__(self, X, Y, rng):
        return X + self.by, Y


class Weighted(keras.losses.Loss):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def call(self, y_true, y_pred):
        return self.weight * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def test_the_same_run_has_the_same_key_and_any_other_another(key):
    other = X.copy()
    other[17, 3] += 1e-3
    labels = Y.copy()
    labels[5] = labels[5, ::-1]
    keys = [
        key(),
        key(X=other),
        key(Y=labels),
        key(validation=(other, Y)),
        key(validation=(X, labels)),
        key(model=small(seed=1)),
        key(model=small(units=4)),
        key(rows=np.arange(30)),
        key(rows=np.arange(30)[::-1]),
        key(batch_size=8),
        key(learning_rate=1e-2),
        key(patience=1),
        key(seed=1),
        key(epochs=3),
        key(loss="binary_crossentropy"),
        key(loss=Weighted(1.0)),
        key(loss=Weighted(2.0)),
        key(loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1)),
        key(change=make(0)),
        key(change=make(5)),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == key() == key(rows=np.ones(40, bool)) == key(name="another")
    assert keys[-1] == key(change=make(5)) and keys[-4] == key(loss=Weighted(2.0))


def test_a_change_is_told_by_all_that_it_depends_on(monkeypatch):
    changes = [
        make(0),
        make(5),
        scaled,
        functools.partial(scaled, by=2.0),
        functools.partial(scaled, by=3.0),
        Shift(1),
        Shift(2),
        Shift(1).__call__,
        by_global,
        through_another,
        lambda X, Y, rng: (2 * X, Y),
        lambda X, Y, rng: (3 * X, Y),
        np.random.default_rng(1).permutation,
        np.random.default_rng(2).permutation,
        functools.cache(scaled),
        make(np.arange(3)),
        make({"a": {1, 2}}),
    ]
    found = [ids.identity(change) for change in changes]
    assert len(set(found)) == len(found)
    assert found[1] == ids.identity(make(5)) and found[3] == ids.identity(functools.partial(scaled, by=2.0))
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert ids.identity(by_global) != found[8] and ids.identity(through_another) != found[9]
    monkeypatch.setattr(scaled, "__defaults__", (7.0,))
    assert ids.identity(scaled) != found[2]


def test_a_function_that_calls_itself_and_an_object_that_holds_itself_have_an_identity():
    held: list = [1]
    held.append(held)
    assert ids.identity(held) != ids.identity([1])

    def again(n):
        return n and again(n - 1)

    assert ids.identity(again) == ids.identity(again)


@pytest.mark.parametrize("hidden", [threading.Lock(), (n for n in "ab"), sys.stdout], ids=["lock", "generator", "file"])
def test_what_cannot_be_told_asks_for_a_name(key, hidden):
    with pytest.raises(ids.Nameless):
        ids.identity(hidden)
    with pytest.raises(ValueError, match=r"change cannot be told .*shift, which .*closes over.*names=\{'change'"):
        training.fit(small(), X, Y, (X, Y), epochs=1, folder="unused", change=make(hidden))
    named = [key(change=make(hidden), names={"change": name}) for name in ("by a lock", "by a lock", "another")]
    assert named[0] == named[1] != named[2]
    with pytest.raises(ValueError, match=r"names=\['chance'\]: expected some of .*change"):
        training.fit(small(), X, Y, (X, Y), epochs=1, folder="unused", names={"chance": "x"})


def test_a_mapped_array_is_read_once_and_again_when_its_file_has_changed(tmp_path, monkeypatch):
    path = tmp_path / "X.npy"
    np.save(path, X)
    mapped = np.load(path, mmap_mode="r")
    assert ids.array_digest(mapped) == ids.array_digest(X)
    assert ids.array_digest(mapped[5:9]) == ids.array_digest(X[5:9]) != ids.array_digest(mapped[6:10])
    assert ids.array_digest(mapped[::2, ::-1]) == ids.array_digest(X[::2, ::-1])

    def never(*_):
        raise AssertionError("it was read again")

    with monkeypatch.context() as patch:
        patch.setattr(ids.np, "ascontiguousarray", never)
        ids.array_digest(np.load(path, mmap_mode="r"))
    other = X.copy()
    other[20, 2] = 7
    np.save(path, other)
    os.utime(path, ns=(1, 1))
    assert ids.array_digest(np.load(path, mmap_mode="r")) == ids.array_digest(other)
    private = np.load(path, mmap_mode="c")
    private[0] = 0
    assert ids.array_digest(private) != ids.array_digest(other)


def test_arrays_are_told_by_type_and_shape_and_in_parts_as_whole(monkeypatch):
    found = {ids.array_digest(a) for a in (X, X.T.copy(), X.ravel(), X.astype(np.float64), X.view(np.int32))}
    assert len(found) == 5
    whole = ids.array_digest(X)
    monkeypatch.setattr(ids, "_CHUNK", 100)
    assert ids.array_digest(X) == whole


def identities():
    """Of things whose content a set's order, an address or a hash could leak into."""
    values = [make({"a", "b", "c"}), Shift(2), Weighted(3.0), functools.partial(scaled, by=2.0)]
    values += [splits.assert_disjoint, small(), np.random.default_rng(4), through_another]
    return [ids.identity(value) for value in values]


def test_another_process_finds_the_same():
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "musiclib")])
    elsewhere = subprocess.run(
        [sys.executable, "-c", "import test_training_kept as here; print(*here.identities())"],
        env=os.environ | {"PYTHONPATH": paths, "PYTHONHASHSEED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = identities()  # under another seed of hashes
    assert elsewhere.stdout.split() == found and len(set(found)) == 8
