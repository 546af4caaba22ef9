"""Training: the same seed the same weights, batches that do not depend on threads, a killed run that goes on."""

import os
import signal
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

from musiclib import models, training

SHAPE, CLASSES = (16, 40), 3


@pytest.fixture(scope="module")
def tones():
    """Three classes of noisy pictures, a bright band each: 48 examples, of which the last 12 are for validation."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((48, *SHAPE)).astype(np.float32) - 40
    label = np.arange(48) % CLASSES
    for picture, k in zip(X, label, strict=True):
        picture[3 + 4 * k] += 4
    return X, np.eye(CLASSES, dtype=np.float32)[label]


def make(seed=0, **options):
    X = np.random.default_rng(1).standard_normal((20, *SHAPE)).astype(np.float32) * 3 - 40
    return training.build(models.genre_cnn, X, CLASSES, seed=seed, filters=8, dense=16, **options)


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
    convolution = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert (convolution.compute_dtype, convolution.variable_dtype) == ("bfloat16", "float32")
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
    assert "genre CNN: epoch 1 of 2, loss" in said and "s left" in said and said.endswith("\n")
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
    from tests.test_training import disturb, learn, make

    def counted(self, number):
        global batches
        batches += 1
        if batches == 9:  # in the third of four epochs
            os.kill(os.getpid(), signal.SIGKILL)
        return batch(self, number)

    batches, batch = 0, training.Batches.__getitem__
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
    root = Path(__file__).resolve().parents[2]
    killed = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(root)})
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


def test_a_kept_state_of_other_settings_is_not_used(tones, tmp_path):
    learn(make(), tones, epochs=2, folder=tmp_path)
    other = learn(make(), tones, epochs=3, folder=tmp_path)
    assert len(other.history) == 3 and len(list(tmp_path.iterdir())) == 2


def test_a_kept_state_of_another_change_is_not_used(tones, tmp_path):
    def louder(X, Y, rng):
        return 2 * X, Y

    def softer(X, Y, rng):
        return 0.5 * X, Y

    for k, change in enumerate((None, louder, softer, disturb, partial(disturb)), start=1):
        learn(make(), tones, epochs=1, change=change, folder=tmp_path)
        assert len(list(tmp_path.iterdir())) == k
    learn(make(), tones, epochs=1, change=softer, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == k


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
