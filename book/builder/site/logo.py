"""Draw the logo: on the left one period of a sound, on the right its spectrum.

The curve is the sum of the four sines whose amplitudes the bars show, so the drawing is the first idea of the course.
`python -m book.builder.site.logo` writes `logo.svg`, `logo-dark.svg`, `favicon.svg` to `_static`, each the same bytes.
"""

from __future__ import annotations

import math
from pathlib import Path

AMPLITUDES = (0.85, 1.0, 0.5, 0.2)
PERIODS = 1.0
SIZE = 64
STATIC = Path(__file__).resolve().parents[2] / "pages" / "_static"

# The sound blue and its spectrum orange, as in every figure (musiclib.plot: SIGNAL, ACCENT).
LIGHT = ("#2f80c8", "#d97f12")
DARK = ("#5fa8e6", "#f0a543")


def wave(time: float) -> float:
    """The sound at `time` periods."""
    return sum(a * math.sin(2 * math.pi * (k + 1) * time) for k, a in enumerate(AMPLITUDES))


def curve(left: float, right: float, height: float, points: int = 72) -> str:
    """The path of the wave from `left` to `right`, at most `height` from the middle line."""
    times = [PERIODS * i / points for i in range(points + 1)]
    peak = max(abs(wave(time)) for time in times)
    steps = [
        f"{left + (right - left) * i / points:.2f} {SIZE / 2 - height * wave(time) / peak:.2f}"
        for i, time in enumerate(times)
    ]
    return "M" + "L".join(steps)


def bars(left: float, gap: float, height: float) -> str:
    """The path of the spectrum: a bar a harmonic, as long as its amplitude."""
    middle = SIZE / 2
    return "".join(
        f"M{left + gap * k:.2f} {middle - height * a:.2f}V{middle + height * a:.2f}" for k, a in enumerate(AMPLITUDES)
    )


def mark(colors: tuple[str, str], *, width: float = 3.2, style: str = "") -> str:
    sound, spectrum = colors
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" '
        'role="img" aria-label="A sound and its spectrum">'
        f"{style}"
        f'<g fill="none" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round">'
        f'<path class="sound" stroke="{sound}" d="{curve(3, 33, 23)}"/>'
        f'<path class="spectrum" stroke="{spectrum}" d="{bars(40.5, 6.6, 23)}"/>'
        "</g></svg>\n"
    )


def drawings() -> dict[str, str]:
    """File name to content."""
    dark_tab = (
        f"<style>@media (prefers-color-scheme: dark){{.sound{{stroke:{DARK[0]}}}.spectrum{{stroke:{DARK[1]}}}}}</style>"
    )
    return {
        "logo.svg": mark(LIGHT),
        "logo-dark.svg": mark(DARK),
        "favicon.svg": mark(LIGHT, width=4.2, style=dark_tab),
    }


if __name__ == "__main__":
    STATIC.mkdir(exist_ok=True)
    for name, svg in drawings().items():
        (STATIC / name).write_text(svg, encoding="utf8")
