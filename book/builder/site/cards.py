"""The pages of the data sets: each card of `data/` as it stands, and one page with a table of all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from book.builder.chapters import BookError
from book.builder.site.report import cell, table

HEAD = ("From", "Items", "Label", "Group", "License")
PAGE = "data/index"  # the page with the table: data/README.md in the repository
OVERVIEW = "<!-- table of the cards -->"  # where data/README.md has it in the book


class CardError(BookError):
    """A card that cannot be shown; the message says which and what it lacks."""


def sources(root: Path) -> list[Path]:
    """The cards in the order of their names, and before them the text around the table."""
    readme, folder = root / "data" / "README.md", root / "data"
    cards = sorted(path for path in folder.glob("*.md") if path != readme)
    return [readme, *cards] if readme.is_file() else []


def pages(root: Path) -> dict[str, str]:
    """The pages of the site that are made from `data/`, as Markdown: the table first."""
    found = sources(root)
    if not found:
        return {}
    readme, *cards = found
    texts = {path.stem: path.read_text(encoding="utf-8") for path in cards}
    text = readme.read_text(encoding="utf-8")
    if OVERVIEW not in text:
        raise CardError(f"{readme} has no line {OVERVIEW}, where the table of the data sets goes.")
    made = {f"{PAGE}.md": text.replace(OVERVIEW, overview(texts))}
    return made | {f"data/{name}.md": card for name, card in texts.items()}


def overview(cards: Mapping[str, str]) -> str:
    """A table with a row a card: what it is, and what its own table says."""
    rows = []
    for name, text in cards.items():
        facts = facts_of(name, text)
        rows.append([f"[{name}]({name}.md)", cell(what(name, text)), *(cell(facts[head]) for head in HEAD)])
    # What needs no download first, then by where the sets come from.
    rows.sort(key=lambda row: (not row[2].startswith("music21"), row[2], row[0]))
    return table(["Name", "What", *HEAD[1:]], [[*row[:2], *row[3:]] for row in rows])


def what(name: str, text: str) -> str:
    """The first sentence of a card, without what comes after a colon."""
    paragraphs = [p for p in text.split("\n\n") if p.strip() and not p.startswith("#")]
    if not paragraphs:
        raise CardError(f"data/{name}.md says nothing.")
    sentence = re.split(r"(?<=[.])\s|:\s", " ".join(paragraphs[0].split()), maxsplit=1)[0]
    return sentence.rstrip(".:")


def facts_of(name: str, text: str) -> dict[str, str]:
    """What the table at the top of a card says."""
    rows = [
        [c.strip() for c in line.strip().strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    if len(rows) < 3 or tuple(rows[0]) != HEAD or len(rows[2]) != len(HEAD):
        raise CardError(f"data/{name}.md has no table with the columns {', '.join(HEAD)} and one row below its text.")
    return dict(zip(HEAD, rows[2], strict=True))
