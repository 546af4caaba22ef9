"""musiclib.augment: closed forms, equal bytes for equal seeds, nothing changed in place, and clear about bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musiclib import acoustics, audio, augment

SR = 22_050
FLAT = (0.0,) * len(acoustics.BANDS)

# name → the change with ordinary settings
CHANGES = {
    "gain": lambda y: augment.gain(y, -3),
    "time_stretch": lambda y: augment.time_stretch(y, 1.0),
    "pitch_shift": lambda y: augment.pitch_shift(y, 2),
    "mix": lambda y: augment.mix(y, y[::-1], 10),
    "noise": lambda y: augment.noise(y, 10, seed=1),
    "room": lambda y: augment.room(y, SR, 0.3, 0.2, seed=1),
    "equalize": lambda y: augment.equalize(y, SR, (3.0, -2.0, 0.0, 4.0, 1.0)),
    "waveform": lambda y: augment.waveform(y, SR, seed=1),
}
RANDOM = {
    "noise": lambda y, seed: augment.noise(y, 10, seed=seed),
    "room": lambda y, seed: augment.room(y, SR, 0.3, 0.2, seed=seed),
    "waveform": lambda y, seed: augment.waveform(y, SR, seed=seed),
    "spec_augment": lambda y, seed: augment.spec_augment(y[: 40 * 60].reshape(40, 60), seed=seed),
    "mixup": lambda y, seed: augment.mixup(y[:600].reshape(10, 60), np.eye(10), alpha=1.0, seed=seed)[0],
}


def power_db(y: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(y, dtype=np.float64)))


def sine(frequency: float, seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * SR)) / SR)).astype(np.float32)


def peak_hz(y: np.ndarray) -> float:
    middle = y[len(y) // 4 : 3 * len(y) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.size), 2**18))
    return np.argmax(spectrum) * SR / 2**18


@pytest.fixture(scope="module")
def sound():
    """A second of something with a beginning, a pitch and an end."""
    return sine(330) * np.hanning(SR).astype(np.float32) + sine(990) * 0.3


# ---------------------------------------------------------------- closed forms


@pytest.mark.parametrize("db", [-20.0, 0.0, 6.0])
def test_a_gain_is_its_decibels(sound, db):
    assert power_db(augment.gain(sound, db)) - power_db(sound) == pytest.approx(db, abs=1e-4)


@pytest.mark.parametrize("rate", [0.5, 0.9, 1.0, 1.3, 2.0])
def test_a_stretch_has_its_length_and_leaves_the_pitch(rate):
    y = sine(440, 2)
    stretched = augment.time_stretch(y, rate)
    assert stretched.shape == (round(y.size / rate),)
    assert 1200 * abs(np.log2(peak_hz(stretched) / 440)) < 5  # cents


def test_a_stretch_moves_events_by_its_rate():
    t = np.arange(4 * SR) / SR
    bursts = sine(440, 4) * np.sum([np.exp(-(((t - at) / 0.03) ** 2)) for at in (1, 2)], axis=0)
    stretched = augment.time_stretch(bursts, 0.8)
    first, second = stretched[: int(1.875 * SR)], stretched[int(1.875 * SR) :]
    # The center of each burst's energy.
    at = [np.sum(np.arange(part.size) * part**2) / np.sum(part**2) / SR for part in (first, second)]
    assert at == pytest.approx([1.25, 2.5 - 1.875], abs=0.05)  # a frame is 93 ms


@pytest.mark.parametrize("semitones", [-12, -3, 0.5, 7])
def test_a_shift_moves_a4_to_the_frequency_of_its_interval(semitones):
    shifted = augment.pitch_shift(sine(440, 2), semitones)
    assert shifted.shape == (2 * SR,)
    assert 1200 * abs(np.log2(peak_hz(shifted) / 440) - semitones / 12) < 5  # cents


@pytest.mark.parametrize("snr", [-10.0, 0.0, 20.0])
def test_noise_lies_its_decibels_below_the_sound(sound, snr):
    added = augment.noise(sound, snr, seed=3) - sound
    assert power_db(sound) - power_db(added) == pytest.approx(snr, abs=0.1)
    spectrum = np.abs(np.fft.rfft(added)) ** 2
    low, high = np.array_split(spectrum, 2)
    assert 10 * np.log10(low.mean() / high.mean()) == pytest.approx(0, abs=0.5)  # white


@pytest.mark.parametrize("slope", [-6.0, -3.0, 3.0])
def test_colored_noise_falls_by_its_slope_an_octave_and_keeps_its_level(sound, slope):
    added = augment.noise(sound, 10.0, slope=slope, seed=3).astype(np.float64) - sound
    assert power_db(sound) - power_db(added) == pytest.approx(10, abs=0.1)
    spectrum = np.abs(np.fft.rfft(added)) ** 2
    octaves = [10 * np.log10(spectrum[f : 2 * f].mean()) for f in (125, 250, 500, 1000, 2000, 4000)]
    assert np.diff(octaves).mean() == pytest.approx(slope, abs=0.5)


def test_the_other_sound_is_mixed_in_as_it_is(sound):
    other = sine(123)
    added = augment.mix(sound, other, 6.0) - sound
    assert np.corrcoef(added, other)[0, 1] > 0.9999
    assert power_db(sound) - power_db(added) == pytest.approx(6, abs=0.01)


def test_silence_stays_silence_under_noise_and_nothing_is_mixed_as_nothing(sound):
    silence = np.zeros(100, np.float32)
    assert not np.any(augment.noise(silence, 10))
    np.testing.assert_array_equal(augment.mix(sound[:100], silence, 10), sound[:100])


def test_a_click_in_a_room_is_the_rooms_response():
    click = np.zeros(SR, np.float32)
    click[0] = 1
    response = acoustics.room(SR, 0.4, 0.3, seed=5)
    np.testing.assert_allclose(augment.room(click, SR, 0.4, 0.3, seed=5)[: len(response)], response, atol=1e-6)
    np.testing.assert_allclose(augment.room(click, SR, 0.4, 0.0, seed=5), click, atol=1e-6)


def test_an_equalizer_lifts_what_its_band_holds():
    two = sine(200) + sine(1800)
    spectrum = np.abs(np.fft.rfft(augment.equalize(two, SR, (0.0, -4.0, 0.0, 4.0, 0.0)) * np.hanning(SR)))
    assert 20 * np.log10(spectrum[1800] / spectrum[200]) == pytest.approx(8, abs=0.1)
    np.testing.assert_allclose(augment.equalize(two, SR, FLAT), two, atol=1e-6)


def test_without_any_step_a_sound_is_as_it_was(sound):
    nothing = augment.Ranges(rate=None, semitones=None, reverberation=None, equalizer=None, snr=None, db=None)
    np.testing.assert_array_equal(augment.waveform(sound, SR, ranges=nothing), sound)
    louder = augment.waveform(sound, SR, ranges=nothing._replace(db=(6.0, 6.0)))
    np.testing.assert_array_equal(louder, augment.gain(sound, 6.0))


def test_every_draw_lies_in_its_range(sound):
    nothing = augment.Ranges(rate=None, semitones=None, reverberation=None, equalizer=None, snr=None, db=None)
    rng = np.random.default_rng(0)
    levels = [power_db(augment.waveform(sound, SR, seed=rng, ranges=nothing._replace(db=(-6, 2)))) for _ in range(200)]
    levels = np.array(levels) - power_db(sound)
    assert -6.001 < levels.min() < -5.5 and 1.5 < levels.max() < 2.001
    shifts = [
        12
        * np.log2(peak_hz(augment.waveform(sine(440), SR, seed=rng, ranges=nothing._replace(semitones=(-2, 1)))) / 440)
        for _ in range(20)
    ]
    assert -2.05 < min(shifts) < 0 < max(shifts) < 1.05


@pytest.mark.parametrize("rate", [0.7, 1.4])
def test_a_stretch_among_others_keeps_the_length(sound, rate):
    only = augment.Ranges(semitones=None, reverberation=None, equalizer=None, snr=None, db=None, rate=(rate, rate))
    heard = augment.waveform(sound, SR, ranges=only)
    assert heard.shape == sound.shape
    if rate > 1:  # silence follows
        assert not np.any(heard[round(sound.size / rate) :]) and np.any(heard[round(0.9 * sound.size / rate) :])


def test_stretched_and_shifted_at_once_is_what_one_after_the_other_gives():
    y = sine(440, 3)
    both = augment.Ranges(reverberation=None, equalizer=None, snr=None, db=None, rate=(1.25, 1.25), semitones=(3, 3))
    heard = augment.waveform(y, SR, ranges=both)
    sounding = heard[: round(y.size / 1.25)]
    assert 1200 * abs(np.log2(peak_hz(sounding) / 440) - 3 / 12) < 5
    assert power_db(sounding) == pytest.approx(power_db(y), abs=0.3)
    assert np.max(np.abs(heard[sounding.size + 100 :])) < 1e-3


def test_each_row_of_a_batch_has_draws_of_its_own(sound):
    batch = np.stack([sound, sound, sound])
    changed = augment.waveform(batch, SR, seed=4)
    assert changed.shape == batch.shape and changed.dtype == np.float32
    np.testing.assert_array_equal(changed[0], augment.waveform(sound, SR, seed=4))
    assert not np.allclose(changed[0], changed[1]) and not np.allclose(changed[1], changed[2])


# ---------------------------------------------------------------- masks and mixtures


def runs(hidden: np.ndarray) -> list[int]:
    """Lengths of the stretches of True."""
    edges = np.flatnonzero(np.diff(np.r_[0, hidden.astype(int), 0]))
    return list(edges[1::2] - edges[::2])


def test_one_mask_is_one_stretch_no_wider_than_asked_and_of_every_width():
    S = np.random.default_rng(0).normal(size=(400, 30, 50))
    masked = augment.spec_augment(S, frequency_masks=1, frequency_width=5, time_masks=0, fill=99, seed=1)
    widths = [sum(runs((one == 99).all(axis=1))) for one in masked]
    assert all(len(runs((one == 99).all(axis=1))) <= 1 for one in masked)
    assert set(widths) == {0, 1, 2, 3, 4, 5}
    assert np.mean(masked == 99) == pytest.approx(2.5 / 30, rel=0.1)
    places = np.mean((masked == 99).all(axis=2), axis=0)
    assert places[0] > 0 and places[-1] > 0  # the edges are reached too


def test_time_masks_hide_whole_frames_and_the_rest_is_untouched():
    S = np.random.default_rng(0).normal(size=(20, 200)).astype(np.float32)
    masked = augment.spec_augment(S, frequency_masks=0, time_masks=3, time_width=10, fill=7.0, seed=2)
    hidden = (masked == 7).all(axis=0)
    assert 0 < hidden.sum() <= 30 and len(runs(hidden)) <= 3
    np.testing.assert_array_equal(masked[:, ~hidden], S[:, ~hidden])


def test_masks_are_filled_with_each_examples_mean():
    S = np.arange(2 * 12 * 30, dtype=np.float32).reshape(2, 12, 30)
    masked = augment.spec_augment(S, frequency_width=6, time_width=9, frequency_masks=3, seed=0)
    for before, after in zip(S, masked, strict=True):
        changed = before != after
        assert changed.any()
        np.testing.assert_allclose(after[changed], before.mean(), rtol=1e-6)


def test_a_mixture_lies_between_its_two_and_so_does_its_label():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 4, 6)), np.eye(5)[rng.integers(5, size=50)]
    mixed, shares = augment.mixup(X, Y, alpha=1.0, seed=9)
    assert mixed.dtype == shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    # The same draws, written out: partners first, shares after them.
    again = np.random.default_rng(9)
    partner, lam = again.permutation(50), again.beta(1.0, 1.0, 50)
    np.testing.assert_allclose(mixed, lam[:, None, None] * X + (1 - lam)[:, None, None] * X[partner], atol=1e-6)
    np.testing.assert_allclose(shares, lam[:, None] * Y + (1 - lam)[:, None] * Y[partner], atol=1e-6)
    low, high = np.minimum(X, X[partner]), np.maximum(X, X[partner])
    assert np.all(mixed >= low - 1e-6) and np.all(mixed <= high + 1e-6)


def test_a_small_alpha_mixes_little():
    X, Y = np.zeros((2000, 1)), np.tile([[1.0, 0.0]], (2000, 1))
    Y[1000:] = [0.0, 1.0]
    strong = [augment.mixup(X, Y, alpha=alpha, seed=0)[1].max(axis=1).mean() for alpha in (0.05, 5.0)]
    assert strong[0] > 0.95 > 0.85 > strong[1]


# ---------------------------------------------------------------- determinism, purity, edges


@pytest.mark.parametrize("name", RANDOM)
def test_equal_seeds_give_equal_bytes_whatever_the_global_state(name, sound):
    np.random.seed(1)
    one = RANDOM[name](sound, 7)
    np.random.seed(2)
    before = np.random.get_state()[1].copy()
    assert one.tobytes() == RANDOM[name](sound, 7).tobytes()
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert one.tobytes() != RANDOM[name](sound, 8).tobytes()


@pytest.mark.parametrize("name", RANDOM)
def test_a_generator_moves_on_and_can_be_wound_back(name, sound):
    rng = np.random.default_rng(5)
    first, second = (RANDOM[name](sound, rng).tobytes() for _ in range(2))
    assert first != second
    rng = np.random.default_rng(5)
    assert [RANDOM[name](sound, rng).tobytes() for _ in range(2)] == [first, second]


@pytest.mark.parametrize("name", CHANGES)
def test_the_input_is_left_as_it_was_and_the_output_is_float32(name, sound):
    kept = sound.copy()
    changed = CHANGES[name](sound)
    np.testing.assert_array_equal(sound, kept)
    assert changed.dtype == np.float32 and not np.shares_memory(changed, sound)
    assert CHANGES[name](sound.astype(np.float64)).dtype == np.float32


@pytest.mark.parametrize("name", CHANGES)
@given(y=hnp.arrays(np.float32, st.integers(1, 300), elements=st.floats(-1, 1, width=32)))
@settings(max_examples=12, deadline=None)
def test_any_sound_however_short_keeps_its_length_and_stays_finite(name, y):
    changed = CHANGES[name](y)
    assert changed.shape == y.shape and np.all(np.isfinite(changed))


@pytest.mark.parametrize("name", CHANGES)
def test_silence_stays_silence(name):
    assert np.max(np.abs(CHANGES[name](np.zeros(5000)))) == 0


@given(
    S=hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=9), elements=st.floats(-80, 0, width=32)
    ),
    seed=st.integers(0, 99),
)
def test_any_spectrogram_keeps_its_shape_and_its_range(S, seed):
    bands, frames = S.shape[-2:]
    masked = augment.spec_augment(S, frequency_width=bands - 1, time_width=frames - 1, seed=seed)
    assert masked.shape == S.shape
    assert masked.min() >= S.min() - 1e-3 and masked.max() <= S.max() + 1e-3


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(
    ("y", "message"),
    [(np.zeros(0), "empty"), (np.array([0.0, np.nan]), "NaN"), (np.zeros((2, 2, 50)), "to_mono")],
)
def test_what_is_no_sound_is_named(name, y, message):
    with pytest.raises(audio.AudioError, match=message):
        CHANGES[name](y)


Y = np.zeros(3000, np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: augment.gain(Y, np.inf), "db=inf"),
        (lambda: augment.time_stretch(Y, 0), "rate=0: expected a positive"),
        (lambda: augment.time_stretch(Y, np.nan), "rate=nan"),
        (lambda: augment.pitch_shift(Y, 60), "semitones=60: expected from -48 to 48"),
        (lambda: augment.pitch_shift(Y, np.nan), "semitones=nan"),
        (lambda: augment.mix(Y, Y[:5], 3), "3000 and 5 samples"),
        (lambda: augment.noise(Y, np.nan), "snr=nan"),
        (lambda: augment.noise(Y, 10, slope=np.inf), "slope=inf"),
        (lambda: augment.room(Y, SR, 0, 0.1), "reverberation=0"),
        (lambda: augment.equalize(Y, SR, (1.0, 2.0)), "2 gains: expected one in dB at each of 60, 200"),
        (
            lambda: augment.waveform(Y, SR, ranges=augment.Ranges(snr=(30, 10))),
            r"snr=\(30, 10\): expected \(low, high\)",
        ),
        (lambda: augment.waveform(Y, SR, ranges=augment.Ranges(rate=(0, 1))), r"rate=\(0, 1\): expected positive"),
        (lambda: augment.spec_augment(Y), r"shape \(3000,\): expected \(bands, frames\)"),
        (lambda: augment.spec_augment(np.zeros((0, 5))), "expected"),
        (lambda: augment.spec_augment(np.zeros((8, 90))), "frequency_width=8: expected .* from 0 to 7"),
        (lambda: augment.spec_augment(np.zeros((40, 10))), "time_width=16: .* 10 frames"),
        (lambda: augment.spec_augment(np.zeros((40, 90)), time_masks=-1), "time_masks=-1"),
        (lambda: augment.mixup(np.zeros((4, 9)), np.arange(4)), "one-hot"),
        (lambda: augment.mixup(np.zeros((4, 9)), np.eye(3)), "expected"),
        (lambda: augment.mixup(np.zeros((3, 9)), np.eye(3), alpha=0), "alpha=0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
