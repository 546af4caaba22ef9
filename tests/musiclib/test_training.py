"""Training: the same seed the same weights, batches that do not depend on threads, a killed run that goes on."""

import os
import signal
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

from musiclib import models, training

SHAPE, CLASSES = (16, 40), 3
ROOT = Path(__file__).resolve().parents[2]
PATHS = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "musiclib")])
ENVIRONMENT = os.environ | {"PYTHONPATH": PATHS, "TF_CPP_MIN_LOG_LEVEL": "3"}


def examples():
    """Three classes of noisy pictures, a bright band each: 48 examples, of which the last 12 are for validation."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((48, *SHAPE)).astype(np.float32) - 40
    label = np.arange(48) % CLASSES
    for picture, k in zip(X, label, strict=True):
        picture[3 + 4 * k] += 4
    return X, np.eye(CLASSES, dtype=np.float32)[label]


@pytest.fixture(scope="module")
def tones():
    return examples()


def network(shape, classes, *, dropout=0.3):
    """All that a training has to keep, and no more to trace: weights, moving statistics, dropout's generator."""
    picture = keras.Input(shape)
    h = keras.layers.Flatten()(keras.layers.Normalization(axis=1)(picture))
    h = keras.layers.BatchNormalization(momentum=0.9)(keras.layers.Dense(16, activation="relu")(h))
    h = keras.layers.Dropout(dropout)(h)
    return keras.Model(picture, keras.layers.Dense(classes, activation="softmax", dtype="float32")(h))


def make(seed=0, **options):
    X = np.random.default_rng(1).standard_normal((20, *SHAPE)).astype(np.float32) * 3 - 40
    return training.build(network, X, CLASSES, seed=seed, **options)


def learn(model, tones, **options):
    X, Y = tones
    settings = {"epochs": 4, "batch_size": 16, "rows": np.arange(36), "learning_rate": 3e-3} | options
    return training.fit(model, X, Y, (X[36:], Y[36:]), **settings)


def test_build_scales_each_band_by_what_it_will_learn_from():
    rng = np.random.default_rng(3)
    X = (rng.standard_normal((300, *SHAPE)) * np.arange(1, 17)[:, None] - 60).astype(np.float32)
    model = training.build(models.genre_cnn, X, CLASSES)
    scaled = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))(X)
    scaled = keras.ops.convert_to_numpy(scaled)
    np.testing.assert_allclose(scaled.mean((0, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std((0, 2)), 1, atol=1e-3)


def test_build_gives_the_same_first_weights_by_the_same_seed_alone():
    a, b, c = (make(seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert not all(np.array_equal(x, y) for x, y in zip(a, c, strict=True))
    assert keras.config.dtype_policy().name == "float32"


def test_copied_weights_bring_the_levels_with_them_to_another_length_and_back():
    X = np.random.default_rng(2).standard_normal((6, *SHAPE)).astype(np.float32) * 5 + 20
    source = training.build(models.mel_cnn, X, CLASSES, seed=1)
    short = training.build(models.mel_cnn, X[:, :, :20] * 0 + 1, CLASSES, seed=2)
    again = training.build(models.mel_cnn, X - 30, CLASSES, seed=3)
    training.copy_weights(source, short)
    training.copy_weights(short, again)
    assert np.allclose(source.predict(X, verbose=0), again.predict(X, verbose=0), atol=1e-5)
    assert not np.allclose(source.predict(X, verbose=0), source.predict(X - 30, verbose=0), atol=1e-2), "levels count"


def test_a_head_that_is_left_keeps_its_weights():
    X = np.zeros((2, *SHAPE), np.float32)
    source, target = (training.build(models.mel_cnn, X, n) for n in (CLASSES, CLASSES + 2))
    head = target.layers[-1]
    own = head.get_weights()
    training.copy_weights(source, target, leave=[head.name])
    assert all(map(np.array_equal, own, head.get_weights()))
    assert all(map(np.array_equal, source.get_weights()[:-2], target.get_weights()[:-2]))


def test_weights_that_do_not_fit_are_named():
    X = np.zeros((2, *SHAPE), np.float32)
    source, target = (training.build(models.mel_cnn, X, n) for n in (CLASSES, CLASSES + 1))
    with pytest.raises(ValueError, match=rf"layer '{target.layers[-1].name}' has weights of shapes .*name it in leave"):
        training.copy_weights(source, target)
    with pytest.raises(ValueError, match=r"source has \d+ layers, target \d+"):
        training.copy_weights(training.build(models.two_layers, X, CLASSES), target)


def test_on_a_gpu_a_model_computes_in_bfloat16_and_answers_in_float32(tones, monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
    model = make()
    hidden = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dense))
    assert (hidden.compute_dtype, hidden.variable_dtype) == ("bfloat16", "float32")
    assert model.output.dtype == "float32" and keras.config.dtype_policy().name == "float32"
    assert np.isfinite(learn(model, tones, epochs=1).history.loss).all()


def test_fit_learns_what_can_be_learned_and_keeps_the_best_epoch(tones):
    model = make()
    run = learn(model, tones, epochs=16, batch_size=12, learning_rate=5e-3)
    X, Y = tones
    judged = model.evaluate(X[36:], Y[36:], verbose=0, return_dict=True)
    assert judged["accuracy"] == 1
    assert judged["loss"] == pytest.approx(run.history.validation_loss.min(), abs=1e-5)
    assert run.best == run.history.validation_loss.idxmin()
    assert list(run.history.index) == list(range(1, 17)) and run.seconds == pytest.approx(run.history.seconds.sum())


def test_fit_overfits_one_batch(tones):
    X, _ = tones
    Y = np.eye(CLASSES, dtype=np.float32)[np.random.default_rng(5).integers(0, CLASSES, 12)]  # labels without sense
    model = make(dropout=0.0)
    run = training.fit(model, X[:12], Y, (X[:12], Y), rows=np.tile(np.arange(12), 20), epochs=6, learning_rate=5e-3)
    assert run.history.validation_accuracy.iloc[-1] == 1


def test_two_runs_by_one_seed_are_equal_and_another_seed_is_not(tones):
    runs = []
    for seed in (1, 1, 2):
        model = make()
        learn(model, tones, epochs=2, seed=seed)
        runs.append(model.get_weights())
    assert all(np.array_equal(x, y) for x, y in zip(runs[0], runs[1], strict=True))
    assert not all(np.array_equal(x, y) for x, y in zip(runs[0], runs[2], strict=True))


def test_fit_stops_early_when_nothing_gets_better(tones):
    X, Y = tones
    wrong = np.roll(Y, 1, axis=1)  # the better it learns, the worse it is judged
    run = training.fit(make(), X[:36], Y[:36], (X[36:], wrong[36:]), epochs=40, patience=2, learning_rate=3e-3)
    assert len(run.history) == run.best + 2 < 40


def test_fit_says_where_it_is(tones, capsys):
    learn(make(), tones, epochs=2, name="genre CNN")
    said = capsys.readouterr().err
    assert "genre CNN: epoch 1 of 2, loss" in said and " left" in said and said.endswith("\n")
    assert "best epoch" in said


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_batches_do_not_depend_on_threads_and_hold_every_row_once(tones, workers):
    X, Y = tones

    def change(X, Y, rng):
        return X + rng.standard_normal(X.shape).astype(np.float32), Y

    batches = training.Batches(X, Y, rows=np.arange(30), batch_size=8, change=change, seed=3, workers=workers)
    expected = training.Batches(X, Y, rows=np.arange(30), batch_size=8, change=change, seed=3)
    assert len(batches) == 4
    for k in (3, 0, 2, 1):
        np.testing.assert_array_equal(batches[k][0], expected[k][0])
        assert batches[k][0].shape == (8, *SHAPE)
    assert set(batches.order.ravel()) == set(range(30))
    assert sorted(batches.order.ravel()[:30]) == list(range(30))
    other = training.Batches(X, Y, rows=np.arange(30), batch_size=8, seed=4)
    assert not np.array_equal(other.order, batches.order)


def test_fit_reads_a_memory_map_and_leaves_it_on_disk(tones, tmp_path):
    X, Y = tones
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    a, b = make(), make()
    learn(a, (mapped, Y), epochs=1)
    learn(b, tones, epochs=1)
    assert all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


KILLED = """
    import os, signal, sys
    import numpy as np
    from musiclib import training
    from test_training import disturb, learn, make

    def counted(self, number):
        if self.seed[1:] == (3,):  # in the third of four epochs
            os.kill(os.getpid(), signal.SIGKILL)
        return batch(self, number)

    batch = training.Batches.__getitem__
    training.Batches.__getitem__ = counted
    learn(make(), tuple(np.load(f"{sys.argv[1]}/{n}.npy") for n in "XY"), change=disturb, folder=sys.argv[1])
"""


def disturb(X, Y, rng):
    return X + rng.normal(0, 0.1, X.shape).astype(np.float32), Y


@pytest.mark.skipif(sys.platform == "win32", reason="signals are otherwise there")
def test_a_killed_run_goes_on_to_the_same_weights(tones, tmp_path, capsys):
    for name, array in zip("XY", tones, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)]
    killed = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    whole, resumed, again = make(), make(), make()
    run = learn(whole, tones, change=disturb)
    capsys.readouterr()
    assert learn(resumed, tones, change=disturb, folder=tmp_path).best == run.best
    said = capsys.readouterr().err
    assert "epoch 1 of 4" not in said and "epoch 4 of 4" in said
    learn(again, tones, change=disturb, folder=tmp_path)
    assert "epoch" not in capsys.readouterr().err  # what had ended is not trained again
    for model in (resumed, again):
        assert all(np.array_equal(x, y) for x, y in zip(whole.get_weights(), model.get_weights(), strict=True))


def test_bad_input_is_named(tones):
    X, Y = tones
    with pytest.raises(ValueError, match=r"training side has 48 examples and labels of shape \(47, 3\)"):
        training.fit(make(), X, Y[1:], (X, Y), epochs=1)
    with pytest.raises(ValueError, match="validation side is empty"):
        training.fit(make(), X, Y, (X[:0], Y[:0]), epochs=1)
    broken = X.copy()
    broken[7, 3, 3] = np.nan
    with pytest.raises(ValueError, match="training side holds NaN or infinity"):
        training.fit(make(), broken, Y, (X, Y), epochs=1)
    with pytest.raises(ValueError, match="epochs=0"):
        training.fit(make(), X, Y, (X, Y), epochs=0)
    with pytest.raises(ValueError, match=r"the loss is .* in epoch \d+. Try a lower learning_rate"):
        training.fit(make(), X, Y, (X, Y), epochs=30, learning_rate=1e30)
    with pytest.raises(ValueError, match=r"training side holds NaN or infinity: X\[7, 3, 3\]"):
        training.fit(make(), broken, Y, (X, Y), epochs=1)
    with pytest.raises(ValueError, match=r"labels of shape \(48,\), and the loss is categorical_crossentropy"):
        training.fit(make(), X, Y.argmax(1), (X, Y), epochs=1)
    with pytest.raises(ValueError, match="validation is NoneType: expected"):
        training.fit(make(), X, Y, epochs=1)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_build_says_where_its_examples_are_broken(tones, broken):
    X = np.concatenate([tones[0]] * 6)
    X[270, 3, 5] = broken
    with pytest.raises(ValueError, match=r"X holds NaN or infinity: X\[270, 3, 5\]"):
        training.build(models.genre_cnn, X, CLASSES)
    with pytest.raises(ValueError, match="X is empty"):
        training.build(models.genre_cnn, X[:0], CLASSES)


def test_rows_may_be_truth_values_or_numbers_that_come_again(tones):
    X, Y = tones
    mask = np.arange(48) < 30
    for rows, expected in (
        (mask, np.arange(30)),
        (mask.tolist(), np.arange(30)),
        (range(5), np.arange(5)),
        (np.array([3, 3, 7], np.uint8), [3, 3, 7]),
        (None, np.arange(48)),
    ):
        batches = training.Batches(X, Y, rows=rows, batch_size=64)
        np.testing.assert_array_equal(np.sort(batches.order.ravel()), expected)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.arange(47) < 30, r"shape \(47,\) and type bool: expected whole numbers from 0 to 47, or 48 truth values"),
        (np.arange(30.0), "type float64"),
        (np.arange(30) - 1, "rows has -1: expected whole numbers from 0 to 47"),
        ([5, 48], "rows has 48"),
        ([[1, 2], [3, 4]], r"shape \(2, 2\)"),
        (["a"], "type <U1"),
        (np.array([1, 2], object), "type object"),
        (7, r"shape \(\)"),
        ([], "empty"),
        (np.zeros(48, bool), "empty"),
    ],
)
def test_rows_that_are_no_choice_of_examples_are_refused(tones, rows, message):
    X, Y = tones
    with pytest.raises(ValueError, match=message):
        training.Batches(X, Y, rows=rows)
    with pytest.raises(ValueError, match=message):
        training.fit(make(), X, Y, (X, Y), rows=rows, epochs=1)


def test_leave_takes_one_name_and_refuses_one_that_is_not_there():
    X = np.zeros((2, *SHAPE), np.float32)
    source, target = (training.build(models.encoder, X, n, filters=(4, 4), size=8) for n in (CLASSES, CLASSES + 2))
    training.copy_weights(source, target, leave="answer")
    with pytest.raises(ValueError, match=r"leave=\['anser'\]: target has .*answer"):
        training.copy_weights(source, target, leave=["anser"])


# ---------------------------------------------------------------- other models, other data


def melodies(count=24):
    """Tokens (N, T) that go up by one, and the next of each."""
    X = (np.arange(count)[:, None] + np.arange(9)) % 7
    return X[:, :-1], X[:, 1:]


def tokens_model():
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32")
    h = keras.layers.GRU(16, return_sequences=True)(keras.layers.Embedding(7, 8)(tokens))
    return keras.Model(tokens, keras.layers.Dense(7, activation="softmax")(h))


class Squeeze(keras.Model):
    """A small autoencoder that brings its loss and a metric, as generative models do."""

    def __init__(self, size=4):
        super().__init__()
        self.size = size
        self.body = keras.Sequential([keras.layers.Dense(size), keras.layers.Dropout(0.2), keras.layers.Dense(12)])
        self.off = keras.metrics.Mean(name="off")

    def call(self, x, training=None):
        return self.body(x, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = keras.ops.mean(keras.ops.square(x - y_pred))
        self.off.update_state(keras.ops.sqrt(loss))
        return loss


class Own(keras.utils.PyDataset):
    """Batches that a reader makes: another order each epoch."""

    def __init__(self, X, Y, seed=0, **options):
        super().__init__(**options)
        self.X, self.Y, self.rng, self.order = X, Y, np.random.default_rng(seed), np.arange(len(X))

    def __len__(self):
        return len(self.X) // 8

    def __getitem__(self, number):
        rows = self.order[8 * number : 8 * number + 8]
        return self.X[rows], self.Y[rows]

    def on_epoch_end(self):
        self.order = self.rng.permutation(self.order)


def test_tokens_are_learned_with_their_own_loss():
    X, Y = melodies()
    loss = "sparse_categorical_crossentropy"
    run = training.fit(tokens_model(), X, Y, (X, Y), loss=loss, epochs=12, batch_size=8, learning_rate=2e-2)
    assert run.history.validation_accuracy.iloc[-1] == 1
    assert training.Batches(X, Y)[0][0].dtype == np.int32


def test_a_model_brings_its_loss_and_metric():
    X = np.random.default_rng(0).standard_normal((40, 12)).astype(np.float32)
    keras.utils.set_random_seed(0)
    model = Squeeze()
    model(X[:1])
    run = training.fit(model, X[:32], None, (X[32:], None), epochs=3, batch_size=8, learning_rate=1e-2)
    assert list(run.history) == ["loss", "off", "validation_loss", "validation_off", "seconds"]
    assert run.history.validation_loss.is_monotonic_decreasing
    assert run.history.off.pow(2).iloc[0] == pytest.approx(run.history.loss.iloc[0], rel=0.1)


class Far(keras.layers.Layer):
    """Adds how large its input is to the loss."""

    def call(self, x):
        self.add_loss(keras.ops.mean(keras.ops.square(x)))
        return x


def test_several_inputs_and_an_added_loss_and_a_compiled_one():
    rng = np.random.default_rng(0)
    X = {"a": rng.standard_normal((32, 4)).astype(np.float32), "b": rng.integers(0, 5, (32, 1))}
    a, b = keras.Input((4,), name="a"), keras.Input((1,), dtype="int32", name="b")
    h = keras.layers.Concatenate()([a, keras.layers.Flatten()(keras.layers.Embedding(5, 3)(b))])
    added = keras.Model({"a": a, "b": b}, Far()(keras.layers.Dense(2)(h)))
    run = training.fit(added, X, None, (X, None), epochs=3, batch_size=8, learning_rate=1e-2)
    assert run.history.validation_loss.is_monotonic_decreasing

    compiled = keras.Model({"a": a, "b": b}, keras.layers.Dense(1)(h))
    compiled.compile(loss="mse", metrics=["mae"])
    run = training.fit(compiled, X, X["a"][:, :1], (X, X["a"][:, :1]), epochs=6, batch_size=8, learning_rate=3e-2)
    assert {"validation_loss", "validation_mae"} < set(run.history)
    assert run.history.validation_loss.iloc[-1] < 0.5 * run.history.validation_loss.iloc[0]


def test_a_data_set_of_ones_own_goes_on_to_the_same_weights(tmp_path):
    X, Y = melodies()
    options = {"loss": "sparse_categorical_crossentropy", "epochs": 4, "folder": tmp_path}
    whole, stopped, resumed = tokens_model(), tokens_model(), tokens_model()
    training.fit(whole, Own(X, Y, workers=2), validation=(X, Y), **options | {"folder": None})

    class Stopped(Exception):
        pass

    class Stopping(Own):
        def on_epoch_end(self):
            super().on_epoch_end()
            self.ends = getattr(self, "ends", 0) + 1
            if self.ends == 3:
                raise Stopped

    with pytest.raises(Stopped):
        training.fit(stopped, Stopping(X, Y), validation=(X, Y), names={"X": "own"}, **options)
    run = training.fit(resumed, Own(X, Y), validation=(X, Y), names={"X": "own"}, **options)
    assert len(run.history) == 4
    assert all(map(np.array_equal, whole.get_weights(), resumed.get_weights()))
    with pytest.raises(ValueError, match="Y, rows beside a PyDataset"):
        training.fit(tokens_model(), Own(X, Y), Y, (X, Y), rows=[1], epochs=1)


def test_data_on_the_device_give_the_same_weights(tones):
    X, Y = tones
    with pytest.raises(ValueError, match="on_device: data can be moved there if"):
        learn(make(), tones, change=disturb, on_device=True)
    here, there = make(), make()
    runs = [
        learn(m, (X.astype(np.float16), Y), epochs=3, on_device=moved, steps_per_execution=1 + moved)
        for m, moved in ((here, False), (there, True))
    ]
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        np.testing.assert_allclose(runs[0].history[name], runs[1].history[name], rtol=1e-5)
    for a, b in zip(here.get_weights(), there.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert there.evaluate(X[36:], Y[36:], verbose=0, return_dict=True)["accuracy"] >= 0


def test_a_training_does_not_depend_on_threads():
    """Keras' own queue is told when an epoch ends, and on JAX not in time: its batches would be of another order."""
    X, Y = melodies()
    loss = "sparse_categorical_crossentropy"
    alone, beside = tokens_model(), tokens_model()
    for model, threads in ((alone, 0), (beside, 2)):
        own = Own(X, Y, workers=threads)
        training.fit(model, own, validation=(X, Y), loss=loss, epochs=3)
    assert all(map(np.array_equal, alone.get_weights(), beside.get_weights()))


ON_JAX = """
    import pathlib, tempfile
    import keras
    import test_training as here
    assert keras.backend.backend() == "jax"
    here.test_a_model_brings_its_loss_and_metric()
    here.test_data_on_the_device_give_the_same_weights(here.examples())
    here.test_a_training_does_not_depend_on_threads()
    with tempfile.TemporaryDirectory() as folder:
        here.test_a_data_set_of_ones_own_goes_on_to_the_same_weights(pathlib.Path(folder))
"""


@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")
def test_all_that_holds_on_jax():
    command = [sys.executable, "-c", textwrap.dedent(ON_JAX)]
    quickly = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    on_jax = ENVIRONMENT | quickly | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(command, capture_output=True, text=True, env=on_jax)
    assert done.returncode == 0, done.stderr[-3000:]
