"""musiclib.plot: axes with units, and the data where they belong."""

import librosa
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musiclib import features, plot


@pytest.fixture(autouse=True)
def closed():
    with mpl.rc_context():
        yield
    plt.close("all")


def test_axes_come_in_the_courses_style():
    mpl.rcdefaults()
    figure, ax = plot.axes(height=2, width=5)
    assert tuple(figure.get_size_inches()) == (5, 2)
    assert mpl.rcParams["svg.fonttype"] == "none" and mpl.rcParams["text.color"] == plot.INK
    assert ax.xaxis.label.get_color() == plot.INK
    figure, axes = plot.axes(3, 2, height=1.5, sharex=True)
    assert axes.shape == (3, 2) and figure.get_size_inches()[1] == 4.5


def test_no_two_meanings_share_a_color():
    assert len(set(plot.CYCLE)) == len(plot.CYCLE) and plot.INK not in plot.CYCLE


@given(hnp.arrays(np.float32, st.integers(1, 2000), elements=st.floats(-1, 1, width=32)), st.integers(1, 300))
def test_an_envelope_holds_the_signal(y, columns):
    low, high = plot.envelope(y, columns)
    assert low.shape == high.shape == (min(columns, y.size),)
    assert np.all(low <= high)
    assert low.min() == y.min() and high.max() == y.max()


@pytest.mark.parametrize("samples", [100, 50_000])
def test_a_waveform_fills_its_time(samples):
    y = np.sin(np.arange(samples) / 9)
    ax = plot.waveform(y, 1000, ax=plot.axes()[1], start=2.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "amplitude")
    left, right = ax.get_xlim()
    assert left == pytest.approx(2, abs=samples / 1e5) and right == pytest.approx(2 + samples / 1000, abs=samples / 1e5)
    low, high = ax.get_ylim()
    assert low < -0.9 and high > 0.9


def test_a_spectrum_says_its_units():
    ax = plot.spectrum(np.array([1.0, 10, 100]), np.array([0.0, -3, -6]), ax=plot.axes()[1], log=True, label="flute")
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("frequency (Hz)", "level (dB)", "log")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0, -3, -6])
    assert ax.lines[0].get_label() == "flute"


def edges_of(ax) -> tuple[np.ndarray, np.ndarray]:
    corners = ax.collections[0].get_coordinates()
    return corners[0, :, 0], corners[:, 0, 1]


@pytest.mark.parametrize("y_axis", ["linear", "log"])
def test_a_spectrogram_puts_a_tone_at_its_time_and_frequency(y_axis):
    sr, hop = 8000, 128
    y = np.zeros(sr)
    y[4000:6000] = np.sin(2 * np.pi * 1000 * np.arange(2000) / sr)
    level = features.power_to_db(np.abs(features.stft(y, n_fft=512, hop_length=hop)) ** 2)
    figure, ax = plot.axes()
    assert plot.spectrogram(level, sr=sr, hop_length=hop, ax=ax, y_axis=y_axis, start=3.0, limits=(-60, 0)) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "frequency (Hz)")
    time, frequency = edges_of(ax)
    row, column = np.unravel_index(np.argmax(level), level.shape)
    assert frequency[row] < 1000 < frequency[row + 1]
    assert 3.5 < time[column] < time[column + 1] < 3.75 + hop / sr
    assert ax.get_xlim()[0] == 3.0 and frequency[-1] == sr / 2
    assert ax.collections[0].get_clim() == (-60, 0)
    assert figure.axes[1].get_ylabel() == "level (dB)"  # the color bar's


@pytest.mark.parametrize("n_mels", [40, 64, 96, 128])
def test_frequencies_beside_mel_bands_do_not_lie_on_one_another(n_mels):
    centers = librosa.mel_frequencies(n_mels + 2, fmax=11_025)[1:-1]
    ticks = plot.mel_ticks(centers)
    assert ticks[0] in (100, 200) and ticks[-1] == 10_000
    assert np.all(np.diff(np.interp(ticks, centers, np.arange(n_mels))) >= n_mels / 16)
    assert plot.mel_ticks(np.linspace(3000, 4000, 9)) == []  # no round frequency is in range


@pytest.mark.parametrize(("y_axis", "label"), [("mel", "frequency (Hz)"), ("index", "coefficient")])
def test_bands_and_coefficients_are_evenly_spaced(y_axis, label):
    figure, ax = plot.axes()
    centers = np.geomspace(100, 4000, 20)
    plot.spectrogram(np.eye(20), sr=8000, hop_length=100, ax=ax, y_axis=y_axis, frequency=centers, colorbar=False)
    assert ax.get_ylabel() == label and len(figure.axes) == 1
    np.testing.assert_allclose(np.diff(edges_of(ax)[1]), 1)
    if y_axis == "mel":
        assert [t.get_text() for t in ax.get_yticklabels()] == ["100", "200", "500", "1000", "2000"]
        assert ax.get_yticks() == pytest.approx(np.interp([100, 200, 500, 1000, 2000], centers, np.arange(20)))


def test_an_unknown_y_axis():
    with pytest.raises(ValueError, match="y_axis='bark': expected linear, log, mel or index"):
        plot.spectrogram(np.eye(3), sr=8000, hop_length=100, ax=plot.axes()[1], y_axis="bark")


def test_a_piano_roll_has_a_bar_for_every_note_and_a_color_for_every_part(chorale):
    ax = plot.piano_roll(chorale, ax=plot.axes()[1])
    assert len(ax.patches) == len(chorale)
    bars = sorted((round(b.get_x(), 6), round(b.get_y() + 0.4), round(b.get_width(), 6)) for b in ax.patches)
    notes = sorted((round(n["onset"], 6), n["pitch"], round(n["duration"], 6)) for n in chorale)
    assert bars == notes
    assert len({b.get_facecolor() for b in ax.patches}) == 4
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "pitch (MIDI)")


def test_learning_curves_mark_the_epoch_that_was_kept():
    history = pd.DataFrame({"loss": [2, 1, 0.5], "validation_loss": [2, 1.5, 1.8]}, index=[1, 2, 3])
    _, ax = plot.axes()
    plot.learning_curves(history, best=2, ax=ax)
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["validation"].get_ydata(), history.validation_loss)
    assert (lines["kept"].get_xdata(), lines["kept"].get_ydata()) == (2, 1.5)
    assert ax.get_ylim()[0] == 0 and ax.get_xlabel() == "epoch"


def test_a_confusion_matrix_has_truth_downward():
    _, ax = plot.axes()
    plot.confusion(np.array([[0.8, 0.2], [0, 1]]), ["jig", "reel"], ax=ax)
    assert {t.get_position(): t.get_text() for t in ax.texts} == {(0, 0): "80", (1, 0): "20", (1, 1): "100"}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["jig", "reel"]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("truth", "answer")


def test_a_reliability_diagram_has_a_point_a_bin():
    table = pd.DataFrame({"confidence": [0.4, 0.9], "accuracy": [0.5, 0.7], "count": [10, 30]})
    _, ax = plot.axes()
    plot.reliability(table, ax=ax)
    points = ax.collections[0]
    np.testing.assert_allclose(points.get_offsets(), table[["confidence", "accuracy"]])
    assert points.get_sizes()[1] > points.get_sizes()[0]
