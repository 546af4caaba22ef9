"""musiclib.features: equal to librosa and to NumPy, invertible, and clear about what it cannot take."""

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musiclib import audio, features

SAMPLES = st.floats(-1, 1, width=32)
# librosa warns of signals shorter than a frame, which are among those tried here on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large")


# ---------------------------------------------------------------- the STFT and its inverse


@pytest.mark.parametrize(("n_fft", "hop", "window"), [(2048, 512, "hann"), (256, 100, "hamming"), (64, 64, "boxcar")])
def test_a_frame_is_the_dft_of_a_windowed_stretch(music, n_fft, hop, window):
    y, _ = music
    X = features.stft(y, n_fft=n_fft, hop_length=hop, window=window)
    assert X.shape == (1 + n_fft // 2, 1 + y.size // hop)
    padded = np.pad(y, n_fft // 2)
    w = scipy.signal.get_window(window, n_fft)
    for m in (0, 1, X.shape[1] // 2, X.shape[1] - 1):
        expected = np.fft.rfft(padded[m * hop : m * hop + n_fft] * w)
        np.testing.assert_allclose(X[:, m], expected, atol=1e-4 * np.max(np.abs(X)))


def test_without_centering_no_frame_is_padded(music):
    y, _ = music
    X = features.stft(y, n_fft=1024, hop_length=256, center=False)
    assert X.shape[1] == 1 + (y.size - 1024) // 256
    np.testing.assert_allclose(X[:, 0], np.fft.rfft(y[:1024] * np.hanning(1025)[:-1]), atol=1e-3)


def test_a_shorter_window_leaves_the_frames_where_they_are(music):
    y, _ = music
    X = features.stft(y, n_fft=1024, win_length=256, hop_length=256)
    w = np.pad(np.hanning(257)[:-1], 384)
    np.testing.assert_allclose(X[:, 9], np.fft.rfft(np.pad(y, 512)[9 * 256 : 9 * 256 + 1024] * w), atol=1e-3)


def test_parseval_holds_in_every_frame(music):
    y, _ = music
    X = features.stft(y, n_fft=512, hop_length=512, window="boxcar", center=False)
    # Each bin but the first and the last stands for two, its own and that of the negative frequency.
    energy = (2 * np.sum(np.abs(X) ** 2, axis=0) - np.abs(X[0]) ** 2 - np.abs(X[-1]) ** 2) / 512
    frames = y[: 512 * X.shape[1]].reshape(-1, 512)
    np.testing.assert_allclose(energy, np.sum(frames**2, axis=1), rtol=1e-4)


def test_a_delay_of_one_hop_moves_every_frame_by_one(music):
    y, _ = music
    X = features.stft(y, n_fft=1024, hop_length=256)
    delayed = features.stft(np.pad(y, (256, 0)), n_fft=1024, hop_length=256)
    np.testing.assert_allclose(delayed[:, 1:], X, atol=1e-4)


@given(
    hnp.arrays(np.float32, st.integers(1, 6000), elements=SAMPLES), st.sampled_from([(256, 64), (512, 128), (300, 100)])
)
def test_there_and_back_is_the_signal(y, sizes):
    n_fft, hop = sizes
    X = features.stft(y, n_fft=n_fft, hop_length=hop)
    back = features.istft(X, hop_length=hop, length=y.size)
    assert back.shape == y.shape
    np.testing.assert_allclose(back, y, atol=1e-4)


@pytest.mark.parametrize("y", [np.zeros(3000, np.float32), np.ones(3000, np.float32)])
def test_silence_and_a_constant_come_back(y):
    np.testing.assert_allclose(features.istft(features.stft(y), length=3000), y, atol=1e-5)


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.zeros((2, 100)), r"shape \(2, 100\), expected \(N,\): mix it down with audio.to_mono"),
        (np.zeros(0), "the signal is empty"),
        (np.array([np.nan]), "NaN or infinite"),
    ],
)
@pytest.mark.parametrize(("of", "options"), [(features.stft, {}), (features.mfcc, {"sr": 8000})])
def test_what_cannot_be_analyzed(of, options, y, says):
    with pytest.raises(audio.AudioError, match=says):
        of(y, **options)


def test_too_short_for_a_frame():
    with pytest.raises(audio.AudioError, match="99 samples, fewer than one frame of n_fft=128"):
        features.stft(np.ones(99), n_fft=128, center=False)


# ---------------------------------------------------------------- decibels


@given(hnp.arrays(np.float64, st.integers(1, 50), elements=st.floats(0, 1e6)), st.floats(1, 120))
def test_decibels_lie_between_the_floor_and_zero(power, floor_db):
    got = features.power_to_db(power, floor_db=floor_db)
    assert got.shape == power.shape
    if np.max(power) > 1e-15:
        assert np.max(got) == pytest.approx(0, abs=1e-9)
        assert np.min(got) >= -floor_db - 1e-9
        assert np.all(np.diff(got[np.argsort(power)]) >= 0)
        np.testing.assert_allclose(features.power_to_db(4 * power, floor_db=floor_db), got, atol=1e-6)


def test_decibels_of_known_powers():
    np.testing.assert_allclose(features.power_to_db([1, 10, 100], ref=1.0), [0, 10, 20])
    np.testing.assert_allclose(features.power_to_db([1, 0.5, 1e-12]), [0, -3.0103, -80], atol=1e-4)
    with pytest.raises(ValueError, match="A power is negative"):
        features.power_to_db([1, -1])


# ---------------------------------------------------------------- mel and MFCC


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize(
    ("sr", "n_fft", "n_mels", "fmin", "fmax"), [(22_050, 2048, 128, 0, None), (8000, 512, 20, 100, 3000)]
)
def test_the_filterbank_is_librosas(sr, n_fft, n_mels, fmin, fmax, htk):
    got = features.mel_filterbank(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk)
    norm = None if htk else "slaney"
    expected = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk, norm=norm)
    assert got.shape == (n_mels, 1 + n_fft // 2) and got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-7)


def test_the_filterbanks_triangles_are_as_described():
    frequency = np.fft.rfftfreq(1 << 15, 1 / 22_050)
    slaney = features.mel_filterbank(sr=22_050, n_fft=1 << 15, n_mels=40)
    np.testing.assert_allclose(slaney.sum(axis=1) * frequency[1], 1, rtol=0.02)  # equal areas
    htk = features.mel_filterbank(sr=22_050, n_fft=1 << 15, n_mels=40, htk=True)
    np.testing.assert_allclose(htk.max(axis=1), 1, atol=0.05)  # equal peaks,
    mel = 2595 * np.log10(1 + frequency[htk.argmax(axis=1)] / 700)
    np.testing.assert_allclose(np.diff(mel), 2595 * np.log10(1 + 11_025 / 700) / 41, rtol=0.03)  # equally spaced


@pytest.mark.parametrize(("fmin", "fmax"), [(0, 9000), (500, 500), (600, 500), (-1, 4000)])
def test_a_filterbank_of_no_range(fmin, fmax):
    with pytest.raises(ValueError, match=rf"fmin={fmin} Hz and fmax={fmax} Hz: expected .* sr / 2 = 4000 Hz"):
        features.mel_filterbank(sr=8000, n_fft=256, fmin=fmin, fmax=fmax)


@pytest.mark.parametrize("options", [{}, {"n_fft": 1024, "hop_length": 300, "n_mels": 40, "fmin": 50, "fmax": 8000}])
def test_mel_spectrogram_and_mfcc_are_librosas(music, options):
    y, sr = music
    mel = features.mel_spectrogram(y, sr=sr, **options)
    np.testing.assert_allclose(mel, librosa.feature.melspectrogram(y=y, sr=sr, **options), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        features.mfcc(y, sr=sr, n_mfcc=20, **options),
        librosa.feature.mfcc(y=y, sr=sr, n_mfcc=20, **options),
        rtol=1e-4,
        atol=1e-2,  # of hundreds of decibels
    )


def test_the_htk_mel_spectrogram_is_librosas(music):
    y, sr = music
    expected = librosa.feature.melspectrogram(y=y, sr=sr, n_mels=64, htk=True, norm=None)
    np.testing.assert_allclose(features.mel_spectrogram(y, sr=sr, n_mels=64, htk=True), expected, rtol=1e-4, atol=1e-5)


def test_the_level_stands_in_the_zeroth_mfcc_alone():
    y = np.random.default_rng(0).uniform(-1, 1, 22_050).astype(np.float32)
    loud, soft = (features.mfcc(g * y, sr=22_050) for g in (1.0, 0.1))
    np.testing.assert_allclose(loud[1:], soft[1:], atol=0.01)
    # 20 dB in each of 128 bands, through an orthonormal DCT
    np.testing.assert_allclose(loud[0] - soft[0], 20 * np.sqrt(128), rtol=1e-3)


def test_more_mfccs_than_bands():
    with pytest.raises(ValueError, match="n_mfcc=50 is more than n_mels=40"):
        features.mfcc(np.ones(4000), sr=8000, n_mfcc=50, n_mels=40)


def test_all_mfccs_give_the_mel_spectrogram_back_and_fewer_a_smoother_one(music):
    y, sr = music
    level = librosa.power_to_db(features.mel_spectrogram(y, sr=sr, n_mels=64))

    def error(n_mfcc):
        mel = features.mel_from_mfcc(features.mfcc(y, sr=sr, n_mels=64, n_mfcc=n_mfcc), n_mels=64)
        assert mel.shape == level.shape and np.all(mel > 0)
        return np.sqrt(np.mean((librosa.power_to_db(mel, top_db=None) - level) ** 2))

    assert error(64) < 0.01 < error(30) < error(10)


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("n_mels", [20, 128])
def test_a_magnitude_from_mel_has_that_mel_spectrogram(piano_note, htk, n_mels):
    y, sr = piano_note
    mel = features.mel_spectrogram(y, sr=sr, n_mels=n_mels, htk=htk)
    magnitude = features.magnitude_from_mel(mel, sr=sr, htk=htk)
    assert magnitude.shape == (1025, mel.shape[1]) and np.all(magnitude >= 0)
    again = features.mel_filterbank(sr=sr, n_mels=n_mels, htk=htk) @ magnitude**2
    assert np.linalg.norm(again - mel) < 0.01 * np.linalg.norm(mel)


def test_a_magnitude_from_mel_is_as_near_as_librosas(piano_note):
    y, sr = piano_note
    mel = features.mel_spectrogram(y[: sr // 4], sr=sr, n_mels=40)
    bank = features.mel_filterbank(sr=sr, n_mels=40)
    ours, librosas = (
        np.linalg.norm(bank @ magnitude**2 - mel)
        for magnitude in (features.magnitude_from_mel(mel, sr=sr), librosa.feature.inverse.mel_to_stft(mel, sr=sr))
    )
    assert ours <= librosas


def test_a_soft_sound_is_inverted_as_well_as_a_loud_one(piano_note):
    y, sr = piano_note
    mel = features.mel_spectrogram(y[: sr // 2], sr=sr, n_mels=40)
    loud, soft = features.magnitude_from_mel(mel, sr=sr), features.magnitude_from_mel(1e-4 * mel, sr=sr)
    np.testing.assert_allclose(100 * soft, loud, atol=1e-3 * loud.max())


def test_a_magnitude_from_silence_is_silence():
    assert np.max(features.magnitude_from_mel(np.zeros((40, 3), np.float32), sr=8000, n_fft=512)) == 0


# ---------------------------------------------------------------- Griffin-Lim


def test_griffin_lim_comes_nearer_with_every_round_of_iterations(music):
    y, _ = music
    magnitude = np.abs(features.stft(y))

    def convergence(signal):
        return features.spectral_convergence(features.stft(signal), magnitude)

    def found(n, **options):
        return convergence(features.griffin_lim(magnitude, n_iter=n, length=y.size, **options))

    first, eighth, last = found(1), found(8), found(32)
    assert last < eighth - 2 < first - 4
    assert last < -15
    assert found(32, momentum=0) > last  # the fast one is faster
    assert last < convergence(features.istft(magnitude, length=y.size)) - 6  # zero phase


def test_griffin_lim_is_the_same_for_the_same_seed(piano_note):
    magnitude = np.abs(features.stft(piano_note[0]))
    one, again, other = (features.griffin_lim(magnitude, n_iter=2, length=33_000, seed=s) for s in (3, 3, 4))
    assert one.shape == (33_000,)
    np.testing.assert_array_equal(one, again)
    assert np.any(one != other)


@pytest.mark.parametrize("length", [4607, 5120])
def test_griffin_lim_cannot_make_more_or_less_than_its_frames(length):
    magnitude = np.ones((1025, 10))
    assert features.griffin_lim(magnitude, n_iter=1).shape == (4608,)
    with pytest.raises(ValueError, match=f"length={length}: 10 frames 512 samples apart are 4608 to 5119 samples"):
        features.griffin_lim(magnitude, length=length)


def test_griffin_lim_takes_the_hop_of_the_spectrogram(piano_note):
    y, _ = piano_note
    magnitude = np.abs(features.stft(y, n_fft=1024, hop_length=128))
    got = features.griffin_lim(magnitude, hop_length=128, n_iter=8, length=y.size)
    assert features.spectral_convergence(features.stft(got, n_fft=1024, hop_length=128), magnitude) < -12


def test_spectral_convergence_of_known_errors(music):
    magnitude = np.abs(features.stft(music[0]))
    assert features.spectral_convergence(0.9 * magnitude, magnitude) == pytest.approx(-20, abs=1e-3)
    assert features.spectral_convergence(0 * magnitude, magnitude) == pytest.approx(0)
    assert features.spectral_convergence(magnitude, magnitude) == pytest.approx(-240)
