"""musiclib.render: notes on sampled instruments, the same every time and as a musician expects."""

import numpy as np
import pytest

from musiclib import render, symbolic

SR = 22_050


def level(y: np.ndarray) -> float:
    """RMS in dB."""
    return 10 * np.log10(np.mean(np.square(y, dtype=float)) + 1e-20)


def line(*pitches: int, seconds: float = 0.5, velocities=None, parts=None) -> np.ndarray:
    """One note after another."""
    rows = [
        (i * seconds, seconds, pitch, velocities[i] if velocities else 80, parts[i] if parts else 0)
        for i, pitch in enumerate(pitches)
    ]
    return np.array(rows, dtype=symbolic.NOTE)


def same_sound(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of the angle between two spectra, which knows no level and no phase."""
    a, b = np.abs(np.fft.rfft(a)), np.abs(np.fft.rfft(b))
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_equal_notes_give_equal_bytes(chorale, music):
    y, sr = music
    again = render.render(symbolic.excerpt(chorale, 0, 4), "strings", sr=sr)
    assert again.tobytes() == y.tobytes()


@pytest.mark.parametrize("sr", [8_000, 11_025, 44_100, 48_000, 96_000])
def test_length_rate_and_peak_are_as_promised(sr):
    y = render.render(line(60, 64), sr=sr, tail=0.75)
    assert y.dtype == np.float32 and y.shape == (round(1.75 * sr),)
    assert np.max(np.abs(y)) == pytest.approx(10 ** (-1 / 20), rel=1e-4)


SIXTEEN_FOOT = ("drawbar organ", "percussive organ")  # with a stop that sounds an octave below the key
HIGHEST = {"baritone saxophone": 78}  # others play all of the middle register


@pytest.mark.parametrize("instrument", render.INSTRUMENTS)
def test_every_instrument_sounds_the_note_it_is_asked_for(instrument):
    y = render.note(69, instrument, seconds=1, sr=SR)
    assert level(y[: SR // 2]) > -40
    spectrum = np.abs(np.fft.rfft(y[:SR] * np.hanning(SR)))  # one hertz a bin
    strongest = np.argmax(spectrum) / (220 if instrument in SIXTEEN_FOOT else 440)
    assert strongest == pytest.approx(round(strongest), abs=0.02) and strongest > 0.9  # one of the partials
    assert 20 * np.log10(spectrum[432:449].max() / spectrum.max()) > -20  # and the fundamental among the strong ones
    assert abs(np.mean(y)) < 0.005 * np.sqrt(np.mean(np.square(y)))  # and no offset, which some recordings have


@pytest.mark.parametrize("instrument", render.INSTRUMENTS)
def test_no_instrument_misses_a_key_of_the_middle_register(instrument):
    keys = range(48, 1 + HIGHEST.get(instrument, 84))
    y = render.render(line(*keys, seconds=0.3), instrument, sr=SR, reverb=0)
    heard = np.array([level(part[SR // 20 :]) for part in np.split(y[: len(keys) * 6615], len(keys))])
    # Where a key is silent, only the release of the one before is heard.
    beside = np.convolve(np.pad(heard, 1, mode="edge"), [0.5, 0, 0.5], mode="valid")
    assert [key for key, gap in zip(keys, beside - heard, strict=True) if gap > 10] == []


@pytest.mark.parametrize("instrument", ["piano", "violin", "flute"])
def test_a_harder_touch_is_louder(instrument):
    y = render.render(line(67, 67, seconds=1, velocities=[30, 110]), instrument, sr=SR, reverb=0)
    assert level(y[SR : 2 * SR]) > level(y[:SR]) + 6


def test_a_harp_dies_away_and_an_organ_stays():
    def fall(name):
        y = render.note(60, name, seconds=3, sr=SR)
        return level(y[SR // 4 : SR]) - level(y[2 * SR : 3 * SR])

    assert fall("harp") > 8
    assert abs(fall("organ")) < 3


def test_the_tail_lets_the_release_and_the_room_ring():
    def rest(reverb):
        y = render.note(72, "flute", seconds=1, tail=1, sr=SR, reverb=reverb)
        return level(y[round(1.15 * SR) : round(1.5 * SR)]) - level(y[SR // 2 : SR])

    assert -70 < rest(1.0) < -5
    assert rest(1.0) > rest(0.0) + 6


def test_every_part_has_its_own_instrument():
    both = render.render(line(67, 67, parts=[0, 1]), ["flute", "cello"], sr=SR, reverb=0, tail=0)
    first, second = both[: SR // 2], both[SR // 2 :]
    flute, cello = (render.note(67, name, seconds=0.5, tail=0, sr=SR) for name in ("flute", "cello"))
    assert same_sound(first, flute) > 0.98 > 0.9 > same_sound(first, cello)
    assert same_sound(second, cello) > same_sound(second, flute) + 0.2


def test_one_name_is_for_all_parts():
    notes = line(60, 64, parts=[0, 1])
    np.testing.assert_array_equal(render.render(notes, "oboe", sr=SR), render.render(notes, ["oboe", "oboe"], sr=SR))


def test_a_pitch_higher_is_a_frequency_higher():
    def strongest(pitch):
        return np.argmax(np.abs(np.fft.rfft(render.note(pitch, "flute", seconds=1, tail=0, sr=SR))))

    for pitch in (67, 72, 79):
        assert strongest(pitch) == pytest.approx(symbolic.frequency(pitch), rel=0.01)


def many_parts(count: int) -> np.ndarray:
    return line(*[60] * count, seconds=0.05, parts=list(range(count)))


@pytest.mark.parametrize(
    ("notes", "options", "says"),
    [
        (line(), {}, "no notes to play"),
        (line(60), {"instruments": "kazoo"}, "No instrument is called 'kazoo'. Known: piano, .*flute"),
        (line(60, 64, parts=[0, 1]), {"instruments": ["harp"]}, "2 parts, and 1 instruments were named"),
        (line(60), {"reverb": 1.5}, r"reverb=1.5: expected a number from 0 \(none\) to 1"),
        (line(60), {"reverb": -0.1}, "reverb=-0.1"),
        (line(60), {"sr": 0}, "positive numbers of hertz"),
        (line(60, 128), {}, "A note has pitch 128: MIDI plays 0 to 127"),
        (line(-1), {}, "A note has pitch -1"),
        (line(60, velocities=[0]), {}, "A note has velocity 0: MIDI plays 1 to 127"),
        (line(60, seconds=0), {}, "does not last: expected onset ≥ 0 and duration > 0"),
        (many_parts(16), {"instruments": ["harp"] * 15 + ["oboe"]}, "16 parts; MIDI plays at most 15"),
    ],
)
def test_what_cannot_be_played(notes, options, says):
    with pytest.raises(ValueError, match=says):
        render.render(notes, **{"sr": SR, **options})


def test_more_than_fifteen_parts_play_on_one_instrument():
    assert level(render.render(many_parts(20), "piano", sr=SR)) > -60


def test_the_soundfont_is_on_this_machine():
    assert render.soundfont().read_bytes()[:4] == b"RIFF"
