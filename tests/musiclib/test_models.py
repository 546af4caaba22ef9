"""Every model: shapes, learning one batch by heart, no look at its neighbors, saving, and the same answers on JAX.

A new model is one line of ``CASES``.
"""

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import keras
import numpy as np
import pytest

from musiclib import models, training

ROOT = Path(__file__).resolve().parents[2]
QUICKLY = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}  # compiled in half the time, for one call of each model
CLASSES = 5


class Case(NamedTuple):
    """A model small enough for a test, and the shape of its examples."""

    shape: tuple[int, int]
    options: Mapping = MappingProxyType({})
    several: bool = False  # sigmoid outputs: an example may have several labels
    classes: int | None = CLASSES  # None: it gives its input back


CASES = {
    "composer_cnn": Case((40, 65), {"filters": (8, 8, 16), "dropout": 0.1}),
    "crnn": Case((40, 65), {"filters": (4, 8, 8), "units": 16, "dropout": 0.0}),
    "encoder": Case((40, 22), {"filters": (4, 8, 8, 8), "size": 16}),
    "genre_cnn": Case((13, 44), {"filters": 8, "dense": 16}),
    "han_cnn": Case((40, 22), {"filters": (4, 8, 8, 8), "dense": 16, "dropout": 0.0}, several=True),
    "interval_net": Case((200, 1), {"parts": (150, 40, 10), "dense": 16, "dropout": 0.2}),
    "lstm_autoencoder": Case((20, 16), {"units": 16, "bottleneck": 8, "attention": True}, classes=None),
    "mel_cnn": Case((40, 65), {"filters": (4, 8, 8)}),
    "musicnn": Case((20, 65), {"timbral": 8, "temporal": 4, "filters": 8, "dense": 16, "dropout": 0.0}, several=True),
    "spectrogram_transformer": Case((40, 65), {"width": 16, "hidden": 24}),
    "two_layers": Case((13, 44), {"filters": 4, "dense": 16}),
}
CLASSIFIERS = sorted(name for name, case in CASES.items() if case.classes)


@pytest.fixture(params=sorted(CASES))
def name(request):
    return request.param


@pytest.fixture
def case(name):
    return CASES[name]


def examples(case):
    """Twelve examples in dB: noise, and a band of its own for each class."""
    X = np.random.default_rng(0).normal(-50, 8, (12, *case.shape)).astype(np.float32)
    for i, picture in enumerate(X):
        band = i % CLASSES * (case.shape[0] // CLASSES)
        picture[band : band + 2] += 25
    return X


@pytest.fixture
def X(case):
    return examples(case)


def made(name, X, seed=0, **options):
    case = CASES[name]
    return training.build(getattr(models, name), X, case.classes, seed=seed, **case.options, **options)


def said(model, X):
    return keras.ops.convert_to_numpy(model(X, training=False))


def test_all_models_are_here():
    assert sorted([*CASES, "kept", "kept_card"]) == dir(models)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_answers_are_probabilities_for_any_number_of_examples(name, case, X):
    model = made(name, X)
    for count in (1, 2, len(X)):
        P = said(model, X[:count])
        assert P.shape == (count, CLASSES) and P.dtype == np.float32
        assert np.isfinite(P).all() and (P >= 0).all() and (P <= 1).all()
        if not case.several:
            np.testing.assert_allclose(P.sum(1), 1, atol=1e-5)


def test_silence_and_one_level_give_finite_answers(name, case, X):
    model = made(name, np.full_like(X, -80))
    assert np.isfinite(said(model, np.full((2, *case.shape), -80, np.float32))).all()
    assert np.isfinite(said(model, X)).all()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_learns_one_batch_by_heart(name, case, X):
    Y = np.eye(CLASSES, dtype=np.float32)[np.arange(len(X)) % CLASSES]
    if case.several:
        Y[0, 1] = Y[5, 2] = 1
    model = made(name, X)
    loss = "binary_crossentropy" if case.several else "categorical_crossentropy"
    rows = np.tile(np.arange(len(X)), 25)
    training.fit(model, X, Y, (X, Y), rows=rows, epochs=4, batch_size=len(X), learning_rate=1e-2, loss=loss, seed=0)
    P = said(model, X)
    assert np.array_equal(P > 0.5, Y > 0.5)


def test_an_answer_does_not_depend_on_its_place_or_its_neighbors(name, X):
    model = made(name, X)
    order = np.random.default_rng(1).permutation(len(X))
    P = said(model, X)
    np.testing.assert_allclose(said(model, X[order]), P[order], atol=1e-5)
    np.testing.assert_allclose(said(model, X[3:4]), P[3:4], atol=1e-5)


def test_it_hears_the_whole_picture(name, case, X):
    """Every part of the segment can change the answer: no layer drops the ends."""
    model = made(name, X)
    before = said(model, X[:1])
    bands = case.shape[0]
    for rows, columns in ((slice(0, bands // 2), slice(0, 16)), (slice(bands // 2, None), slice(-16, None))):
        changed = X[:1].copy()
        changed[:, rows, columns] += 30
        assert not np.allclose(said(model, changed), before, atol=1e-6)


def test_each_kind_of_numbers_has_units_of_its_own():
    X = np.random.default_rng(0).normal(size=(8, 30, 1)).astype(np.float32)
    model = training.build(models.interval_net, X, CLASSES, parts=(20, 10), dense=4)
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.kernel.shape for layer in dense] == [(20, 4), (10, 4), (8, CLASSES)]
    with pytest.raises(ValueError, match=r"parts=\(20, 9\) add up to 29, and there are 30 numbers"):
        models.interval_net((30, 1), CLASSES, parts=(20, 9))


def test_the_seed_makes_the_weights(name, X):
    first, again, other = (made(name, X, seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_is_the_same_after_saving_and_loading_in_safe_mode(name, X, tmp_path):
    model = made(name, X)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(said(again, X), said(model, X), atol=1e-6)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Answers of all models on the other backend, made in one process; and the models, their examples beside them."""
    folder = tmp_path_factory.mktemp("elsewhere")
    kept = {}
    for name, case in CASES.items():
        X = examples(case)
        kept[name] = made(name, X), X
        kept[name][0].save(folder / f"{name}.keras")
        np.save(folder / f"{name}.npy", X)
    program = """
        import sys, keras, numpy as np
        from pathlib import Path
        folder, backend = Path(sys.argv[1]), sys.argv[2]
        assert keras.backend.backend() == backend
        answers = {}
        for path in folder.glob("*.keras"):
            model = keras.saving.load_model(path, safe_mode=True)
            X = np.load(path.with_suffix(".npy"), allow_pickle=False)
            answers[path.stem] = model.predict(X, verbose=0)
        np.savez(folder / "answers.npz", **answers)
    """
    other = "jax" if keras.backend.backend() == "tensorflow" else "tensorflow"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(folder), other],
        env=os.environ | {"KERAS_BACKEND": other, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"} | QUICKLY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(folder / "answers.npz", allow_pickle=False) as answers:
        return kept, dict(answers)


@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")
def test_tensorflow_and_jax_give_the_same_answers(name, elsewhere):
    kept, answers = elsewhere
    np.testing.assert_allclose(answers[name], said(*kept[name]), atol=1e-4)
