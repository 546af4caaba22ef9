"""A collection as people have them, through folder, load and extract: nothing whole is lost, the report is short."""

import os
import warnings

import numpy as np
import pytest
import soundfile as sf

from musiclib import datasets, features
from musiclib.datasets import report

SR = 22_050
# Formats, subtypes, rates and channels of whole files: even numbers of samples
WHOLE = [
    ("bells/a.wav", "WAV", "PCM_16", 8000, 1),
    ("bells/B.WAV", "WAV", "PCM_24", 44_100, 2),
    ("bells/c.aiff", "AIFF", "PCM_16", 48_000, 1),
    ("bells/deep/er/d.FLAC", "FLAC", "PCM_24", 96_000, 1),
    ("bells/dir.wav/e.ogg", "OGG", "VORBIS", 22_050, 2),
    ("bells/f.opus", "OGG", "OPUS", 48_000, 1),
    ("drums/g.mp3", "MP3", "MPEG_LAYER_III", 44_100, 2),
    ("drums/h.au", "AU", "ULAW", 8000, 1),
    ("drums/i.caf", "CAF", "PCM_16", 44_100, 1),
    ("drums/j.wav", "WAV", "DOUBLE", 48_000, 6),
    ("drums/k.w64", "W64", "FLOAT", 44_100, 1),
    ("drums/l.mp3.wav", "WAV", "PCM_U8", 22_050, 1),
]


def noise(sr: int, channels: int, seconds: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(sr + channels)
    return 0.1 * rng.standard_normal((round(seconds * sr), channels))


@pytest.fixture
def messy(tmp_path):
    """The folder of a collection, and how many things in it are worth a word."""
    root = tmp_path / "my music"
    for name, kind, subtype, sr, channels in WHOLE:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        sf.write(root / name, noise(sr, channels), sr, format=kind, subtype=subtype)
    whole = (root / "bells/a.wav").read_bytes()

    def put(name: str, content: bytes = whole) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)

    for name in (".ipynb_checkpoints/0.wav", "bells/.ipynb_checkpoints/0-checkpoint.wav", "__MACOSX/bells/._a.wav"):
        put(name)
    put("bells/._a.wav", b"\0\5\x16\7")
    put("drums/Thumbs.db", b"pictures")
    put("drums/cover.jpg", b"a picture")
    for k in range(6):
        put(f"papers {k}/notes.txt", b"words")
    for k in range(4):
        put(f"lost/{k}.mp3", b"<html>404</html>" * 50)
        put(f"bells/empty {k}.wav", b"")
        put(f"bells/cut {k}.wav", whole[: len(whole) // 2 + k])
        put(f"bells/words {k}.wav", b"text" * 100)
        put(f"bells/cut header {k}.wav", whole[: 10 + 9 * k])
        sf.write(root / f"drums/silent {k}.wav", np.zeros(8000), 8000)
        sf.write(root / f"drums/nan {k}.wav", np.full(8000, np.nan), 8000, subtype="FLOAT")
    put("loose.wav")
    put("drums/phone.m4a", b"....ftypM4A ")
    (root / "drums/gone.wav").symlink_to(root / "annex/object")
    (root / "drums/round").symlink_to(root, target_is_directory=True)
    if hasattr(os, "mkfifo"):
        os.mkfifo(root / "drums/pipe.wav")  # would wait for ever
    return root


def caught(ask):
    """(what it gives, the warnings on the way)"""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        return ask(), [str(w.message) for w in said]


def test_nothing_whole_is_lost_and_the_report_is_short(messy, tmp_path):
    music, said = caught(lambda: datasets.load("folder", data_home=messy))
    assert sorted(music.manifest.index) == sorted(name for name, *_ in WHOLE)
    assert len(said) == 1 and len(said[0].splitlines()) <= 15 and len(said[0]) < 2500
    assert "and nothing is left of class lost" in said[0].splitlines()[0]
    left_out = music.manifest.attrs["left_out"]
    assert len([name for name in left_out if not name.startswith("class ")]) >= 6 + 7 * 4 + 3
    assert all(name not in left_out for name, *_ in WHOLE)
    for id, (y, sr) in music:
        assert y.ndim == 1 and np.isfinite(y).all() and y.size / sr == pytest.approx(music.manifest.duration[id])
    F, said = caught(lambda: features.extract(music, "mfcc", segment=0.5, data_home=tmp_path / "home"))
    assert set(F.index.id) == set(music.manifest.index) and np.isfinite(F.array).all() and said == []


def test_headers_alone_leave_the_rest_to_extract(messy, tmp_path):
    music, _ = caught(lambda: datasets.load("folder", data_home=messy, thorough=False))
    F, said = caught(lambda: features.extract(music, "mfcc", segment=0.5, data_home=tmp_path / "home"))
    assert set(F.index.id) == {name for name, *_ in WHOLE} and len(said) == 1
    assert len(said[0].splitlines()) == 4 and "  4 (drums/silent 0.wav, " in said[0] and "  4 (drums/nan" in said[0]


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3", "au"])
def test_files_with_changed_bytes_cost_themselves_only(tmp_path, ending):
    for label in "ab":
        (tmp_path / label).mkdir()
        sf.write(tmp_path / label / f"0.{ending}", noise(SR, 1, 0.3), SR)
    whole = (tmp_path / "a" / f"0.{ending}").read_bytes()
    rng = np.random.default_rng(0)
    for k in range(12):
        changed = bytearray(whole)
        for at in rng.integers(0, (60, len(whole))[k % 2], 3):
            changed[at] = rng.integers(256)
        (tmp_path / "b" / f"changed {k}.{ending}").write_bytes(changed)
    music, said = caught(lambda: datasets.load("folder", data_home=tmp_path, segment=0.1))
    assert {f"a/0.{ending}", f"b/0.{ending}"} <= set(music.manifest.path) and len(said) <= 1
    assert all(np.isfinite(y).all() for _, (y, _) in music)


# ---------------------------------------------------------------- the report


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("is empty: 0 bytes. Copy or download it again.", "is empty"),
        ("it is too short: 0.045 s, expected at least one segment of 0.5 s", "it is too short"),
        ("has 800 samples that are NaN or infinite. Expected finite numbers", "has … samples that are NaN or infinite"),
        ("2 of 31 pieces: is silent: every sample is zero.", "some pieces: is silent"),
        ("libsndfile does not read .m4a: convert it", "libsndfile does not read .m4a"),
        ("notes.txt names 'kazoo', no class", "notes.txt names …"),
        ("its name is not in UTF-8: rename it", "its name is not in UTF-8"),
    ],
)
def test_what_reasons_have_in_common(reason, kind):
    assert report.kind(reason) == kind


def test_a_report_has_the_most_frequent_kinds_and_counts_the_rest():
    left_out = {f"{kind}{k}": f"kind {chr(97 + kind)}: {k}" for kind in range(20) for k in range(20 - kind)}
    lines = report.grouped(left_out).splitlines()
    assert lines[0] == "  20 (00, 01, 02, ...): kind a" and lines[-1] == "  36 for other reasons" and len(lines) == 13
