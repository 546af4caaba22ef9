"""A score engraved by verovio as small SVG, with the place of every notehead.

Verovio's own SVG names every group, repeats its glyphs in every drawing and styles itself with rules for the whole
page. Here nothing keeps a name but the noteheads, all drawings of a score share one set of glyphs, and ink is the
page's text color.
"""

import re
from html import escape
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import music21 as m21

from musiclib.symbolic import ScoreError

_SCALE = 40  # percent: four spaces of a staff take 29 px
_MARGIN = 20
_NAMES = re.compile(r"<(part-name|part-abbreviation)\b[^>]*>[^<]*</\1>")
_NUMBER = re.compile(r"-?[\d.]+")
_LINE = re.compile(r"M(-?\d+) (-?\d+) L(-?\d+) (-?\d+)")
_PLACED = re.compile(r"translate\(([-\d.]+), ([-\d.]+)\)(?: scale\(([-\d.]+), ([-\d.]+)\))?")
_LOOK = {
    **dict.fromkeys(("tempo", "ending", "fing", "reh"), ("font-weight", "bold")),
    **dict.fromkeys(("dir", "dynam", "mNum"), ("font-style", "italic")),
}
# The notes of metronome marks are set in verovio's own typeface, which the page does not have.
_METRONOME = str.maketrans({"\ueca3": "𝅗𝅥", "\ueca5": "♩", "\ueca7": "♪", "\ueca9": "𝅘𝅥𝅯", "\uecb7": "."})


class System(NamedTuple):
    """Where a line of music stands, in the drawing's units."""

    left: int
    top: int
    right: int
    bottom: int


class Notehead(NamedTuple):
    """A note as written: the id that the score gave it, its left edge, and the index of its system."""

    id: str
    x: int
    system: int


class Drawing(NamedTuple):
    """Staff notation for one width."""

    svg: str
    systems: list[System]
    noteheads: list[Notehead]  # in the order in which the SVG has them


class Glyphs:
    """The glyphs that the drawings of one score share, under names that no other score on the page has."""

    def __init__(self, prefix: str):
        self._prefix = prefix
        self._paths: dict[str, str] = {}

    def name(self, glyph: str, scale: tuple[str, str], paths: dict[str, str]) -> str:
        """What to call a glyph at a scale."""
        drawn = f'transform="scale({scale[0]},-{scale[1]})" d="{paths[glyph]}"'
        return self._paths.setdefault(drawn, f"{self._prefix}-{len(self._paths)}")

    def svg(self) -> str:
        """An SVG that is not seen and holds them."""
        paths = "".join(f'<path id="{name}" {drawn}/>' for drawn, name in self._paths.items())
        return f'<svg aria-hidden="true" width="0" height="0" style="position:absolute"><defs>{paths}</defs></svg>'


def musicxml(score: m21.stream.Score) -> str:
    """The score as MusicXML, in which notes keep their ids.

    Raises
    ------
    ScoreError
        If music21 cannot write it.
    """
    try:
        return m21.musicxml.m21ToXml.GeneralObjectExporter(score).parse().decode()
    except Exception as error:  # music21 raises many kinds
        raise ScoreError(
            f"The score cannot be written as MusicXML, which verovio draws ({type(error).__name__}: {error})."
        ) from error


def engrave(xml: str, width: int, glyphs: Glyphs, alt: str, *, labels: bool = True, growth: float = 1.0) -> Drawing:
    """Staff notation for a column of so many px.

    Parameters
    ----------
    xml : from :func:`musicxml`
    width : px
    glyphs : of this score, shared by its drawings
    alt : what it shows, for a reader who cannot see it
    labels : whether the staves are named
    growth : how much wider it may become in a wider column

    Raises
    ------
    ScoreError
        If verovio cannot draw it.
    """
    paths, root = _parts(_verovio(xml if labels else _NAMES.sub(r"<\1/>", xml), width))
    music = _child(root, "g[@class='page-margin']")
    systems: list[System] = []
    noteheads: list[Notehead] = []
    for system in music.iter("g"):
        if system.get("class") == "system":
            noteheads += [_notehead(note, len(systems)) for note in system.iter("g") if note.get("class") == "note"]
            systems.append(_extent(system))
    if not noteheads:
        raise ScoreError("verovio found no notes in the score: expected measures with notes in them.")
    across, down = (int(n) for n in _NUMBER.findall(root.attrib["viewBox"])[2:])
    across = max(across, max(s.right for s in systems) + 4 * _MARGIN)  # a measure may be wider than the column
    drawn = _slim(music, glyphs, paths)[0]
    drawn.append(Element("line", {"class": "dlm-now", "stroke-width": "50"}))
    look = 'fill="currentColor" stroke="currentColor" font-family="Times New Roman,Times,Liberation Serif,serif"'
    inside = ElementTree.tostring(drawn, encoding="unicode").replace(" />", "/>")
    size = f'viewBox="0 0 {across} {down}" style="max-width:{across * _SCALE / 1000 * growth:.0f}px"'
    return Drawing(f'<svg role="img" aria-label="{escape(alt)}" {size} {look}>{inside}</svg>', systems, noteheads)


def _verovio(xml: str, width: int) -> str:
    import verovio  # takes half a second that only pages with scores should pay

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            **{"scale": _SCALE, "pageWidth": round(width * 100 / _SCALE), "pageHeight": 60_000},
            **{f"pageMargin{side}": _MARGIN for side in ("Left", "Right", "Top", "Bottom")},
            **{"header": "none", "footer": "none", "smuflTextFont": "none", "expandNever": True},
            **{"adjustPageHeight": True, "svgViewBox": True, "svgRemoveXlink": True, "svgFormatRaw": True},
            **{"spacingStaff": 8, "spacingSystem": 8, "mnumInterval": 0, "xmlIdSeed": 1},
        }
    )
    if not toolkit.loadData(xml):
        raise ScoreError("verovio cannot draw this score: it does not take the MusicXML that music21 writes for it.")
    if toolkit.getPageCount() != 1:
        raise ScoreError("The score is too long to be drawn on one page. Choose an excerpt with seconds=.")
    return toolkit.renderToSVG(1)


def _parts(svg: str) -> tuple[dict[str, str], Element]:
    """The paths of verovio's glyphs by name, and the music itself."""
    root = ElementTree.fromstring(re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg))
    glyphs = [g for g in root.iter("g") if g.find("path") is not None]
    return {g.get("id", ""): _child(g, "path").attrib["d"] for g in glyphs}, _child(root, "svg")


def _child(parent: Element, path: str) -> Element:
    """The one that verovio always draws there."""
    found = parent.find(path)
    assert found is not None, path
    return found


def _read(pattern: re.Pattern[str], element: Element, name: str) -> re.Match[str]:
    """An attribute that verovio always writes in this form."""
    found = pattern.match(element.attrib[name])
    assert found is not None, element.attrib[name]
    return found


def _notehead(note: Element, system: int) -> Notehead:
    place = _read(_PLACED, _child(note, "g[@class='notehead']/use"), "transform")
    return Notehead(note.attrib["id"], round(float(place[1])), system)


def _extent(system: Element) -> System:
    """From the lines of its staves."""
    staves = [e for g in system.iter("g") if g.get("class") == "staff" for e in g.findall("path")]
    lines = [[int(n) for n in _read(_LINE, e, "d").groups()] for e in staves]
    left, top, right, bottom = zip(*lines, strict=True)
    return System(min(left), min(top), max(right), max(bottom))


def _slim(element: Element, glyphs: Glyphs, paths: dict[str, str]) -> list[Element]:
    """What of an element is seen, without the groups that only name it."""
    kind = element.get("class", "").split()
    if element.tag in ("title", "desc", "style") or "placeholder" in kind:
        return []
    if element.tag == "use":
        x, y, across, down = _read(_PLACED, element, "transform").groups()
        return [Element("use", href=f"#{glyphs.name(element.attrib['href'][1:], (across, down), paths)}", x=x, y=y)]
    if element.tag == "text":
        return _words(element)
    if element.tag != "g":
        element.attrib.pop("id", None)
        element.attrib.pop("class", None)
        return [element]
    children = _joined([kept for child in element for kept in _slim(child, glyphs, paths)])
    if kind[:1] == ["note"]:
        look = {"class": "note"}
    elif kind and kind[0] in _LOOK:
        look = dict([_LOOK[kind[0]]])
    else:
        look = {name: value for name, value in element.attrib.items() if name in ("transform", "font-size")}
    if not look or not children:
        return children
    group = Element("g", look)
    group.extend(children)
    return [group]


def _joined(elements: list[Element]) -> list[Element]:
    """Neighboring lines of one stroke, as the five of a staff are, as one path."""
    found: list[Element] = []
    for element in elements:
        if element.tag == "path":
            element.set("d", _LINE.sub(_line, element.attrib["d"]))
            before = found[-1] if found else None
            plain = set(element.attrib) == {"d", "stroke-width"}
            same = plain and before is not None and before.tag == "path"
            if before is not None and same and {**before.attrib, "d": ""} == {**element.attrib, "d": ""}:
                before.attrib["d"] += element.attrib["d"]
                continue
        found.append(element)
    return found


def _line(match: re.Match[str]) -> str:
    x, y, to_x, to_y = match.groups()
    return f"M{x} {y}H{to_x}" if y == to_y else f"M{x} {y}V{to_y}" if x == to_x else match[0]


def _words(text: Element) -> list[Element]:
    if not "".join(text.itertext()).strip():
        return []
    for part in text.iter():
        part.attrib.pop("id", None)
        part.attrib.pop("class", None)
        if "font-family" in part.attrib:  # verovio's
            del part.attrib["font-family"]
            part.set("font-size", "480px")
            part.text = (part.text or "").translate(_METRONOME)
    text.set("stroke", "none")
    return [text]
