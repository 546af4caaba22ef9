"""How large a figure's text may be on a phone: as large as fits, and the figure no narrower than lets one read it.

A figure that fills a desktop's column is drawn at half its size on a phone, its text with it. The book's style sheet
gives the text of such a figure the size found here, which is a size in the figure's own units.
"""

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from matplotlib.font_manager import FontProperties, findfont, get_font

COLUMN = 345  # px: what a phone leaves to a figure
SMALLEST = 8.3  # px: what one can still read
_STEP = 0.25
_ROOT = re.compile(r'<svg[^>]* viewBox="0 0 ([\d.]+) ([\d.]+)"')
_TEXT = re.compile(r'<text style="([^"]*)"([^>]*)>([^<]*)</text>')
_SIZE = re.compile(r"font-size: *([\d.]+)px")
_ANCHOR = re.compile(r"text-anchor: *(\w+)")
_PLACE = re.compile(r' x="([-\d.]+)" y="([-\d.]+)"')
_MOVED = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\)")
_TURNED = re.compile(r"rotate\(([-\d.]+)")
_LEGEND = re.compile(r'<g id="legend_\d+">(.*?)(?:<g id="axes_|</svg>)', re.DOTALL)
_MARK = re.compile(r'<use [^>]* x="([-\d.]+)" y="([-\d.]+)"')
_STYLE = re.compile(r"--dlm-text:([\d.]+)px;--dlm-least:(\d+)px")
_LINE = re.compile(r'<path d="M ([-\d.]+) ([-\d.]+) \nL ([-\d.]+) ([-\d.]+) \n"')


class Text(NamedTuple):
    """One line of text of a figure: where it is tied, and how it is set."""

    words: str
    size: float
    anchor: str  # start, middle or end
    x: float
    y: float
    turned: float  # degrees, clockwise


def fit(svg: str) -> tuple[float, float] | None:
    """The size of a figure's text on a phone, and the figure's least width there.

    Parameters
    ----------
    svg : a figure as matplotlib writes it with ``svg.fonttype`` "none"

    Returns
    -------
    size : of all text, in the figure's units: the largest at which none leaves the figure or runs into another
    least : the width in px below which that text would be too small to read
    None where the figure is so narrow that its text is large enough as it is, or has none.
    """
    root = _ROOT.search(svg)
    assert root is not None  # matplotlib writes the size into every figure
    width, height = (float(n) for n in root.groups())
    texts = list(_texts(svg))
    wanted = 10 * width / COLUMN
    if not texts or min(text.size for text in texts) >= wanted:
        return None
    sizes = np.array([text.size for text in texts])
    handles = _handles(svg)
    out, met = _conflicts(_boxes(texts, sizes), handles, width, height)  # as it is drawn

    def fits(size: float) -> bool:
        leaves, meets = _conflicts(_boxes(texts, size), handles, width, height)
        return bool((leaves <= np.maximum(out, 0.5)).all()) and not (meets & ~met).any()

    size = next(filter(fits, np.arange(wanted, sizes.min(), -_STEP)), sizes.min())
    return round(float(size), 2), round(SMALLEST * width / size)


def style(svg: str) -> str:
    """What :func:`fit` finds, as the custom properties that the style sheet asks for; empty where it finds nothing."""
    fitted = fit(svg)
    return f"--dlm-text:{fitted[0]}px;--dlm-least:{fitted[1]}px" if fitted else ""


def alike(frames: str) -> str:
    """Give all figures of a slider the size that fits each of them, so that text does not jump as it is moved."""
    found = [(float(size), int(least)) for size, least in _STYLE.findall(frames)]
    if not found:
        return frames
    size, least = min(size for size, _ in found), max(least for _, least in found)
    return _STYLE.sub(f"--dlm-text:{size}px;--dlm-least:{least}px", frames)


def _texts(svg: str) -> Iterator[Text]:
    for style, place, words in _TEXT.findall(svg):
        at, size = _PLACE.search(place) or _MOVED.search(place), _SIZE.search(style)
        assert at is not None and size is not None  # matplotlib writes both for every text
        anchor, turned = _ANCHOR.search(style), _TURNED.search(place)
        angle = float(turned[1]) if turned else 0.0
        yield Text(words, float(size[1]), anchor[1] if anchor else "start", float(at[1]), float(at[2]), angle)


def _handles(svg: str) -> np.ndarray:
    """The boxes of the lines and marks that stand before the entries of a legend, shape (handles, 4)."""
    legends = "".join(_LEGEND.findall(svg))
    lines = [[float(n) for n in line] for line in _LINE.findall(legends)]
    marks = [[float(n) for n in mark] for mark in _MARK.findall(legends)]
    boxes = [(x, y - 1, u, v + 1) for x, y, u, v in lines] + [(x - 3, y - 3, x + 3, y + 3) for x, y in marks]
    return np.array(boxes).reshape(-1, 4)


def _boxes(texts: list[Text], size: float | np.ndarray) -> np.ndarray:
    """Left, top, right and bottom of each text's ink at a size, or at one for each; shape (texts, 4).

    A little more than the ink takes in most typefaces.
    """
    x, y = np.array([(text.x, text.y) for text in texts]).T
    length = size * np.array([_length(text.words) for text in texts])
    start = -length * np.array([{"start": 0, "middle": 0.5, "end": 1}[text.anchor] for text in texts])
    corners = np.stack([start + k * length for k in (0, 1, 0, 1)]), size * np.array([-0.74, -0.74, 0.2, 0.2])[:, None]
    angle = np.deg2rad([text.turned for text in texts])
    across = x + corners[0] * np.cos(angle) - corners[1] * np.sin(angle)
    down = y + corners[0] * np.sin(angle) + corners[1] * np.cos(angle)
    return np.stack([across.min(0), down.min(0), across.max(0), down.max(0)], axis=1)


@cache
def _length(words: str) -> float:
    """How long a line is, in units of its size, a little below matplotlib's own typeface, which is a wide one."""
    font = get_font(findfont(FontProperties()))
    font.set_size(100, 72)
    font.set_text(html.unescape(words))
    return font.get_width_height()[0] / 64 / 100 * 0.95


def _conflicts(boxes: np.ndarray, handles: np.ndarray, width: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    """How far each text leaves the figure, shape (texts,), and which other text or handle it meets, in columns."""
    leaves = np.concatenate([-boxes[:, :2], boxes[:, 2:] - [width, height]], axis=1).max(axis=1)
    others = np.concatenate([boxes, handles])
    shared = np.minimum(boxes[:, None, 2:], others[None, :, 2:]) - np.maximum(boxes[:, None, :2], others[None, :, :2])
    meets = (shared > [-1.0, 0.5]).all(axis=2)  # words need a space between them, and lines none
    np.fill_diagonal(meets, False)
    return leaves, meets
