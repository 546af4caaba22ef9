"""A matplotlib figure as inline SVG that takes its text color and typeface from the page around it."""

import base64
import io
import itertools
import re
from html import escape

import matplotlib as mpl
import matplotlib.pyplot as plt
from IPython.display import HTML, display
from matplotlib.figure import Figure
from PIL import Image

from musiclib import plot
from musiclib.page import phone

_count = itertools.count()
_FONT = re.compile(r"font: (?:(bold|[1-9]00) )?([\d.]+)px [^;\"]*")  # matplotlib 3.10
_FAMILY = re.compile(r"font-family: [^;\"]*")  # matplotlib 3.11
_STYLE = re.compile(r"<defs>\s*<style[^>]*>\*{([^}]*)}</style>\s*</defs>")
_ID = re.compile(r' id="([^"]*)"')
_PATH = re.compile(r' d="([^"]*)"')
_PNG = re.compile(r'"data:image/png;base64,([^"]+)"')


def show(figure: Figure, alt: str, *, caption: str = "") -> None:
    """Put a figure on the page, and close it.

    Parameters
    ----------
    figure : drawn with :mod:`musiclib.plot`
    alt : what it shows, for a reader who cannot see it
    caption : printed below

    Raises
    ------
    ValueError
        If ``alt`` is empty.
    """
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    display(HTML(f'<figure class="dlm-figure">{to_svg(figure, alt)}{below}</figure>'))
    plt.close(figure)


def to_svg(figure: Figure, alt: str) -> str:
    """The figure as one ``<svg>`` element: text as text, ink in ``currentColor``, pixels as WebP."""
    if not alt.strip():
        raise ValueError("A figure needs alt text: say in a sentence what it shows.")
    # Each figure salts its own ids, since those of a page's inline figures share one name space.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"{alt}{next(_count)}"}):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, dpi=160)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    # Matplotlib's style is for everything, which inline would be the whole page; here it is for this figure.
    strokes = _STYLE.search(svg)
    assert strokes is not None  # matplotlib writes it into every figure
    svg = _STYLE.sub("", svg)
    svg = _FAMILY.sub("font-family:inherit", svg)
    svg = _FONT.sub(lambda m: f"font-weight:{m[1] or 'normal'};font-size:{m[2]}px;font-family:inherit", svg)
    look = f"width:100%;max-width:{110 * figure.get_figwidth():.0f}px;{strokes[1]}"
    on_a_phone = phone.style(svg)
    kind = ' class="dlm-grows"' if on_a_phone else ""  # book/pages/_static/dlm-parts.css says what that does
    svg = svg.replace("<svg ", f'<svg role="img"{kind} aria-label="{escape(alt)}" style="{look};{on_a_phone}" ', 1)
    # Ids that nothing refers to, such as figure_1, would stand on the page once for each figure.
    referred = set(re.findall(r"#([\w-]+)", svg))
    svg = _ID.sub(lambda m: m[0] if m[1] in referred else "", svg)
    svg = svg.replace(plot.INK, "currentColor")
    # A tenth of a point is finer than a screen shows, and a third of the bytes.
    svg = _PATH.sub(lambda m: f' d="{re.sub(r"-?[0-9]+[.][0-9]+", lambda n: f"{float(n[0]):.1f}", m[1])}"', svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    return _PNG.sub(lambda m: f'"data:image/webp;base64,{_to_webp(m[1])}"', svg)


def _to_webp(png: str) -> str:
    """A spectrogram's pixels are as noisy as a photograph: lossy WebP needs a fifth of PNG's bytes."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(png))).save(buffer, "WEBP", quality=72, method=4)
    return base64.b64encode(buffer.getvalue()).decode()
