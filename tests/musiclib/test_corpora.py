"""The default corpora: what they hold, what their cache survives, and that no trivial cue tells a label."""

import os
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import librosa
import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from musiclib import datasets, perform
from musiclib.datasets import base, catalog, corpora, hymns, scores, sounded

ROOT = Path(__file__).resolve().parents[2]
CORPORA = {
    "chorales": {"chorale"},
    "tunes": {"hornpipe", "jig", "reel", "slip jig", "strathspey"},
    "composers": {"Palestrina", "Monteverdi", "Bach", "Haydn", "Mozart", "Beethoven"},
    "instruments": set(corpora.IRMAS),
    "genres": {"trecento song", "mass", "madrigal", "chorale", "string quartet", "jig", "reel", "folk song"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("corpora")


def excerpt(name: str = "one", *, seconds: float = 2.0, seed: int = 5) -> sounded.Excerpt:
    piece = next(p for p in catalog.dances() if p.name == "AcaciaReel")
    return sounded.Excerpt(name, "reel", piece, "flute", seed, seconds, again=True)


# ---------------------------------------------------------------- what there is


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_has_its_labels_sound_and_a_second_start_at_once(name, folder):
    music = datasets.load(name, data_home=folder, size="smoke", jobs=1)
    assert set(music.labels) == CORPORA[name]
    assert set(base.COLUMNS) <= set(music.manifest.columns)
    assert music.manifest.attrs["left_out"] == {}
    id, (y, sr) = next(iter(music))
    assert sr == sounded.SR and y.dtype == np.float32
    assert len(y) == round(music.manifest.loc[id, "duration"] * sr)
    assert 0.01 < np.sqrt(np.mean(y**2)) < 0.2
    began = time.perf_counter()
    again = datasets.load(name, data_home=folder, size="smoke", jobs=1)
    assert time.perf_counter() - began < 2
    assert again.manifest.equals(music.manifest)


def test_no_movement_of_a_work_and_no_variant_of_a_tune_is_a_group_of_its_own():
    groups = {p.name: p.group for p in (*catalog.quartets(), *catalog.dances(), *catalog.chorales())}
    assert groups["mozart-k155-movement1"] == groups["mozart-k155-movement3"]
    assert groups["bwv248.12-2"] == groups["bwv248.17"]
    titles = ("The Frost is All Over", "Frost Is All Over, The (2nd setting) -- Jig")
    assert len({frozenset(catalog._plain_title(t).split()) for t in titles}) == 1


def test_one_movement_in_two_encodings_is_there_once():
    paths = [p.path for p in catalog.quartets()]
    assert paths.count("beethoven/opus18no1/movement1.mxl") == 1
    assert not any(path.endswith(".krn") for path in paths)


def test_spellings_of_a_dance_are_one_label():
    count = {label: 0 for label in CORPORA["tunes"]}
    for piece in catalog.dances():
        count[piece.label] += 1
    assert count["reel"] > 600 and count["jig"] > 400 and count["hornpipe"] > 400
    assert count["slip jig"] > 80 and count["strathspey"] > 40


def test_a_smaller_size_is_part_of_a_larger_one_and_of_many_groups():
    few, more = (catalog.choose(list(catalog.quartets()), n) for n in (2, 6))
    assert set(few) < set(more)
    assert len({p.group for p in more if p.label == "Beethoven"}) >= 4


def test_settings_of_one_hymn_tune_are_one_group():
    group = {p.name: p.group for p in catalog.chorales()}
    # O sacred head: in the St. Matthew Passion, the Christmas Oratorio, and by itself.
    assert len({group[n] for n in ("bwv244.54", "bwv248.5", "bwv270", "bwv271")}) == 1
    assert group["bwv1.6"] != group["bwv2.6"]
    in_tables = [name for tune in hymns.TUNES for name in tune]
    assert len(in_tables) == len(set(in_tables)), "a chorale stands in two lines"
    assert set(in_tables) <= set(group)
    assert len(set(group.values())) > 150


@pytest.mark.parametrize(("one", "other"), [("bwv270", "bwv271"), ("bwv359", "bwv360"), ("bwv254", "bwv255")])
def test_chorales_that_are_said_to_share_a_tune_begin_alike(one, other, tmp_path):
    def melody(name: str) -> np.ndarray:
        notes = scores.read(next(p for p in catalog.chorales() if p.name == name), tmp_path).notes
        soprano = notes[(notes["part"] == 0) & (notes["duration"] >= 1)]
        return np.diff(soprano["pitch"])[:7]

    together = any({one, other} <= tune for tune in hymns.TUNES)
    assert np.array_equal(melody(one), melody(other)) == together


def test_the_eleven_instruments_play_each_phrase_and_note_in_one_manner(folder):
    music = datasets.load("instruments", data_home=folder, size="smoke", jobs=1).manifest
    assert len(music) == 22 and music.group.nunique() == 2
    for _, played in music.groupby("group"):
        for column in ("seed", "rate", "tuning", "duration", "title"):
            assert played[column].nunique() == 1
        assert played.label.nunique() == len(played) == 11


def test_a_single_note_is_one_note_at_its_pitch(folder):
    music = datasets.load("instruments", data_home=folder, size="smoke", jobs=1)
    row = music.manifest[music.manifest.title.str.startswith("single note")].query("label == 'flu'").iloc[0]
    y, sr = music.load(row.name)
    f0 = librosa.yin(y[: sr // 2], fmin=200, fmax=1000, sr=sr)
    expected = librosa.note_to_hz(row.title.split()[-1]) * 2 ** (row.tuning / 1200)
    assert abs(1200 * np.log2(np.median(f0) / expected)) < 25


def test_an_unknown_size_and_option_say_what_there_is(folder):
    with pytest.raises(datasets.DatasetError, match=r"no size 'huge'\. It has smoke, quick, medium, full"):
        datasets.load("tunes", data_home=folder, size="huge")
    with pytest.raises(datasets.DatasetError, match="size"):
        datasets.load("tunes", data_home=folder, length=3)


@pytest.mark.parametrize(("size", "fewest", "most"), [("medium", 32, 40), ("full", 190, 300)])
def test_a_larger_size_has_enough_of_every_genre_on_the_same_players_and_leaves_none_out(
    size, fewest, most, monkeypatch
):
    monkeypatch.setattr(corpora, "performed", lambda name, excerpts, *_: excerpts)  # what would be played
    of = {name: getattr(corpora, name)(size=size) for name in ("composers", "genres")}
    for excerpts in of.values():
        assert len({e.id for e in excerpts}) == len({e.seed for e in excerpts}) == len(excerpts)
        assert len({e.seconds for e in excerpts}) == 1
        assert all(e.again for e in excerpts), "one left out for its length would leave a tempo that tells the label"
    counts = Counter(e.label for e in of["genres"])
    assert fewest <= min(counts.values()) <= max(counts.values()) <= most
    players = {label: {e.instruments for e in of["genres"] if e.label == label} for label in CORPORA["genres"]}
    assert all(found == set(corpora.PLAYERS) for found in players.values())


# ---------------------------------------------------------------- the cache


def test_one_process_and_two_make_the_same_bytes(folder, tmp_path):
    for home, jobs in ((folder, 1), (tmp_path, 2)):
        datasets.load("tunes", data_home=home, size="smoke", jobs=jobs)
    two = sorted((tmp_path / "scores/performed").glob("*.flac"))
    assert len(two) == 10
    assert all((folder / "scores/performed" / p.name).read_bytes() == p.read_bytes() for p in two)


def test_a_damaged_or_missing_file_is_made_again(tmp_path):
    music = sounded.performed("test", [excerpt()], tmp_path, jobs=1)
    before, _ = music.load("one")
    [path] = (tmp_path / "scores/performed").glob("*.flac")
    [notes] = (tmp_path / "scores/notes").glob("*.npz")
    for damage in (lambda p: p.write_bytes(b""), lambda p: p.write_bytes(p.read_bytes()[:99]), Path.unlink):
        damage(path)
        damage(notes)
        after, _ = music.load("one")
        assert after.tobytes() == before.tobytes()


def test_another_recipe_is_another_file_and_another_id_is_not(tmp_path):
    made = [excerpt(), excerpt("two"), excerpt("three", seed=6), excerpt("four", seconds=3.0)]
    sounded.performed("test", made, tmp_path, jobs=1)
    assert len(list((tmp_path / "scores/performed").glob("*.flac"))) == 3


def test_a_killed_load_leaves_nothing_half_made(tmp_path):
    code = f"from musiclib import datasets; datasets.load('tunes', data_home={str(tmp_path)!r}, size='quick', jobs=1)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    made = tmp_path / "scores/performed"
    for _ in range(4_000):  # 200 s: the machine may be busy
        if len([p for p in made.glob("*.flac") if not p.name.startswith(".part-")]) >= 2 or process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    whole = {p.name: p.read_bytes() for p in made.glob("*.flac") if not p.name.startswith(".part-")}
    assert 2 <= len(whole) < 50
    music = datasets.load("tunes", data_home=tmp_path, size="smoke", jobs=1)
    assert len(music) == 10
    assert all((made / name).read_bytes() == data for name, data in whole.items())
    assert all(len(y) == 8 * sr for _, (y, sr) in music)


def test_a_piece_that_is_too_short_is_left_out_by_name(tmp_path):
    short = excerpt("short", seconds=500.0)._replace(again=False)
    music = sounded.performed("test", [excerpt(), short], tmp_path, jobs=1)
    assert list(music.manifest.index) == ["one"]
    assert "onsets" in music.manifest.attrs["left_out"]["short"]
    with pytest.raises(datasets.DatasetError, match="no items"):
        sounded.performed("test", [short], tmp_path, jobs=1)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "scores").write_text("a file where a folder should be")
    with pytest.raises(OSError, match=r"Could not write .*scores.*data_home"):
        sounded.performed("test", [excerpt()], tmp_path, jobs=1)


# ---------------------------------------------------------------- no trivial cue


@pytest.fixture(scope="module", params=["tunes", "genres", "composers", "instruments"])
def cues(request) -> tuple[str, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """(corpus, cue → one value an excerpt, labels, groups) at quick size, kept where a build keeps it."""
    music = datasets.load(request.param, size="quick")
    found = {"duration": [], "rms": [], "tempo": [], "rate": music.manifest.rate.to_list()}
    for _, (y, sr) in music:
        found["duration"].append(len(y) / sr)
        found["rms"].append(np.sqrt(np.mean(np.square(y))))
        found["tempo"].append(float(librosa.feature.tempo(y=y, sr=sr)[0]))
    values = {name: np.array(column) for name, column in found.items()}
    return request.param, values, music.manifest.label.to_numpy(), music.manifest.group.to_numpy()


@pytest.mark.parametrize("cue", ["duration", "rms", "tempo", "rate"])
def test_duration_level_and_tempo_alone_tell_no_label(cue, cues):
    corpus, values, labels, groups = cues
    model = make_pipeline(StandardScaler(), KNeighborsClassifier(7))
    ways = [StratifiedGroupKFold(5, shuffle=True, random_state=seed) for seed in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Haydn has two works and cannot be in five folds
        scores = [cross_val_score(model, values[cue][:, None], labels, groups=groups, cv=way) for way in ways]
    chance = 1 / len(set(labels))
    near = chance + 2.5 * np.sqrt(chance * (1 - chance) / len(labels))
    assert np.mean(scores) < near, f"{cue} tells the {corpus} apart"


def test_the_manner_of_a_performance_does_not_depend_on_the_label():
    pieces = catalog.dances()
    rates = {label: [] for label in CORPORA["tunes"]}
    for piece in pieces:
        rates[piece.label].append(perform.draw(sounded.seed_of("tunes", piece.name)).rate)
    medians = [np.median(r) for r in rates.values()]
    assert np.ptp(medians) < 0.6  # of 2 to 5 onsets a second


def test_scores_are_read_with_their_measures(tmp_path):
    piece = next(p for p in catalog.quartets() if p.name == "mozart-k80-movement1")
    found = scores.read(piece, tmp_path)
    assert found.notes.dtype.names[0] == "onset" and found.notes["part"].max() == 3
    assert found.measures["length"][0] == 3.0
    kept = scores.read(piece, tmp_path)
    assert kept.notes.tobytes() == found.notes.tobytes()
