"""features.extract: librosa's numbers, the same bytes however they are made, nothing lost to a kill or a bad file."""

import errno
import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import joblib
import librosa
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclib import audio, datasets, features
from musiclib.datasets.base import Dataset
from musiclib.features import compiled, segments, store

SR = 22_050


def a_set(sounds: dict, sr: int = SR, name: str = "set") -> Dataset:
    """A data set of these sounds; one that is an exception cannot be read."""
    rows = [(id, f"label {i % 2}", f"group {i}", "train", 1.0, "here", "none") for i, id in enumerate(sounds)]
    columns = ["id", "label", "group", "split", "duration", "source", "license"]
    manifest = pd.DataFrame(rows, columns=columns).set_index("id")

    def read(row):
        item = sounds[row.name]
        if isinstance(item, Exception):
            raise item
        return item if isinstance(item, tuple) else (item, sr)

    return Dataset(name, manifest, read)


@pytest.fixture(scope="module")
def five(music):
    """Five different stretches of real music, of different lengths."""
    y, _ = music
    return {f"item {k}": y[k * 9_000 : k * 9_000 + 40_000 + 7_000 * k] for k in range(5)}


@pytest.fixture
def here(tmp_path):
    """Where results are kept."""
    return {"data_home": tmp_path / "home"}


def alone(kind: str, y: np.ndarray, **options) -> np.ndarray:
    """What librosa gives for one segment."""
    if kind == "spectrogram":
        return librosa.power_to_db(np.abs(librosa.stft(y)) ** 2)
    if kind == "mel":
        return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=SR, **options))
    return librosa.feature.mfcc(y=y, sr=SR, n_mfcc=13, **options)


# ---------------------------------------------------------------- the numbers


@pytest.mark.parametrize(("kind", "bands"), [("mfcc", 13), ("mel", 128), ("spectrogram", 1025)])
def test_each_segment_is_what_librosa_makes_of_it_alone(five, here, kind, bands):
    F = features.extract(a_set(five), kind, segment=0.5, hop=0.3, **here)
    assert F.array.shape == (len(F.index), bands, 1 + SR // 2 // 512) and F.array.dtype == np.float32
    for row, got in zip(F.index.itertuples(), F.array, strict=True):
        start = round(row.start * SR)
        # Within a hundredth of a decibel, which float32 leaves 80 dB below a neighbor; most are far nearer.
        np.testing.assert_allclose(got, alone(kind, five[row.id][start : start + SR // 2]), atol=1e-2)
        assert np.mean(np.abs(got - alone(kind, five[row.id][start : start + SR // 2]))) < 1e-4


def test_other_parameters_are_librosas_too(five, here):
    options = {"n_fft": np.int64(1024), "hop_length": 256, "n_mels": 40, "fmin": 100.0, "fmax": 8000.0}
    F = features.extract(a_set(five), "mfcc", segment=1.0, **options, **here)
    expected = alone("mfcc", five["item 2"][:SR], **options)
    np.testing.assert_allclose(F.array[F.index.id == "item 2"][0], expected, atol=2e-3)


def test_the_index_says_what_each_row_is(five, here):
    music = a_set(five)
    F = features.extract(music, "mfcc", segment=0.5, **here)
    expected = [(id, k * 0.5) for id, y in five.items() for k in range(y.size // (SR // 2))]
    assert list(zip(F.index.id, F.index.start, strict=True)) == expected
    assert list(F.index.columns) == ["id", "label", "group", "split", "start"]
    assert list(F.index.group) == list(music.manifest.group[F.index.id])
    assert not F.array.flags.writeable and isinstance(F.array, np.memmap)
    np.testing.assert_array_equal(np.load(F.path / "array.npy"), F.array)
    assert list(pd.read_csv(F.path / "index.csv").id) == list(F.index.id)


@given(st.integers(0, 5000), st.integers(1, 900), st.integers(1, 900))
def test_padding_keeps_every_sample_and_dropping_invents_none(length, segment, hop):
    recipe = segments.Recipe("mfcc", 500, segment, hop)  # below 1 kHz no sample is forgiven
    whole, padded = segments.starts(length, recipe), segments.starts(length, recipe._replace(pad=True))
    assert np.all(whole + segment <= length)
    assert list(padded[: whole.size]) == list(whole) and padded.size - whole.size <= 1
    if length:
        assert padded[-1] + max(segment, hop) >= length and padded[-1] < length  # none is of zeros alone
    assert (whole.size == 0) == (length < segment)


def test_a_padded_segment_is_followed_by_zeros(five, here):
    F = features.extract(a_set(five), "mel", segment=3.5, pad=True, **here)
    assert list(F.index.id) == list(five)
    y = five["item 0"]
    np.testing.assert_allclose(F.array[0], alone("mel", np.pad(y, (0, round(3.5 * SR) - y.size))), atol=2e-3)
    assert F.left_out == {}


def test_items_of_other_rates_are_resampled_and_lose_no_segment_to_rounding(music, here):
    y, sr = music
    three = y[: 3 * sr]
    sounds = {str(rate): (audio.resample(three, sr, rate), rate) for rate in (8000, 44_100, 48_000, 22_050)}
    sounds["44100 less one"] = (sounds["44100"][0][:-2], 44_100)
    F = features.extract(a_set(sounds), "mel", segment=3.0, fmax=3500.0, **here)
    assert list(F.index.id) == list(sounds)
    assert np.mean(np.abs(F.array - F.array[3])) < 0.5  # dB


def test_statistics_are_means_and_deviations_over_frames():
    X = np.random.default_rng(0).normal(size=(130, 5, 40)).astype(np.float32)
    got = features.statistics(X)
    assert got.shape == (130, 10) and got.dtype == np.float32
    np.testing.assert_allclose(got, np.hstack([X.mean(axis=2), X.std(axis=2)]), atol=1e-6)
    with pytest.raises(ValueError, match=r"shape \(5, 40\), expected \(segments, bands, frames\)"):
        features.statistics(X[0])


# ---------------------------------------------------------------- the same, however it is made


def test_compiled_loops_round_each_product_and_each_sum():
    """As NumPy does: a compiler that fuses them does so here and not there, and a network learns something else."""
    rng = np.random.default_rng(0)
    X = (rng.standard_normal((3, 21, 65)) + 1j * rng.standard_normal((3, 21, 65))).astype(np.complex64)
    P = (X.real * X.real + X.imag * X.imag).swapaxes(1, 2)
    power = np.empty((3, 65, 21), np.float32)
    compiled.power(X, power, 0)
    assert np.array_equal(power, P)

    first, stop = np.array([0, 7, 30]), np.array([12, 40, 65])
    bank = rng.random((3, 65), np.float32)
    expected = np.zeros((3, 3, 21), np.float32)
    for band in range(3):
        for k in range(first[band], stop[band]):
            expected[:, band] += bank[band, k] * P[:, k]
    bands = np.empty_like(expected)
    compiled.bands(X, bank, first, stop, bands, 0)
    assert np.array_equal(bands, expected)


def test_the_bytes_do_not_depend_on_workers_or_backend(five, tmp_path):
    def made(name, jobs):
        F = features.extract(a_set(five), "mel", segment=0.4, data_home=tmp_path / name, jobs=jobs)
        return [(F.path / file).read_bytes() for file in ("array.npy", "index.csv", "about.json")]

    one = made("one", 1)
    assert made("three", 3) == one
    with joblib.parallel_config(backend="loky"):
        assert made("processes", 2) == one


def test_what_was_made_is_found_and_what_changed_is_made_again(five, here):
    reads = []

    def counting(sounds, **names):
        music = a_set(sounds, **names)
        return Dataset(music.name, music.manifest, lambda row: reads.append(row.name) or music.read(row),
                       content=lambda row: str(sounds[row.name].sum()))  # fmt: skip

    F = features.extract(counting(five), "mfcc", segment=0.5, **here)
    assert sorted(reads) == sorted(five)
    relabeled = counting(five)
    relabeled.manifest["label"] = "another"
    again = features.extract(relabeled, "mfcc", segment=0.5, **here)
    assert len(reads) == len(five) and again.path == F.path
    assert set(again.index.label) == {"another"}  # which is of the manifest, not of the sound
    louder = five | {"item 3": five["item 3"] * 2}
    changed = [
        features.extract(counting(louder), "mfcc", segment=0.5, **here),
        features.extract(counting(five), "mfcc", segment=0.5, n_mfcc=20, **here),
        features.extract(counting(five), "mfcc", segment=0.5, pad=True, **here),
        features.extract(counting(five), "mel", segment=0.5, **here),
    ]
    assert len({c.path for c in changed} | {F.path}) == 5 and len(reads) == 5 * len(five)


def test_a_step_in_front_gives_another_result_of_its_own(five, here):
    music = a_set(five)
    louder = music.map(lambda item: (2 * item[0], item[1]), "twice as loud")
    options = {"segment": 0.5, "top_db": None, **here}
    plain, mapped = (features.extract(m, "mel", **options) for m in (music, louder))
    assert mapped.path != plain.path
    np.testing.assert_allclose(mapped.array - plain.array, 20 * np.log10(2), atol=1e-2)
    assert len({music.fingerprint(id) for id in five} | {louder.fingerprint(id) for id in five}) == 2 * len(five)


def test_a_file_that_was_taken_away_is_made_again(five, here):
    F = features.extract(a_set(five), "mfcc", segment=0.5, **here)
    before = np.array(F.array)
    for name in ("array.npy", "index.csv", "about.json"):
        (F.path / name).unlink()
        np.testing.assert_array_equal(features.extract(a_set(five), "mfcc", segment=0.5, **here).array, before)
    (F.path / "index.csv").write_text("id,start\nitem 0,0.0\n")  # cut short: it would describe other rows
    assert len(features.extract(a_set(five), "mfcc", segment=0.5, **here).index) == len(before)


def test_a_folder_of_files_is_known_by_their_bytes(five, tmp_path):
    for k, y in enumerate(five.values()):
        (tmp_path / f"music/class {k % 2}").mkdir(parents=True, exist_ok=True)
        audio.save(tmp_path / f"music/class {k % 2}/{k}.flac", y, SR)

    def made():
        music = datasets.load("folder", data_home=tmp_path / "music", segment=0.5)
        return features.extract(music, "mfcc", segment=0.5, data_home=tmp_path / "home").path

    first = made()
    os.utime(tmp_path / "music/class 0/0.flac")  # touched, and the same
    assert made() == first
    audio.save(tmp_path / "music/class 0/0.flac", five["item 0"][::-1], SR)
    assert made() != first


# ---------------------------------------------------------------- interruptions


SLOW = """
    import sys, time
    import numpy as np, pandas as pd
    from musiclib import features
    from musiclib.datasets.base import Dataset
    names = [f"item {k}" for k in range(30)]
    row = {"label": "a", "group": "b", "split": "", "duration": 1.0, "source": "", "license": ""}
    def read(row):
        print(row.name, flush=True)
        time.sleep(0.06)
        k = int(row.name.split()[1])
        return np.sin(np.arange(22050) * (0.01 + 0.001 * k)).astype("f4"), 22050
    music = Dataset("slow", pd.DataFrame([row] * 30, index=names), read, content=lambda row: row.name)
    F = features.extract(music, "mel", segment=0.25, data_home=sys.argv[1], jobs=2)
    print("rows", len(F.array), float(F.array.sum()))
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(SLOW)]
    killed = subprocess.Popen(
        [*command, tmp_path / "killed"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    before = [killed.stdout.readline().strip() for _ in range(12)]
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    [part] = (tmp_path / "killed" / "features").glob("*.part")
    done = len((part / "journal.jsonl").read_text().splitlines())
    assert before[0] == "item 0" and done >= 5
    after = subprocess.run([*command, tmp_path / "killed"], capture_output=True, text=True, check=True)
    read_again = [line for line in after.stdout.splitlines() if line.startswith("item")]
    assert len(read_again) <= 30 - done and "item 0" not in read_again
    whole = subprocess.run([*command, tmp_path / "whole"], capture_output=True, text=True, check=True)
    assert re.search(r"slow: mel: 100%.* 30/30 ", whole.stderr)
    assert after.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]

    def content(home):
        return {p.name: p.read_bytes() for p in (tmp_path / home).rglob("*") if p.is_file()}

    assert content("killed") == content("whole")
    assert set(content("whole")) == {"array.npy", "index.csv", "about.json"}


@pytest.mark.parametrize("cut", ["journal", "array"])
def test_what_was_cut_short_in_the_middle_is_done_again(tmp_path, cut):
    rows = [np.full((3, 2, 4), k, np.float32) for k in range(4)]
    entries = [store.Entry(f"item {k}", row, [0.0, 1.0, 2.0]) for k, row in enumerate(rows)]

    def until(last):
        def rest(done):
            yield from entries[done:last]
            if last < 4:
                raise KeyboardInterrupt

        return rest

    with pytest.raises(KeyboardInterrupt):
        store.make(tmp_path / "x", (2, 4), until(3), {})
    part = tmp_path / "x.part" / {"journal": "journal.jsonl", "array": "array.npy"}[cut]
    part.write_bytes(part.read_bytes()[:-5])
    asked = []

    def rest(done):
        asked.append(done)
        return until(4)(done)

    store.make(tmp_path / "x", (2, 4), rest, {})
    assert asked == [2]
    array, table, left_out = store.read(tmp_path / "x")
    np.testing.assert_array_equal(array, np.concatenate(rows))
    assert list(table.id) == [f"item {k}" for k in range(4) for _ in range(3)] and left_out == {}


def test_what_is_done_is_kept_until_it_has_its_name(tmp_path, monkeypatch):
    def rest(done):
        asked.append(done)
        yield from [store.Entry(f"item {k}", np.full((1, 2, 4), k, np.float32), [0.0]) for k in range(3)][done:]

    def killed(*_):
        raise KeyboardInterrupt

    asked = []
    with monkeypatch.context() as patch:
        patch.setattr(store.Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            store.make(tmp_path / "x", (2, 4), rest, {})
    store.make(tmp_path / "x", (2, 4), rest, {})
    assert asked == [0, 3]
    assert {p.name for p in (tmp_path / "x").iterdir()} == {"array.npy", "index.csv", "about.json"}


def test_two_programs_at_once_make_one_result(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(SLOW), tmp_path]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].splitlines() for process in both]
    assert said[0][-1] == said[1][-1] and said[0][-1].startswith("rows 120 ")
    assert sum(len(lines) - 1 for lines in said) == 30  # each item was read by one of them, once


def test_a_full_disk_is_an_error_that_names_the_file_and_keeps_what_was_done(five, here, monkeypatch):
    def full(path, write):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store.files, "write_whole", full)
        with pytest.raises(OSError, match=r"Could not write .*set-mfcc-.*array.npy .*No space left.*make room"):
            features.extract(a_set(five), "mfcc", segment=0.5, **here)
    assert len(features.extract(a_set(five), "mfcc", segment=0.5, **here).array) == 22


def test_a_disk_that_fills_while_an_item_is_read_is_not_the_items_fault(five, here):
    try:
        raise OSError("Could not write x.flac") from OSError(errno.ENOSPC, "No space left on device")
    except OSError as error:
        full = error
    with pytest.raises(OSError, match=r"array.npy .*Could not write x.flac"):
        features.extract(a_set(five | {"last": full}), "mfcc", segment=0.5, **here)


LIMIT = """
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no process's files")
def test_rows_that_cannot_be_written_are_made_later(tmp_path):
    command = [sys.executable, "-c"]
    full = subprocess.run(
        [*command, textwrap.dedent(LIMIT) + textwrap.dedent(SLOW), tmp_path], capture_output=True, text=True
    )
    assert full.returncode == 1
    assert re.search(r"OSError: Could not write .*array.npy \(.*File too large.*make room and call again", full.stderr)
    after = subprocess.run([*command, textwrap.dedent(SLOW), tmp_path], capture_output=True, text=True, check=True)
    assert 5 < len(after.stdout.splitlines()) < 20 and after.stdout.splitlines()[-1].startswith("rows 120 ")


# ---------------------------------------------------------------- bad input


def test_damaged_items_are_named_together_at_the_end(five, here):
    nan = five["item 1"].copy()
    nan[7] = np.nan
    bad = {
        "gone": FileNotFoundError("No sound file at x.wav"),
        "empty": np.zeros(0, np.float32),
        "nan": nan,
        "silent": np.zeros(30_000, np.float32),
        "short": five["item 0"][:1000],
        "broken": EOFError("unexpected end"),
    }
    with pytest.warns(UserWarning, match="set: 6 of 11 items left out") as caught:
        F = features.extract(a_set(bad | five), "mfcc", segment=0.5, **here)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert set(F.index.id) == set(five) and set(F.left_out) == set(bad)
    says = {
        "gone": "No sound file at x.wav",
        "empty": "no samples",
        "nan": "1 samples that are NaN",
        "silent": "every sample is zero",
        "short": "too short: 0.045 s, expected at least one segment of 0.5 s",
        "broken": "EOFError: unexpected end",
    }
    assert all(said in F.left_out[id] for id, said in says.items())
    assert all(f"{id}: " in str(caught[0].message) for id in bad)
    with pytest.raises(features.FeatureError, match=r"6 of 11 items left out:\n  gone: (?s:.*)unreadable='warn'"):
        features.extract(a_set(bad | five), "mfcc", segment=0.5, unreadable="raise", **here)


def test_many_damaged_items_are_one_short_report(five, here):
    silent = {f"silent {k}": np.zeros(30_000, np.float32) for k in range(700)}
    short = {f"short {k}": five["item 0"][: 100 + k] for k in range(759)}
    with pytest.warns(UserWarning, match="set: 1459 of 1464 items left out") as caught:
        F = features.extract(a_set(silent | short | five), "mfcc", segment=0.5, **here)
    said = str(caught[0].message)
    assert len(said.splitlines()) == 4 and len(said) < 400 and len(F.left_out) == 1459
    assert "  700 (silent 0, silent 1, silent 2, ...): it is silent: every sample is zero" in said
    assert "  759 (short 0, short 1, short 2, ...): it is too short\n" in said
    assert F.left_out["short 7"].startswith("it is too short: 0.005 s") and "Features.left_out has the reason" in said


def test_files_that_are_damaged_later_are_one_kind(five, tmp_path):
    for k, y in enumerate(five.values()):
        (tmp_path / f"my music/class {k % 2}").mkdir(parents=True, exist_ok=True)
        audio.save(tmp_path / f"my music/class {k % 2}/{k}.wav", y, SR)
    music = datasets.load("folder", data_home=tmp_path / "my music")
    for k in (1, 2, 3):
        (tmp_path / f"my music/class {k % 2}/{k}.wav").write_bytes(b"")
    (tmp_path / "my music/class 0/4.wav").unlink()
    with pytest.warns(UserWarning, match=r"my music: 4 of 5 items left out") as caught:
        features.extract(music, "mfcc", segment=0.5, data_home=tmp_path / "home")
    said = str(caught[0].message)
    assert "  3 (class 0/2.wav, class 1/1.wav, class 1/3.wav): it is empty: 0 bytes" in said
    assert "  class 0/4.wav: No sound file at it. Expected" in said


def test_no_item_can_be_used(here):
    for _ in range(2):
        with pytest.raises(features.FeatureError, match=r"a: it is silent(?s:.*)None is left"):
            features.extract(a_set({"a": np.zeros(9000, np.float32)}), "mel", segment=0.1, **here)


def test_stereo_and_whole_numbers_are_sounds_too(music, here):
    y, sr = music
    stereo = np.stack([y, y])[:, : 2 * sr]
    F = features.extract(a_set({"mono": y[: 2 * sr], "stereo": stereo}), "mfcc", segment=1.0, **here)
    np.testing.assert_allclose(F.array[:2], F.array[2:], atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("chroma", {}, "There is no kind of features 'chroma'. There are mfcc, mel, spectrogram"),
        ("mel", {"n_mel": 3}, "extract has no parameter n_mel. It has n_fft, hop_length, n_mels"),
        ("mel", {"segment": 0}, "segment=0, hop=0 seconds, sr=22050 Hz: expected positive numbers"),
        ("mel", {"hop": -1.0}, "hop=-1.0 seconds"),
        ("mel", {"segment": np.inf}, "segment=inf, hop=inf seconds"),
        ("mel", {"top_db": -80.0}, "top_db=-80.0: expected a positive number of decibels, or None"),
        ("mel", {"segment": 1e-9}, "expected lengths and counts of at least 1"),
        ("mfcc", {"n_mfcc": 129}, "n_mfcc=129 is more than n_mels=128"),
        ("mel", {"fmax": 20_000.0}, "fmax=20000 Hz: expected .* 11025 Hz"),
        ("mel", {"unreadable": "skip"}, "unreadable='skip': expected 'warn' or 'raise'"),
    ],
)
def test_what_cannot_be_asked_for(five, here, kind, options, says):
    with pytest.raises(ValueError, match=says):
        features.extract(a_set(five), kind, **{"segment": 0.5, **options, **here})


def test_a_set_of_scores_has_no_sound(here):
    scores = a_set({"a": (np.zeros((3, 88)),)})
    with pytest.raises(features.FeatureError, match=r"no set of sounds: expected \(y, sr\) from load, not tuple"):
        features.extract(scores, "mel", segment=0.5, **here)


def test_a_second_call_is_quick(music, tmp_path):
    y, _ = music
    sounds = {f"item {k}": y[200 * k : 200 * k + SR] for k in range(100)}
    (tmp_path / "music").mkdir()
    for label in "ab":
        (tmp_path / "music" / label).mkdir()
        for id, sound in list(sounds.items())[:50]:
            audio.save(tmp_path / f"music/{label}/{id}.wav", sound, SR)
    music = datasets.load("folder", data_home=tmp_path / "music")
    features.extract(music, "mfcc", segment=0.5, data_home=tmp_path)
    begun = time.process_time()
    assert len(features.extract(music, "mfcc", segment=0.5, data_home=tmp_path).array) == 200
    assert time.process_time() - begun < 1
