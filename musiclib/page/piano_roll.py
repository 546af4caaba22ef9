"""Notes as a piano roll: SVG that is as wide as its column, with text that keeps its size."""

from collections.abc import Sequence
from html import escape

import numpy as np

from musiclib import plot

COLORS = (plot.SIGNAL, plot.SECOND, plot.THIRD, plot.REFERENCE)  # the parts', from the top; then from the beginning
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def pitch_name(pitch: int, letters: Sequence[str] = NAMES) -> str:
    """A MIDI pitch in letters: 60 is C4."""
    return f"{letters[pitch % 12]}{pitch // 12 - 1}"


def draw(notes: np.ndarray, seconds: float, bars: list[float], alt: str) -> str:
    """A piano roll: time across, pitch upward, one ``<rect>`` a note in the order of ``notes``, a color a part.

    Parameters
    ----------
    notes : structured array of dtype ``symbolic.NOTE``
    seconds : how much time lies across
    bars : s, where measures begin
    alt : what it shows, for a reader who cannot see it
    """
    low, high = int(notes["pitch"].min()) - 2, int(notes["pitch"].max()) + 2
    lane = float(np.clip(180 / (high - low + 1), 3, 9))  # px
    height = lane * (high - low + 1)

    def top(pitch: int) -> float:
        return lane * (high - pitch)

    def across(time: float) -> str:
        return f"{100 * time / seconds:.2f}%"

    def wide(time: float) -> str:  # a little less, for a pitch that is struck again to be seen as two notes
        return f"{max(100 * time / seconds - 0.25, 70 * time / seconds):.2f}%"

    octaves = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    lines = [f'<line x2="100%" y1="{top(c) + lane:.1f}" y2="{top(c) + lane:.1f}"/>' for c in octaves]
    lines += [f'<line x1="{across(bar)}" x2="{across(bar)}" y2="{height:.0f}"/>' for bar in bars]
    rects = [
        f'<rect x="{across(n["onset"])}" y="{top(n["pitch"]) + 0.4:.1f}" width="{wide(n["duration"])}" '
        f'height="{lane - 0.8:.1f}" fill="{COLORS[n["part"] % len(COLORS)]}"/>'
        for n in notes
    ]
    ticks = _ticks(seconds)
    times = [f'<text x="{across(t)}" y="{height + 15:.0f}" text-anchor="middle">{t:g}</text>' for t in ticks[1:]]
    times.append(f'<text y="{height + 15:.0f}">0 s</text>')
    names = [f'<text x="30" y="{top(c) + lane:.1f}" text-anchor="end">{pitch_name(c)}</text>' for c in octaves]
    look = f'height="{height + 20:.0f}" font-size="11" fill="currentColor" style="display:block;overflow:visible'
    return (
        f'<div class="dlm-roll" style="display:grid;grid-template-columns:36px minmax(0,1fr)">'
        f'<svg aria-hidden="true" {look};width:36px">{"".join(names)}</svg>'
        f'<svg role="img" aria-label="{escape(alt)}" {look};width:100%;cursor:pointer;touch-action:manipulation">'
        f'<rect width="100%" height="{height:.0f}" fill="currentColor" opacity=".04"/>'
        f'<g stroke="currentColor" opacity=".2">{"".join(lines)}</g><g class="dlm-notes">{"".join(rects)}</g>'
        f'{"".join(times)}<line class="dlm-now" y2="{height:.0f}" stroke-width="2"/></svg></div>'
    )


def legend(parts: list[str]) -> str:
    """Which color is which part; empty for parts without names."""
    mark = '<span aria-hidden="true" style="color:{}">■</span> {}'
    words = [mark.format(COLORS[k % len(COLORS)], escape(name)) for k, name in enumerate(parts)]
    return f'<p class="dlm-score-parts">{" &ensp; ".join(words)}</p>' if words else ""


def _ticks(seconds: float) -> list[float]:
    """At most seven round times that have room for their numbers."""
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 3600) if seconds / step <= 7)
    return [float(t) for t in np.arange(0, seconds - step / 4, step)]
