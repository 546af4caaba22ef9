"""musiclib.audio.load and save: good files, every kind of bad one, and a disk that fills up."""

import contextlib

import librosa
import numpy as np
import pytest
import soundfile as sf

from musiclib import audio

SR = 22_050
KINDS = ["wav", "aiff", "flac", "ogg", "mp3"]


@pytest.fixture(scope="module")
def tone() -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * SR) / SR)).astype(np.float32)


@pytest.fixture(scope="module")
def good(tmp_path_factory, tone):
    """A folder with the tone in every kind of file."""
    folder = tmp_path_factory.mktemp("good")
    for kind in KINDS:
        audio.save(folder / f"tone.{kind}", tone, SR)
    return folder


@pytest.mark.parametrize("kind", ["wav", "aiff", "flac"])
def test_sixteen_bits_are_rounded_to_and_not_cut_off(tmp_path, tone, kind):
    loud = np.append(tone, [1.0, -1.0, 1.2])  # and what is beyond full scale is at full scale
    audio.save(tmp_path / f"tone.{kind}", loud, SR)
    steps = (audio.load(tmp_path / f"tone.{kind}")[0] - np.clip(loud, -1, 1 - 2**-15)) * 2**15
    assert np.max(np.abs(steps)) <= 0.51 and abs(np.mean(steps)) < 0.02
    inside, _ = audio.decode(audio.encode(tone, SR, kind.upper())) if kind != "aiff" else (tone, SR)
    assert np.max(np.abs(inside - tone)) * 2**15 <= 0.51


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_the_samples_are_libsndfiles(tmp_path, tone, kind, channels):
    path = audio.save(tmp_path / f"tone.{kind}", np.stack([tone, tone[::-1]])[:channels], SR)
    expected = sf.read(path, dtype="float32", always_2d=True)[0].T
    y, _ = audio.load(path, mono=False)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(audio.load(path)[0], expected.mean(axis=0, dtype=np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_saved_is_read_again(good, tone, kind):
    y, sr = audio.load(good / f"tone.{kind}")
    assert (sr, y.shape, y.dtype) == (SR, tone.shape, np.float32)
    assert np.sqrt(np.mean((y - tone) ** 2)) < (1e-4 if kind in ("wav", "aiff", "flac") else 0.01)


@pytest.mark.parametrize("sr", [8_000, 11_025, 96_000])
def test_odd_rates_are_read_and_resampled(tmp_path, sr):
    path = audio.save(tmp_path / "odd.wav", np.sin(2 * np.pi * 300 * np.arange(sr) / sr), sr)
    assert audio.load(path)[1] == sr
    y, rate = audio.load(path, sr=16_000)
    assert rate == 16_000 and abs(y.size - 16_000) <= 1
    expected = np.sin(2 * np.pi * 300 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(y[1000:15_000], expected[1000:15_000], atol=1e-3)


def test_stereo_is_mixed_down_unless_told_otherwise(tmp_path, tone):
    path = audio.save(tmp_path / "stereo.flac", np.stack([tone, np.zeros_like(tone)]), SR)
    mono, _ = audio.load(path)
    stereo, _ = audio.load(path, mono=False)
    assert stereo.shape == (2, tone.size)
    np.testing.assert_allclose(mono, tone / 2, atol=1e-4)


def test_a_part_of_a_file_is_that_part(good):
    whole, _ = audio.load(good / "tone.wav")
    part, _ = audio.load(good / "tone.wav", offset=0.5, duration=0.25)
    np.testing.assert_array_equal(part, whole[round(0.5 * SR) : round(0.5 * SR) + round(0.25 * SR)])
    rest, _ = audio.load(good / "tone.wav", offset=1.5, duration=99)
    np.testing.assert_array_equal(rest, whole[round(1.5 * SR) :])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"offset": 3}, r"tone.wav lasts 2.000 s, so nothing starts at offset=3 s"),
        ({"offset": -1}, "expected seconds, offset ≥ 0 and duration > 0"),
        ({"duration": 0}, "expected seconds, offset ≥ 0 and duration > 0"),
        ({"min_seconds": 5}, r"tone.wav is too short: 2.000 s, expected at least 5 s"),
        ({"sr": 0}, "positive numbers of hertz"),
    ],
)
def test_what_cannot_be_asked_for(good, options, says):
    with pytest.raises(audio.AudioError, match=says):
        audio.load(good / "tone.wav", **options)


@pytest.mark.parametrize("missing", ["nowhere.wav", "."])
def test_a_missing_file_and_a_folder(tmp_path, missing):
    with pytest.raises(FileNotFoundError, match=r"No sound file at .*check the path"):
        audio.load(tmp_path / missing)


@pytest.mark.parametrize("ending", ["wav", "mp3"])
@pytest.mark.parametrize("content", [b"RIFF", b"these are words, not a sound " * 99, bytes(4000)])
def test_bytes_that_are_no_sound(tmp_path, ending, content):
    path = tmp_path / f"words.{ending}"
    path.write_bytes(content)
    with pytest.raises(audio.AudioError, match=rf"words\.{ending} cannot be read as a sound .*no sound file at all"):
        audio.load(path)


def test_an_empty_file_and_one_without_samples(tmp_path):
    (tmp_path / "zero.wav").write_bytes(b"")
    with pytest.raises(audio.AudioError, match=r"zero\.wav is empty: 0 bytes"):
        audio.load(tmp_path / "zero.wav")
    sf.write(tmp_path / "header.wav", np.zeros(0), SR)
    with pytest.raises(audio.AudioError, match=r"header\.wav is empty or truncated: it holds no samples"):
        audio.load(tmp_path / "header.wav")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0.5, 0.9, 0.999])
def test_a_truncated_file_is_called_truncated(good, tmp_path, kind, kept):
    data = (good / f"tone.{kind}").read_bytes()
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(audio.AudioError, match=rf"cut\.{kind} .*truncated"):
        audio.load(path)


def test_an_mp3_that_does_not_say_its_length_is_read_to_its_end(tmp_path, tone):
    # Its first frame holds only the Info tag, and files from old encoders have none: their length is a guess.
    data = audio.encode(tone, SR, "MP3", compression=0.5)
    second = data.index(data[:2], 4)
    assert b"Info" in data[:second]
    path = tmp_path / "untagged.mp3"
    path.write_bytes(data[second:])
    y, _ = audio.load(path)
    assert tone.size <= y.size <= tone.size + 3 * 1152


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.array([0.1, np.nan, np.inf], np.float32), r"bad\.wav has 2 samples that are NaN or infinite"),
        (np.zeros(100, np.float32), r"bad\.wav is silent"),
    ],
)
def test_a_file_of_nan_and_a_silent_one(tmp_path, y, says):
    sf.write(tmp_path / "bad.wav", y, SR, subtype="FLOAT")
    with pytest.raises(audio.AudioError, match=says):
        audio.load(tmp_path / "bad.wav")


@pytest.mark.parametrize(
    ("name", "y", "options", "error", "says"),
    [
        ("a.xyz", np.ones(9), {}, audio.AudioError, r"no format is called '\.xyz'.*\.flac, \.mp3, \.ogg, \.wav"),
        ("a.raw", np.ones(9), {}, audio.AudioError, r"no format is called '\.raw'"),
        ("a", np.ones(9), {}, audio.AudioError, "no format is called ''"),
        ("a.wav", np.zeros(0), {}, audio.AudioError, r"a\.wav is empty"),
        ("a.wav", np.array([np.nan]), {}, audio.AudioError, r"a\.wav has 1 samples that are NaN"),
        ("a.flac", np.ones(9), {"subtype": "FLOAT"}, audio.AudioError, "FLAC has no subtype 'FLOAT'.*PCM_24"),
        ("a.mp3", np.ones(9), {"sr": 12_345}, audio.AudioError, "MP3 cannot hold this sound at 12345 Hz"),
        ("none/a.wav", np.ones(9), {}, FileNotFoundError, r"no folder .*none to write a\.wav to"),
    ],
)
def test_what_cannot_be_saved(tmp_path, name, y, options, error, says):
    with pytest.raises(error, match=says):
        audio.save(tmp_path / name, y, **{"sr": SR, **options})
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def room_for(size: int):
    """No file can grow beyond `size` bytes, as when the disk is full."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_leaves_what_was_there(good, tmp_path, tone, kind):
    path = tmp_path / f"take.{kind}"
    before = (good / f"tone.{kind}").read_bytes()
    path.write_bytes(before)
    with room_for(2000), pytest.raises(OSError, match=rf"Could not write .*take\.{kind} .*Is the disk full"):
        audio.save(path, np.tile(tone, 5), SR)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_appears_whole(tmp_path, tone):
    path = audio.save(tmp_path / "take.wav", tone, SR)
    before = path.read_bytes()
    with path.open("rb") as reader:  # who reads the old one while the new one is made goes on reading the old one
        audio.save(path, tone[:100], SR)
        assert reader.read() == before
    assert audio.load(path)[0].size == 100


def test_an_example_of_librosas_is_loaded_by_name(tmp_path, monkeypatch):
    path = audio.save(tmp_path / "brahms.wav", np.sin(np.arange(8000) / 10), 8000)
    monkeypatch.setattr(librosa, "ex", {"brahms": str(path)}.__getitem__)
    y, sr = audio.load("librosa:brahms")
    assert (y.size, sr) == (8000, 8000)


def test_an_example_that_cannot_be_had_says_why(monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"no example recording 'kazoo'.*brahms"):
        audio.load("librosa:kazoo")

    def without_network(name):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(librosa, "ex", without_network)
    with pytest.raises(FileNotFoundError, match=r"'brahms' could not be downloaded \(ConnectionError.*path of a sound"):
        audio.load("librosa:brahms")
