"""Kept models: what was kept is read again in safe mode, and a file that is another, too large or unsafe is refused."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from musiclib import models, training
from musiclib.models import checkpoints

X = np.random.default_rng(0).standard_normal((8, 13, 22)).astype(np.float32)
FACTS = {"figures": {"accuracy": np.float32(0.5)}, "command": "papermill a b", "data": "noise", "seconds": 3.4}


def small(**options):
    return training.build(models.genre_cnn, X, 3, **{"filters": 4, "dense": 8} | options)


def said(model):
    return keras.ops.convert_to_numpy(model(X, training=False))


def test_a_kept_model_says_the_same_and_how_it_was_made(tmp_path):
    model = small()
    model.compile("adam", "categorical_crossentropy")
    card = training.keep(model, "small", **FACTS, folder=tmp_path)
    again = models.kept("small", folder=tmp_path)
    np.testing.assert_allclose(said(again), said(model), atol=1e-6)
    assert not again.compiled
    assert models.kept_card("small", folder=tmp_path) == card
    facts = {"command", "commit", "date", "seconds", "machine", "data", "licence", "figures", "sha256", "bytes"}
    assert facts <= set(card)
    assert card["figures"] == {"accuracy": 0.5} and card["bytes"] == (tmp_path / "small.keras").stat().st_size
    assert training.keep(model, "again", **FACTS, folder=tmp_path)["sha256"] == card["sha256"]


def test_what_does_not_fit_is_rounded_and_its_figures_are_those_of_the_rounded(tmp_path, monkeypatch):
    model = small(dense=1000)
    full = training.keep(model, "full", **FACTS, folder=tmp_path, half=False)["bytes"]
    monkeypatch.setattr(checkpoints, "MOST", full - 1)
    card = training.keep(model, "half", **FACTS | {"figures": lambda m: {"first": said(m)[0, 0]}}, folder=tmp_path)
    again = models.kept("half", folder=tmp_path)
    assert card["weights"] == "float16" and card["bytes"] < 0.7 * full
    assert card["figures"]["first"] == pytest.approx(said(again)[0, 0], abs=1e-7)
    np.testing.assert_allclose(said(again), said(model), atol=1e-2)
    monkeypatch.setattr(checkpoints, "MOST", 1000)
    with pytest.raises(ValueError, match=r"takes .* bytes with weights in half precision: expected at most 1,000"):
        training.keep(model, "none", **FACTS, folder=tmp_path)
    assert not (tmp_path / "none.json").exists()
    with pytest.raises(ValueError, match=r"half.keras has .* bytes: expected at most 1,000"):
        models.kept("half", folder=tmp_path)


def test_a_model_of_mixed_precision_is_kept_in_full(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.genre_cnn((13, 22), 3, filters=4, dense=8)
    finally:
        keras.config.set_dtype_policy("float32")
    training.keep(model, "mixed", **FACTS, folder=tmp_path)
    assert {layer.compute_dtype for layer in models.kept("mixed", folder=tmp_path).layers} == {"float32"}


def test_another_file_and_an_absent_one_are_named(tmp_path):
    training.keep(small(), "small", **FACTS, folder=tmp_path)
    path = tmp_path / "small.keras"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"small.keras has the SHA-256 .*: it is not the file"):
        models.kept("small", folder=tmp_path)
    with pytest.raises(ValueError, match=r"There is no smal.json in .*Kept there: small"):
        models.kept("smal", folder=tmp_path)
    with pytest.raises(ValueError, match="expected the name of a kept model"):
        models.kept("../small", folder=tmp_path)
    (tmp_path / "small.json").write_text("{}")
    with pytest.raises(ValueError, match=r"lacks sha256, modules, command, figures"):
        models.kept("small", folder=tmp_path)
    (tmp_path / "small.json").write_text("no")
    with pytest.raises(ValueError, match="is no JSON"):
        models.kept("small", folder=tmp_path)


class Mine(keras.layers.Layer):
    def call(self, x):
        return x


def test_what_safe_mode_refuses_is_not_kept_and_not_read(tmp_path):
    inputs = keras.Input((3,))
    unsafe = keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs))
    with pytest.raises(ValueError, match=r"safe mode .*no Lambda"):
        training.keep(unsafe, "unsafe", **FACTS, folder=tmp_path)
    with pytest.raises(ValueError, match=r"Mine: expected classes of Keras and of musiclib.models"):
        training.keep(keras.Model(inputs, Mine()(inputs)), "mine", **FACTS, folder=tmp_path)
    assert not list(tmp_path.iterdir())
    unsafe.save(tmp_path / "unsafe.keras")
    card = {"sha256": checkpoints.files.sha256(tmp_path / "unsafe.keras"), "command": "", "figures": {}}
    (tmp_path / "unsafe.json").write_text(json.dumps(card | {"modules": []}))
    with pytest.raises(ValueError, match="cannot be read in safe mode"):
        models.kept("unsafe", folder=tmp_path)
    (tmp_path / "unsafe.json").write_text(json.dumps(card | {"modules": ["os"]}))
    with pytest.raises(ValueError, match=r"names the modules \['os'\]"):
        models.kept("unsafe", folder=tmp_path)


def test_without_a_clone_it_comes_from_the_commit_that_was_installed(tmp_path, monkeypatch):
    training.keep(small(), "small", **FACTS, folder=tmp_path / "repository")
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append(url)
        return str(tmp_path / "repository" / fname)

    noted = {"url": "https://example.org/a/course.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}}
    installed = type("Installed", (), {"read_text": lambda self, name: json.dumps(noted)})
    monkeypatch.setattr("pooch.retrieve", retrieve)
    monkeypatch.setattr(checkpoints, "CLONE", tmp_path / "nowhere" / "data" / "checkpoints")
    monkeypatch.setattr(checkpoints, "distribution", lambda name: installed())
    assert models.kept("small").count_params() == small().count_params()
    begin = "https://example.org/a/course/raw/abc123/data/checkpoints/small"
    assert asked == [f"{begin}.json", f"{begin}.keras"]
    monkeypatch.setattr("pooch.retrieve", lambda *a: 1 / 0)
    with pytest.raises(ValueError, match=r"small.json could not be downloaded from https://example.org.*network once"):
        models.kept("small")
    noted.pop("vcs_info")
    with pytest.raises(ValueError, match="musiclib was installed without its repository"):
        models.kept("small")
    with pytest.raises(ValueError, match="not in a clone of its repository"):
        training.keep(small(), "small", **FACTS)


def test_a_card_is_read_without_the_models_and_an_archive_has_no_date(tmp_path):
    training.keep(small(), "small", **FACTS, folder=tmp_path)
    with zipfile.ZipFile(tmp_path / "small.keras") as archive:
        assert b"date_saved" not in archive.read("metadata.json")
    program = (
        "import sys; from musiclib import models; models.kept_card('small', folder=sys.argv[1]); "
        "print([name for name in sys.modules if name == 'keras' or name.startswith('musiclib.models.generate.')])"
    )  # in a process of its own: in this one another test may have imported them
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
