"""One look for every figure: the style, the colors and what they mean, and axes with units."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

# A color means the same thing in every chapter. All read on a white page and on a dark one.
SIGNAL = "#2f80c8"  # the sound itself
REFERENCE = "#7d8590"  # what it is held against: the original, the ideal, a library's result
ERROR = "#d1495b"  # what went wrong: noise, alias, residue
ACCENT = "#e08a1e"  # what the text points at
SECOND = "#2a9d73"  # another sound beside the first
THIRD = "#8e6bbf"  # and a third
CYCLE = [SIGNAL, ACCENT, SECOND, ERROR, THIRD, REFERENCE]
POWER_MAP = "magma"  # levels, dark to bright

# page.svg turns this color into the page's own text color, in light and in dark.
INK = "#010203"

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.figsize": (6.0, 2.5),
    "font.size": 10,
    "grid.alpha": 0.18,
    "grid.color": REFERENCE,
    "grid.linewidth": 0.8,
    "image.cmap": POWER_MAP,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.5,
    "patch.linewidth": 0.5,
    "path.simplify_threshold": 0.3,
    "svg.fonttype": "none",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def use_style() -> None:
    """Make this course's style matplotlib's default, for all figures from here on."""
    plt.style.use(_STYLE)


def axes(rows: int = 1, columns: int = 1, *, height: float = 2.3, width: float = 6.0, **options) -> tuple[Figure, Axes]:
    """A figure in this course's style and its axes, an array where there are several; ``height`` inches a row."""
    use_style()
    return plt.subplots(rows, columns, figsize=(width, height * rows), **options)


def waveform(
    y: np.ndarray, sr: float, *, ax: Axes, start: float = 0.0, color: str = SIGNAL, label: str | None = None
) -> Axes:
    """Draw a signal of shape (N,) against time in seconds: as a line, or as its envelope where samples are too many."""
    y = np.asarray(y)
    columns = 600
    if y.size <= 4 * columns:
        ax.plot(start + np.arange(y.size) / sr, y, color=color, label=label)
    else:
        low, high = envelope(y, columns)
        time = start + (np.arange(low.size) + 0.5) * y.size / low.size / sr
        ax.fill_between(time, low, high, color=color, linewidth=0.4, label=label)
    ax.set(xlabel="time (s)", ylabel="amplitude")
    ax.margins(x=0)
    return ax


def envelope(y: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest sample of each of ``columns`` equal stretches of ``y``: two arrays of shape (columns,)."""
    edges = np.linspace(0, y.size, min(columns, y.size) + 1).astype(int)[:-1]
    return np.minimum.reduceat(y, edges), np.maximum.reduceat(y, edges)


def spectrum(
    frequency: np.ndarray,
    level: np.ndarray,
    *,
    ax: Axes,
    color: str = SIGNAL,
    label: str | None = None,
    log: bool = False,
) -> Axes:
    """Draw ``level``, in dB, against ``frequency``, in Hz."""
    ax.plot(frequency, level, color=color, label=label, linewidth=1.1)
    if log:
        ax.set_xscale("log")
    ax.set(xlabel="frequency (Hz)", ylabel="level (dB)")
    ax.margins(x=0)
    return ax


def spectrogram(
    level: np.ndarray,
    *,
    sr: float,
    hop_length: int,
    ax: Axes,
    frequency: np.ndarray | None = None,
    y_axis: str = "linear",
    start: float = 0.0,
    colorbar: bool = True,
    label: str = "level (dB)",
    limits: tuple[float, float] | None = None,
) -> Axes:
    """Draw a spectrogram: time across, frequency or index upward, level in color.

    Parameters
    ----------
    level : array, shape (rows, frames), usually in dB
    frequency : Hz of each row; None spreads the rows evenly from 0 to sr / 2
    y_axis : "linear" or "log" for rows in hertz, "mel" for mel bands (rows evenly spaced, labeled in Hz),
        "index" for coefficients
    start : time of the first frame in seconds
    limits : the levels at the two ends of the color map

    Raises
    ------
    ValueError
        If ``y_axis`` is unknown.
    """
    if y_axis not in ("linear", "log", "mel", "index"):
        raise ValueError(f"y_axis={y_axis!r}: expected linear, log, mel or index.")
    rows, frames = level.shape
    time = start + (np.arange(frames + 1) - 0.5) * hop_length / sr
    if y_axis in ("mel", "index"):
        edges = np.arange(rows + 1) - 0.5
    else:
        centers = np.linspace(0, sr / 2, rows) if frequency is None else np.asarray(frequency)
        middle = (centers[1:] + centers[:-1]) / 2
        edges = np.concatenate([[max(centers[0], 1e-3)], middle, [centers[-1]]])
    low, high = limits or (None, None)
    mesh = ax.pcolormesh(time, edges, level, cmap=POWER_MAP, vmin=low, vmax=high, rasterized=True, shading="flat")
    if y_axis == "log":
        ax.set_yscale("symlog", linthresh=200, base=2)
        ticks = [t for t in (0, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000) if t <= edges[-1]]
        ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
        ax.minorticks_off()
    if y_axis == "mel" and frequency is not None:
        marks = mel_ticks(frequency)
        ax.set_yticks(np.interp(marks, frequency, np.arange(rows)), [f"{t:g}" for t in marks])
    ax.grid(False)
    ax.set(xlabel="time (s)", ylabel="coefficient" if y_axis == "index" else "frequency (Hz)")
    ax.set_xlim(max(time[0], start), time[-1])
    if colorbar:
        bar = ax.figure.colorbar(mesh, ax=ax, label=label, pad=0.01, aspect=18)
        bar.outline.set_visible(False)
    return ax


def mel_ticks(frequency: np.ndarray, apart: float = 1 / 16) -> list[float]:
    """Round frequencies in Hz to write beside mel bands centered at ``frequency``: none on top of another.

    Two are at least the part ``apart`` of the axis from each other, for the mel scale crowds the lowest.
    """
    chosen: list[float] = []
    for tick in (100, 200, 500, 1000, 2000, 5000, 10_000):
        low, at = np.interp([chosen[-1] if chosen else tick, tick], frequency, np.arange(len(frequency)))
        if frequency[0] <= tick <= frequency[-1] and (not chosen or at - low >= apart * len(frequency)):
            chosen.append(tick)
    return chosen


def piano_roll(notes: np.ndarray, *, ax: Axes, color: str | None = None) -> Axes:
    """Draw notes (dtype ``symbolic.NOTE``) as bars: time in seconds across, MIDI pitch upward, a color a part."""
    for part in np.unique(notes["part"]):
        played = notes[notes["part"] == part]
        ax.barh(
            played["pitch"],
            played["duration"],
            left=played["onset"],
            height=0.8,
            color=color or CYCLE[part % len(CYCLE)],
        )
    ax.set(xlabel="time (s)", ylabel="pitch (MIDI)")
    return ax


def learning_curves(history, *, best: int | None = None, ax: Axes) -> Axes:
    """Draw the loss of the training and the validation side against the epoch.

    Parameters
    ----------
    history : table of ``training.fit``: the columns loss and validation_loss, indexed by epoch
    best : the epoch that was kept, marked
    """
    ax.plot(history.index, history["loss"], color=REFERENCE, label="training")
    ax.plot(history.index, history["validation_loss"], color=SIGNAL, label="validation")
    if best is not None:
        ax.plot(best, history["validation_loss"][best], "o", color=ACCENT, label="kept")
    ax.set(xlabel="epoch", ylabel="loss (nats)")
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def confusion(shares: np.ndarray, classes: list[str], *, ax: Axes, colorbar: bool = True) -> Axes:
    """Draw a confusion matrix: the truth downward, the answer across, shares of each row in color and, in %, as text.

    Parameters
    ----------
    shares : from ``evaluation.confusion``, shape (classes, classes)
    """
    mesh = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(np.round(100 * shares)), strict=True):
        dark = shares[row, column] > 0.5
        ax.text(
            column,
            row,
            f"{100 * shares[row, column]:.0f}",
            ha="center",
            va="center",
            color="white" if dark else "#16324f",
            fontsize=8,
        )
    ax.set_xticks(range(len(classes)), classes, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(classes)), classes)
    ax.grid(False)
    ax.set(xlabel="answer", ylabel="truth")
    ax.spines[:].set_visible(False)
    if colorbar:
        bar = ax.figure.colorbar(mesh, ax=ax, label="share of the class", pad=0.02, aspect=18)
        bar.outline.set_visible(False)
    return ax


def reliability(table, *, ax: Axes, color: str = SIGNAL, label: str | None = None) -> Axes:
    """Draw how often a model is right against how sure it is; on the dashed line it is as right as it says.

    Parameters
    ----------
    table : from ``evaluation.calibration``: the columns confidence, accuracy and count
    """
    ax.plot([0, 1], [0, 1], color=REFERENCE, linestyle="--", linewidth=1)
    ax.plot(table["confidence"], table["accuracy"], color=color, linewidth=1)
    area = 10 + 150 * table["count"] / table["count"].sum()
    ax.scatter(table["confidence"], table["accuracy"], s=area, color=color, label=label, zorder=3)
    ax.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    ax.set_aspect("equal")
    return ax
