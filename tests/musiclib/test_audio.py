"""musiclib.audio: levels, resampling, quantization, mu-law and the compressed formats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musiclib import audio

SAMPLES = st.floats(-1, 1, width=32)
SIGNALS = hnp.arrays(np.float32, st.integers(1, 3000), elements=SAMPLES)


def sine(frequency: float, sr: int, seconds: float = 1.0, amplitude: float = 1.0) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * sr)) / sr)).astype(np.float32)


def decibels(signal: np.ndarray, reference: np.ndarray) -> float:
    return 10 * np.log10(np.sum(np.square(signal, dtype=float)) / np.sum(np.square(reference, dtype=float)))


# ---------------------------------------------------------------- check


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.zeros(0), "the take is empty"),
        (np.array([0.1, np.nan]), "the take has 1 samples that are NaN or infinite"),
        (np.array([np.inf, -np.inf, 0]), "the take has 2 samples"),
        (np.zeros(9), "the take is silent"),
        (np.array([3, -15_781.0]), r"the take has a peak of 15,781, and full scale is 1: .* 16 bits. Divide .* 32,768"),
        (np.full(9, 17, np.int16), "the take has a peak of 17"),
        (np.ones(50), r"the take is too short: 0.050 s, expected at least 1 s"),
    ],
)
def test_check_says_what_is_wrong_and_with_what(y, says):
    with pytest.raises(audio.AudioError, match=says):
        audio.check(y, 1000, name="the take", min_seconds=1)


def test_check_returns_a_good_signal_unchanged():
    y = sine(440, 8000)
    assert audio.check(y, 8000, min_seconds=1.0) is y


# ---------------------------------------------------------------- channels and rates


def test_mono_is_the_average_and_knows_no_order_of_channels():
    rng = np.random.default_rng(0)
    stereo = rng.uniform(-1, 1, (2, 100)).astype(np.float32)
    mono = audio.to_mono(stereo)
    assert mono.shape == (100,) and mono.dtype == np.float32
    np.testing.assert_allclose(mono, (stereo[0] + stereo[1]) / 2, atol=1e-7)
    np.testing.assert_array_equal(mono, audio.to_mono(stereo[::-1]))
    assert audio.to_mono(mono) is mono


def test_a_mix_is_the_average_or_says_that_its_channels_cancel():
    rng = np.random.default_rng(0)
    one, other = rng.uniform(-1, 1, (2, 5000)).astype(np.float32)
    for wide in (np.stack([one, other]), np.stack([one, np.zeros_like(one)]), np.stack([one, -0.9 * one])):
        np.testing.assert_array_equal(audio.mix(wide, name="the take"), audio.to_mono(wide))
    assert audio.mix(one) is one
    assert not np.any(audio.mix(np.zeros((2, 9))))  # which is silent, and nothing cancels
    for gain in (1, 1e-4):
        with pytest.raises(audio.AudioError, match="the take has channels that cancel"):
            audio.mix(gain * np.stack([one, -0.9995 * one]), name="the take")
    with pytest.raises(audio.AudioError, match="the signal has channels that cancel"):
        audio.mix(np.stack([one, one, -one, -one]))


@pytest.mark.parametrize(("sr_in", "sr_out"), [(48_000, 8_000), (44_100, 11_025), (22_050, 96_000), (8_000, 44_100)])
def test_resampling_keeps_a_tone_and_its_time(sr_in, sr_out):
    got = audio.resample(sine(1000, sr_in), sr_in, sr_out)
    assert abs(len(got) - sr_out) <= 1
    middle = slice(sr_out // 10, sr_out - sr_out // 10)  # the filter has no past and no future at the ends
    np.testing.assert_allclose(got[middle], sine(1000, sr_out)[middle], atol=1e-4)


def test_resampling_removes_what_would_alias():
    tone = sine(7000, 48_000)
    got = audio.resample(tone, 48_000, 11_025)  # 7 kHz lies above the new limit of 5.5 kHz
    assert decibels(got[500:-500], audio.resample(sine(1000, 48_000), 48_000, 11_025)[500:-500]) < -80


def test_resampling_treats_channels_apart():
    stereo = np.stack([sine(440, 22_050), sine(660, 22_050)])
    got = audio.resample(stereo, 22_050, 16_000)
    np.testing.assert_allclose(got[1], audio.resample(stereo[1], 22_050, 16_000), atol=1e-6)


@pytest.mark.parametrize("rates", [(0, 8000), (8000, -1)])
def test_resampling_refuses_a_rate_that_is_none(rates):
    with pytest.raises(audio.AudioError, match="positive numbers of hertz"):
        audio.resample(sine(440, 8000), *rates)


# ---------------------------------------------------------------- levels


@given(SIGNALS)
def test_the_peak_is_where_it_was_asked_for(y):
    got = audio.peak_normalize(y, peak_db=-6)
    assert got.dtype == y.dtype and got.shape == y.shape
    if np.any(y):
        assert np.max(np.abs(got)) == pytest.approx(10 ** (-6 / 20), rel=1e-4)
    else:
        np.testing.assert_array_equal(got, y)


def test_levels_of_whole_numbers_are_not_rounded_away():
    got = audio.peak_normalize(np.array([1, -2, 3]))
    np.testing.assert_allclose(got, np.array([1, -2, 3]) / 3 * 10 ** (-1 / 20), rtol=1e-6)
    whole = np.round(1000 * sine(440, 8000)).astype(np.int16)
    assert audio.loudness(audio.loudness_normalize(whole, 8000), 8000) == pytest.approx(-23, abs=0.1)


def test_loudness_of_the_standards_own_tone():
    # BS.1770: a full-scale sine of 997 Hz in one channel reads -3.01 LUFS.
    assert audio.loudness(sine(997, 48_000, 3), 48_000) == pytest.approx(-3.01, abs=0.05)


def test_loudness_of_nothing_and_of_very_little():
    assert audio.loudness(np.zeros(48_000), 48_000) == -np.inf
    assert audio.loudness(np.zeros(0), 48_000) == -np.inf
    click = sine(997, 48_000, 0.05)
    assert audio.loudness(click, 48_000) == pytest.approx(-3.01, abs=0.5)


@pytest.mark.parametrize("gain", [0.01, 0.3, 1.0])
def test_a_gain_before_normalizing_changes_nothing(music, gain):
    y, sr = music
    np.testing.assert_allclose(
        audio.loudness_normalize((gain * y).astype(np.float32), sr), audio.loudness_normalize(y, sr), atol=2e-4
    )


@given(SIGNALS, st.sampled_from([8_000, 11_025, 44_100]))
def test_normalizing_twice_is_normalizing_once(y, sr):
    once = audio.loudness_normalize(y, sr)
    assert np.all(np.isfinite(once)) and np.max(np.abs(once)) <= max(10 ** (-1 / 20) * 1.0001, np.max(np.abs(y)))
    np.testing.assert_allclose(audio.loudness_normalize(once, sr), once, atol=1e-4)


def test_the_target_is_met_or_the_peak_is(music):
    y, sr = music
    assert audio.loudness(audio.loudness_normalize(y, sr, target=-30), sr) == pytest.approx(-30, abs=0.05)
    assert np.max(np.abs(audio.loudness_normalize(y, sr, target=0))) == pytest.approx(10 ** (-1 / 20), rel=1e-4)


# ---------------------------------------------------------------- quantization


@pytest.mark.parametrize("bits", [6, 8, 12, 16, 20])
def test_signal_to_quantization_noise(bits):
    x = np.sin(np.sqrt(2) * np.arange(200_000))  # a frequency that never repeats, so the error is spread evenly
    x *= 1 - 2.0 ** (1 - bits)  # as large as does not clip
    error = audio.quantize(x, bits) - x
    assert decibels(x, error) == pytest.approx(6.02 * bits + 1.76, abs=0.35)


@given(SIGNALS, st.integers(1, 32))
def test_quantizing_rounds_to_the_nearest_step(x, bits):
    step, x = 2.0 / 2**bits, x.astype(float)
    got = audio.quantize(x, bits)
    assert got.shape == x.shape and got.min() >= -1 and got.max() <= 1 - step
    inside = x <= 1 - step
    assert np.all(np.abs(got - x)[inside] <= step / 2)
    np.testing.assert_array_equal(got[~inside], 1 - step)
    np.testing.assert_array_equal(got / step, np.round(got / step))
    np.testing.assert_array_equal(audio.quantize(got, bits), got)


def test_quantizing_as_a_16_bit_file_does(tmp_path):
    x = np.random.default_rng(1).uniform(-1, 1, 1000)
    y, _ = audio.load(audio.save(tmp_path / "x.wav", x, 8000))
    assert np.max(np.abs(audio.quantize(x, 16) - y)) <= 2 / 2**16


@pytest.mark.parametrize("part_of_a_step", [0.0, 0.2, 0.5, 0.7])
def test_dither_frees_the_error_from_the_signal(part_of_a_step):
    # Triangular dither of two steps' width: the mean error is 0 and its power a quarter of a squared step, anywhere.
    step = 2.0 / 2**8
    x = np.full(200_000, part_of_a_step * step)
    error = audio.quantize(x, 8, dither=True) - x
    assert np.mean(error) == pytest.approx(0, abs=0.005 * step)
    assert np.var(error) == pytest.approx(step**2 / 4, rel=0.02)
    np.testing.assert_array_equal(audio.quantize(x, 8, dither=True), audio.quantize(x, 8, dither=True, seed=0))
    assert np.any(audio.quantize(x, 8, dither=True, seed=1) != x + error)


@pytest.mark.parametrize("bits", [0, 33, 2.5, -1, None, "8", np.nan])
def test_quantizing_refuses_what_is_no_word_length(bits):
    with pytest.raises(audio.AudioError, match="whole number from 1 to 32"):
        audio.quantize(np.zeros(3), bits)


# ---------------------------------------------------------------- mu-law


@given(SIGNALS, st.sampled_from([15, 255, 1023]))
def test_mu_law_round_trip_stays_within_its_bound(x, mu):
    codes = audio.mu_law_encode(x, mu=mu)
    back = audio.mu_law_decode(codes, mu=mu)
    assert codes.min() >= 0 and codes.max() <= mu
    # Half a code, 1 / mu of the compressed range, times the slope of the expansion where it is steeper.
    bound = np.log1p(mu) * (1 + mu * np.maximum(np.abs(x), np.abs(back))) / mu**2
    assert np.all(np.abs(back - x) <= bound + 1e-9)


@pytest.mark.parametrize("mu", [15, 255])
def test_every_mu_law_code_comes_back(mu):
    codes = np.arange(mu + 1)
    np.testing.assert_array_equal(audio.mu_law_encode(audio.mu_law_decode(codes, mu=mu), mu=mu), codes)


def test_mu_law_clips_what_is_too_loud_and_names_what_it_cannot_take():
    np.testing.assert_array_equal(audio.mu_law_encode([-9, 9]), [0, 255])
    with pytest.raises(audio.AudioError, match=r"outside 0 … 255: found -1 … 256"):
        audio.mu_law_decode([-1, 256])
    with pytest.raises(audio.AudioError, match="1 samples that are NaN"):
        audio.mu_law_encode([0.1, np.nan])


def test_mu_law_serves_soft_sounds_better_than_as_many_even_steps():
    x = sine(440, 8000, amplitude=0.01).astype(float)
    assert decibels(x, audio.mu_law_decode(audio.mu_law_encode(x)) - x) > decibels(x, audio.quantize(x, 8) - x) + 15


# ---------------------------------------------------------------- encode and decode


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
@pytest.mark.parametrize("shape", [(5000,), (2, 5000), (1,)])
def test_lossless_kinds_lose_only_the_rounding_to_16_bits(kind, shape):
    y = np.random.default_rng(2).uniform(-0.99, 0.99, shape).astype(np.float32)
    back, sr = audio.decode(audio.encode(y, 11_025, kind))
    assert sr == 11_025 and back.shape == y.shape
    assert np.max(np.abs(back - y)) <= 2 / 2**16


@pytest.mark.parametrize("kind", ["MP3", "OGG"])
def test_lossy_kinds_keep_the_length_and_nearly_the_sound(music, kind):
    y, sr = music
    back, rate = audio.decode(audio.encode(y, sr, kind))
    assert rate == sr and back.shape == y.shape
    assert decibels(y, back - y) > 15
    assert len(audio.encode(y, sr, kind, compression=1)) < 0.7 * len(audio.encode(y, sr, kind, compression=0))


def test_a_constant_bit_rate_costs_silence_as_much_as_music(music):
    y, sr = music
    sizes = [len(audio.encode(x, sr, "MP3", compression=0.5)) for x in (y, 1e-3 * y)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize(
    ("y", "sr", "kind", "says"),
    [
        (np.zeros(0), 8000, "WAV", "is empty"),
        (np.array([np.nan]), 8000, "FLAC", "NaN or infinite"),
        (np.zeros(9), 8000, "AAC", "kind='AAC': expected WAV, FLAC, OGG or MP3"),
        (np.zeros(9), 96_000, "MP3", "MP3 cannot hold this sound at 96000 Hz"),
    ],
)
def test_encoding_says_what_it_cannot_do(y, sr, kind, says):
    with pytest.raises(audio.AudioError, match=says):
        audio.encode(y, sr, kind)


@pytest.mark.parametrize("data", [b"", b"no sound at all"])
def test_decoding_says_what_is_no_sound(data):
    with pytest.raises(audio.AudioError, match="cannot be decoded as a sound"):
        audio.decode(data)
