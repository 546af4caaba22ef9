"""MusiCNN, a tagger that has heard real songs: kept weights with the figures of their cards, and librosa's input."""

import librosa
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from musiclib import datasets, features, models
from musiclib.models.classify import musicnn

KEPT = ("musicnn_mtt", "musicnn_msd")
HEARD = {"violin": ["vio"], "flute": ["flu"], "piano": ["pia"], "guitar": ["gac", "gel"]}


@pytest.fixture(scope="module")
def heard():
    """Patches and labels of the first eight groups of ``instruments``."""
    music = datasets.load("instruments", size="quick")
    table = music.manifest
    some = table[table.group.isin(table.group.unique()[:8])]
    return np.concatenate([features.tagger_patches(*music.load(id)) for id in some.index]), some.label.to_numpy()


@pytest.mark.parametrize("name", KEPT)
def test_the_kept_networks_have_the_figures_of_their_cards(name, heard):
    X, label = heard
    card = models.kept_card(name)
    [figures] = card["figures"].values()
    assert figures and len(card["tags"]) == 50
    P = models.kept(name).predict(X, verbose=0)
    for tag, area in figures.items():
        found = roc_auc_score(np.isin(label, HEARD[tag]), P[:, card["tags"].index(tag)])
        assert found == pytest.approx(area, abs=0.005), tag
        assert area > 0.8  # it has heard none of these: chance is one half


def test_published_weights_are_found_by_their_names_and_a_wrong_one_is_named():
    kept = models.kept("musicnn_mtt")
    counts, arrays = {}, {}
    for layer in kept.layers:
        kind = {"Conv1D": "conv2d", "Conv2D": "conv2d", "Dense": "dense", "BatchNormalization": "batch_normalization"}
        name = kind.get(type(layer).__name__)
        if name is None:
            continue
        number = counts[name] = counts.get(name, -1) + 1
        for weight, value in zip(layer.weights, layer.get_weights(), strict=True):
            two = value[:, :, None] if type(layer).__name__ == "Conv1D" and value.ndim == 3 else value
            arrays[f"{name}_{number}/{weight.name}" if number else f"{name}/{weight.name}"] = two
    again = musicnn.published(arrays)
    assert all(map(np.array_equal, kept.get_weights(), again.get_weights()))
    with pytest.raises(KeyError, match="conv2d_3/kernel"):
        musicnn.published({k: v for k, v in arrays.items() if k != "conv2d_3/kernel"})
    with pytest.raises(ValueError, match="shape"):
        musicnn.published(arrays | {"conv2d_3/kernel": arrays["conv2d_3/kernel"][:5]})


def test_patches_are_librosas_mel_spectrogram_one_after_another(music):
    y, sr = music
    X = features.tagger_patches(y, sr)
    at_16k = features.tagger_patches(librosa.resample(y, orig_sr=sr, target_sr=16_000), 16_000)
    assert X.shape == (1, 96, 187) and X.dtype == np.float32 and np.abs(X - at_16k).mean() < 0.02
    long = features.tagger_patches(np.tile(y, 3), sr)
    S = librosa.feature.melspectrogram(
        y=librosa.resample(np.tile(y, 3), orig_sr=sr, target_sr=16_000), sr=16_000, n_fft=512, hop_length=256, n_mels=96
    )
    assert len(long) == S.shape[1] // 187 == 5
    np.testing.assert_allclose(long[3], np.log10(1e4 * S[:, 3 * 187 : 4 * 187] + 1), atol=0.3)
    assert np.array_equal(features.tagger_patches(np.zeros(3 * sr), sr), np.zeros((1, 96, 187), np.float32))


@pytest.mark.parametrize(
    ("y", "says"),
    [(np.zeros(16_000), r"1.00 s long: expected at least one patch, 2.98 s"), (np.zeros((2, 48_000)), r"\(2, 48000\)")],
)
def test_what_is_too_short_or_not_mono_is_named(y, says):
    with pytest.raises(ValueError, match=says):
        features.tagger_patches(y, 16_000)
