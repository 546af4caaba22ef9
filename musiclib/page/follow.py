"""A player under a figure of the same sound: a cursor in the figure shows what is being heard."""

import uuid
from collections.abc import Sequence
from html import escape

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from musiclib.page.figure import to_svg
from musiclib.page.sound import data_uri

# Who has asked for less motion gets a cursor that steps with the player's own clock and does not glide.
_SCRIPT = """
(() => {
  const box = document.getElementById("ID"), audio = box.querySelector("audio"), svg = box.querySelector("svg");
  const lines = [...svg.querySelectorAll(".dlm-cursor line")];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let frame = 0;
  const draw = () => {
    for (const line of lines) {
      const { axis, low, high, from, to } = line.dataset;
      const part = (audio.currentTime - low) / (high - low), place = Number(from) + part * (to - from);
      line.style.visibility = part >= 0 && part <= 1 ? "visible" : "hidden";
      line.setAttribute(axis + "1", place);
      line.setAttribute(axis + "2", place);
    }
  };
  const run = () => {
    draw();
    frame = audio.paused || calm.matches ? 0 : requestAnimationFrame(run);
  };
  audio.addEventListener("play", () => { if (!frame) run(); });
  for (const moment of ["timeupdate", "seeking", "seeked", "pause", "ended"]) audio.addEventListener(moment, draw);
  for (const area of svg.querySelectorAll(".dlm-cursor rect")) {
    const { low, high, from, to } = area.dataset;
    area.addEventListener("click", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      audio.currentTime = Math.max(0, Number(low) + ((at.x - from) / (to - from)) * (high - low));
      audio.play().catch(() => {});
    });
  }
  draw();
})();
"""
_STROKES = (("#000", 3.0, 0.55), ("#fff", 1.3, 1.0))  # white in black, to be seen on any map and on any page


def follow(
    figure: Figure,
    y: np.ndarray,
    sr: float,
    alt: str,
    *,
    caption: str = "",
    across: Sequence[Axes] | None = None,
    upward: Sequence[Axes] = (),
    match: bool = True,
) -> None:
    """Put a figure on the page with its sound below it, and a cursor in it that moves while the sound plays.

    A click on an axis with time across plays from there. The player's own controls do the same from the keyboard. It
    needs no kernel and nothing from elsewhere.

    Parameters
    ----------
    figure : drawn with :mod:`musiclib.plot`; closed afterwards
    y : what is heard, shape (N,) or (channels, N); its first sample is at 0 s of the figure
    sr : sampling rate in Hz
    alt : what the figure shows, for a reader who cannot see it
    caption : printed below
    across : axes with time in seconds across, linear; None takes all whose label below begins with "time"
    upward : axes with time in seconds upward or downward, as an attention map has: there the cursor lies flat
    match : bring the sound to the loudness of all other players

    Raises
    ------
    ValueError
        If ``alt`` is empty, or no axis shows time.
    AudioError
        If ``y`` is empty or holds NaN.
    """
    if across is None:
        across = [ax for ax in figure.axes if ax.get_xlabel().startswith("time")]
    if not (len(across) or len(upward)):
        raise ValueError('No axis of this figure shows time: expected a label "time (s)", or axes in across=.')
    source = data_uri(y, sr, match=match)
    svg = to_svg(figure, alt)  # which settles where the axes lie
    cursors = [_cursor(figure, ax, "x") for ax in across] + [_cursor(figure, ax, "y") for ax in upward]
    plt.close(figure)
    svg = svg.removesuffix("</svg>") + f'<g class="dlm-cursor" aria-hidden="true">{"".join(cursors)}</g></svg>'
    identity = f"dlm-{uuid.uuid4().hex[:8]}"
    seconds = f"{np.shape(y)[-1] / sr:.2f}"
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    display(
        HTML(
            f'<figure class="dlm-figure dlm-follow" id="{identity}">{svg}'
            f'<audio controls preload="none" style="width:100%" aria-label="the sound of this figure" '
            f'data-seconds="{seconds}" src="{source}"></audio>{below}'
            f"<script>{_SCRIPT.replace('ID', identity, 1)}</script></figure>"
        )
    )


def _cursor(figure: Figure, ax: Axes, axis: str) -> str:
    """The lines of one cursor, in points from the figure's upper left corner, with what moves them; where it is
    upright, also the area that hears a click."""
    width, height = 72 * figure.get_size_inches()
    (left, bottom), (right, top) = ax.get_position().get_points()
    x, y = (left * width, right * width), ((1 - bottom) * height, (1 - top) * height)
    (start, end), (side, far) = (x, sorted(y)) if axis == "x" else (y, x)
    low, high = ax.get_xlim() if axis == "x" else ax.get_ylim()
    other = "y" if axis == "x" else "x"
    place = f'{axis}1="{start:.1f}" {axis}2="{start:.1f}" {other}1="{side:.1f}" {other}2="{far:.1f}"'
    moved = f'data-low="{low:.4f}" data-high="{high:.4f}" data-from="{start:.1f}" data-to="{end:.1f}"'
    lines = "".join(
        f'<line {place} data-axis="{axis}" {moved} stroke="{color}" stroke-width="{stroke}" opacity="{opacity}"/>'
        for color, stroke, opacity in _STROKES
    )
    if axis == "y":
        return lines
    area = f'x="{start:.1f}" y="{side:.1f}" width="{end - start:.1f}" height="{far - side:.1f}"'
    return lines + f'<rect {area} {moved} fill="transparent" style="cursor:pointer"/>'
