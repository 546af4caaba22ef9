"""musiclib.features.intervals: the sums that they stand for, and what transposing and waiting leave as it is."""

import numpy as np
import pytest

from musiclib import audio, features, render, symbolic

SR = 22_050


@pytest.fixture(scope="module")
def tune():
    return symbolic.excerpt(symbolic.notes(symbolic.read_score("ryansMammoth/BamfordHornpipe"), bpm=80), 0, 10)


@pytest.fixture(scope="module")
def sound(tune):
    return render.render(tune, "piano", sr=SR)[: 10 * SR]


def test_a_sine_stands_out_in_its_semitone_alone():
    y = np.sin(2 * np.pi * 440 * np.arange(2 * SR) / SR).astype(np.float32)
    level = features.semitone_level(y, sr=SR)
    assert level.shape == (84, 1 + y.size // 1024)
    P = features.standing_out(level)
    assert set(P[:, 5:-5].argmax(axis=0)) == {69 - 33}
    assert np.all(P >= 0)
    assert P.std() == pytest.approx(1, rel=1e-3)


def test_the_level_of_a_semitone_is_a_triangle_over_the_power_spectrum(sound):
    level = features.semitone_level(sound, sr=SR)
    X = features.stft(sound, n_fft=4096, hop_length=1024)
    pitch, frequency = 440 * 2 ** ((33 + 47 - 69) / 12), np.arange(2049) * SR / 4096
    triangle = np.maximum(0, 1 - np.abs(frequency - pitch) / (pitch * (2 ** (1 / 12) - 1)))
    np.testing.assert_allclose(level[47], 10 * np.log10(triangle @ np.abs(X) ** 2 + 1e-10), atol=1e-3)


def test_the_autocorrelation_is_the_double_sum():
    P = np.random.default_rng(0).random((30, 40))
    A = features.interval_autocorrelation(P, 25)
    assert A.shape == (49, 25)
    for i, lag in ((0, 0), (7, 0), (-5, 3), (24, 24), (-24, 11)):
        pairs = (P[k, m] * P[k + i, m + lag] for k in range(30) if 0 <= k + i < 30 for m in range(40 - lag))
        assert A[24 + i, lag] == pytest.approx(sum(pairs) / P.size, abs=1e-9)


def test_transposing_moves_the_picture_and_hardly_the_intervals(tune, sound):
    other = render.render(symbolic.transpose(tune, 3), "piano", sr=SR)[: sound.size]
    P, Q = (features.standing_out(features.semitone_level(y, sr=SR)) for y in (sound, other))
    A, B = (features.interval_autocorrelation(Z, 53) for Z in (P, Q))
    assert np.corrcoef(P.ravel(), Q[:, : P.shape[1]].ravel())[0, 1] < 0.5
    assert np.corrcoef(A.ravel(), B.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("period", [0.15, 0.21, 0.3])
def test_the_pulse_of_a_row_of_clicks_is_their_distance(period):
    y = np.zeros(10 * SR, np.float32)
    y[(np.arange(0, 9.5, period) * SR).astype(int)] = 1.0
    y = np.convolve(y, np.exp(-np.arange(2000) / 400) * np.random.default_rng(0).normal(size=2000))[: y.size]
    level = features.power_to_db(features.mel_spectrogram(y, sr=SR, n_mels=64), floor_db=60)
    found, r = features.pulse(level, sr=SR)
    assert found * features.HOP_LENGTH / SR == pytest.approx(period, rel=0.03)
    assert r[0] == pytest.approx(1)
    assert r.shape == (level.shape[1],)


def test_the_pulse_is_found_where_notes_begin_softly_in_a_held_sound():
    n = np.arange(10 * SR)
    swell = 1 + 0.4 * np.exp(-(n % round(0.25 * SR)) / (0.05 * SR))  # 3 dB louder, four times a second
    y = (swell * np.random.default_rng(0).normal(size=n.size)).astype(np.float32)
    level = features.power_to_db(features.mel_spectrogram(y, sr=SR, n_mels=64), floor_db=60)
    period, _ = features.pulse(level, sr=SR)
    assert period * features.HOP_LENGTH / SR == pytest.approx(0.25, rel=0.03)


def test_windows_of_a_sound_and_what_their_numbers_are(sound):
    starts, numbers = features.interval_numbers(sound, sr=SR, window=4, hop=2)
    np.testing.assert_array_equal(starts, [0, 2, 4, 6])
    assert numbers.shape == (4, 2046)
    assert numbers.dtype == np.float32
    assert np.isfinite(numbers).all()
    assert sum(features.INTERVAL_PARTS.values()) == 2046
    # The first window's pitches are those of its four seconds, but for the frame that also hears the fifth.
    alone = features.interval_numbers(sound[: 4 * SR], sr=SR)[1][0]
    assert np.corrcoef(numbers[0], alone)[0, 1] > 0.99


def test_louder_is_the_same(sound):
    _, numbers = features.interval_numbers(sound, sr=SR)
    _, softer = features.interval_numbers(0.3 * sound, sr=SR)
    np.testing.assert_allclose(softer, numbers, atol=0.02)


def test_a_short_sound_gets_zeros_and_a_silent_one_finite_numbers(sound):
    starts, numbers = features.interval_numbers(sound[:SR], sr=SR, window=4)
    assert starts.tolist() == [0]
    assert np.isfinite(numbers).all()
    assert np.isfinite(features.interval_numbers(np.zeros(3 * SR, np.float32), sr=SR)[1]).all()


def test_what_cannot_be_taken_is_named():
    with pytest.raises(ValueError, match="window=-1, hop=-1: expected positive numbers of seconds"):
        features.interval_numbers(np.ones(SR), sr=SR, window=-1)
    with pytest.raises(ValueError, match="window=1, hop=0: expected positive"):
        features.interval_numbers(np.ones(SR), sr=SR, window=1, hop=0)
    with pytest.raises(audio.AudioError, match="expected \\(N,\\)"):
        features.interval_numbers(np.ones((2, SR)), sr=SR, window=1)
    with pytest.raises(audio.AudioError):
        features.interval_numbers(np.full(SR, np.nan), sr=SR)
    with pytest.raises(audio.AudioError):
        features.interval_numbers(np.ones(0), sr=SR)
