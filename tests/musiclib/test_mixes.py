"""The ensembles of ``mixes``: who plays in them, at which level and pitch, and that no tune is on both sides."""

import librosa
import numpy as np
import pytest

from musiclib import datasets, splits
from musiclib.datasets import irmas, mixes, scores, sounded


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    return datasets.load("mixes", data_home=tmp_path_factory.mktemp("mixes"), size="smoke", jobs=1)


def a_take(players=("vio",), number="solo", seconds=2.0):
    chorale = mixes._one_a_group(mixes.catalog.chorales())[0]
    return mixes._take(chorale, players, seconds, number)


def test_it_is_laid_out_as_irmas_is(music):
    table = music.manifest
    assert set(irmas.CLASSES) == set(mixes.CLASSES)
    train, test = (table[table.split == side] for side in ("train", "test"))
    assert (len(train), len(test)) == (22, 24) and music.manifest.attrs["left_out"] == {}
    assert set(train.label) == set(irmas.CLASSES)
    assert (train.label.value_counts() == 2).all()
    for label in test.label:
        players = label.split("+")
        assert players == sorted(set(players)) and set(players) <= set(irmas.CLASSES)
    assert sorted(test.label.str.count("[+]") + 1) == sorted(list(mixes.PLAYERS) * 6)


def test_no_tune_or_work_is_on_both_sides_in_any_size(music):
    splits.assert_disjoint(music.manifest)
    for learned, judged in mixes.SIZES.values():
        chorales = mixes._one_a_group(mixes.catalog.chorales())
        assert len({p.group for p in chorales}) == len(chorales) >= judged + learned // 2
        assert len(mixes._one_a_group(mixes.catalog.dances())) >= learned - learned // 2


def test_the_official_sides_can_be_cut_for_validation(music):
    side = splits.train_validation_test(music.manifest, validation=0.3, seed=0)
    assert set(side) == {"train", "validation", "test"}
    assert (side[music.manifest.split == "test"] == "test").all()


def test_every_item_sounds_for_its_time(music):
    for id, (y, sr) in music:
        row = music.manifest.loc[id]
        assert sr == sounded.SR and y.dtype == np.float32 and len(y) == round(row.duration * sr)
        assert 0.01 < np.sqrt(np.mean(y**2)) < 0.2
        assert np.abs(y).max() <= 1
        halves = [np.sqrt(np.mean(half**2)) for half in np.array_split(y, 2)]
        assert min(halves) > 0.05 * max(halves), f"{id} stops early"


def test_equal_takes_give_equal_bytes(tmp_path):
    take = a_take(("vio", "pia"), "1")
    score = scores.read(take.piece, tmp_path)
    assert sounded.sound(take, score).tobytes() == sounded.sound(take, score).tobytes()


def test_together_they_keep_their_harmony_and_none_drowns(tmp_path, monkeypatch):
    heard = []

    def listen(notes, manner, preset, *, sr):
        heard.append(notes.copy())
        return np.random.default_rng(len(heard)).normal(size=3 * sr) * 10.0 ** len(heard)

    kept = {}
    monkeypatch.setattr(mixes.perform, "sound", listen)
    monkeypatch.setattr(mixes.perform, "record", lambda y, sr, manner: kept.setdefault("y", y))
    take = a_take(("vio", "cel"), "1")._replace(players=("cla", "pia"), instruments="clarinet, piano")
    score = scores.read(take.piece, tmp_path)
    sounded.sound(take, score)
    assert len(heard) == 2
    written = {part: set(score.notes["pitch"][score.notes["part"] == part] % 12) for part in range(4)}
    assert set(heard[0]["pitch"] % 12) <= written[1]  # one voice: the lower of the two upper ones
    assert set(heard[1]["pitch"] % 12) <= written[2] | written[3]
    # Noise of powers 1 and 100 times as large comes out with powers from 1/4 to 1 each.
    assert 0.5 <= np.mean(kept["y"] ** 2) <= 2.1


def test_a_solo_lies_in_the_register_of_its_class(music):
    bass = music.manifest.query("split == 'train' and label == 'cel'").index
    treble = music.manifest.query("split == 'train' and label == 'flu'").index

    def pitch(id):
        y, sr = music.load(id)
        f0 = librosa.yin(y[: 2 * sr], fmin=60, fmax=2000, sr=sr)
        return librosa.hz_to_midi(np.median(f0))

    assert np.mean([pitch(id) for id in bass]) < np.mean([pitch(id) for id in treble])


@pytest.mark.parametrize("depth", [0.0, 30.0])
def test_vibrato_swings_by_its_depth_and_keeps_the_rest(depth):
    sr, f = 22_050, 440.0
    t = np.arange(2 * sr) / sr
    y = mixes.vibrato(np.sin(2 * np.pi * f * t), sr, 5.0, depth)
    assert y.shape == t.shape and np.isfinite(y).all()
    phase = np.unwrap(np.angle(np.fft.ifft(np.fft.fft(y) * np.r_[np.full(sr, 2.0), np.zeros(sr)])))
    cents = 1200 * np.log2(np.diff(phase)[2000:-2000] * sr / (2 * np.pi * f))
    assert abs(cents.max() - depth) < 1 + 0.1 * depth and abs(cents.min() + depth) < 1 + 0.1 * depth


def test_too_many_players_and_an_unknown_size_say_so(tmp_path):
    with pytest.raises(datasets.DatasetError, match=r"no size 'huge'\. It has smoke, quick, full"):
        datasets.load("mixes", size="huge")
    take = a_take(("vio", "cel", "flu"), "1")
    score = scores.read(take.piece, tmp_path)
    duo = score._replace(notes=score.notes[score.notes["part"] < 2])
    with pytest.raises(mixes.ScoreError, match="2 voices are too few for 3 players"):
        sounded.sound(take, duo)
