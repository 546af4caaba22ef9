"""The LSTM autoencoder: the published layers, what must pass its bottleneck, a decoder that loses its teacher."""

import keras
import numpy as np
import pytest

from musiclib import datasets, evaluation, features, models, training
from musiclib.models.generate.lstm_autoencoder import unaided

T, B = 12, 6


@pytest.fixture
def X():
    """Scales that rise or fall from another place each, in dB: one number tells which."""
    places = (np.arange(T)[None] * np.where(np.arange(24) % 2, 1, -1)[:, None] + np.arange(24)[:, None]) % B
    return np.where(np.arange(B) == places[..., None], 0.0, -40.0).astype(np.float32)


def made(X, **options):
    return training.build(models.lstm_autoencoder, X, **{"units": 16, "bottleneck": 4} | options)


def answer(model, X):
    return keras.ops.convert_to_numpy(model(X, training=False))


def test_it_has_the_published_layers(X):
    model = made(X)
    kinds = [type(layer).__name__ for layer in model.layers if "Norm" not in type(layer).__name__][1:]
    assert kinds == ["LSTM", "LSTM", "RepeatVector", "LSTM", "LSTM", "TimeDistributed"]
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.LSTM)] == [16, 4, 4, 16]
    assert model.get_layer("bottleneck").output.shape == (None, 4)


def test_all_that_it_knows_of_a_sequence_passes_the_bottleneck(X):
    for options, free in (({}, False), ({"attention": True}, True), ({"teacher": True}, True)):
        model = made(X, **options)
        silent = model.get_layer("bottleneck")
        silent.set_weights([np.zeros_like(w) for w in silent.get_weights()])  # its state stays 0
        differ = np.abs(answer(model, X[:1]) - answer(model, X[1:2])).max()
        assert (differ > 0.01) == free, options


def test_it_learns_a_few_by_heart_and_answers_in_their_unit():
    held = np.full((B, T, B), -40.0, np.float32)
    held[np.arange(B), :, np.arange(B)] = 0  # a note each, from the beginning to the end
    model = made(held, bottleneck=8)
    rows = np.tile(np.arange(B), 100)
    training.fit(model, held, held, (held, held), rows=rows, epochs=1, batch_size=B, learning_rate=3e-2, loss="mse")
    error = np.sqrt(np.mean((answer(model, held) - held) ** 2))
    assert error < 0.5 * np.std(held - held.mean((0, 1)))


def test_a_teacher_is_always_one_frame_behind(X):
    """A frame of the input changes no answer before the next one but through the code, which is held at zero here."""
    model = made(X, teacher=True)
    code = model.get_layer("bottleneck")
    code.set_weights([np.zeros_like(w) for w in code.get_weights()])
    changed = X[:1].copy()
    changed[:, 5] += 10
    differ = np.abs(answer(model, changed) - answer(model, X[:1])).max((0, 2))
    assert (differ[:6] == 0).all() and differ[6] > 0


def test_unaided_it_hears_its_own_answers(X):
    """Given its own answers as the frames before, it gives these very answers; and the first frame needs no teacher."""
    model = made(X, teacher=True)
    own = unaided(model, X)
    assert own.shape == X.shape and own.dtype == np.float32
    np.testing.assert_allclose(own[:, 0], answer(model, X)[:, 0], atol=1e-4)
    assert not np.allclose(own, answer(model, X), atol=0.1)
    scaled = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    heard = np.pad(keras.ops.convert_to_numpy(scaled(own))[:, :-1], ((0, 0), (1, 0), (0, 0)))
    before = model.get_layer("before").output
    again = keras.Model([model.input, before], model.output)([X, heard])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(again), own, atol=1e-3)
    with pytest.raises(ValueError, match="expected a model made with teacher=True"):
        unaided(made(X), X)


def test_the_kept_network_has_the_figure_of_its_card():
    """On the sequences of the chapter, made from the corpus in its smallest size."""
    frames, bands = models.kept("lstm_autoencoder").input_shape[1:]
    found = features.extract(
        datasets.load("composers", size="smoke"),
        "mel",
        segment=(frames - 1) * 1024 / 22_050,
        hop_length=1024,
        n_mels=bands,
    )
    Z = np.array(found.array).transpose(0, 2, 1)
    Z -= Z.max(axis=(1, 2), keepdims=True)
    error = np.sqrt(np.mean((evaluation.answers(models.kept("lstm_autoencoder"), Z) - Z) ** 2))
    figures = models.kept_card("lstm_autoencoder")["figures"]
    assert error == pytest.approx(figures["error, excerpts of size smoke, some of them learned, dB"], abs=0.01)
    assert error < 0.9 * np.sqrt(np.mean((Z - Z.mean((0, 1))) ** 2))  # nearer than their own mean frame
