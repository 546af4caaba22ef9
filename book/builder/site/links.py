"""Turn the relative links of the repository into the links of the staged site.

Sources are written so that links work on GitHub: a chapter says `../book/pages/glossary.md` or `../data/folder.md`, a
book page says `../../notebooks/03_stft.md`. In the site book pages lie at the root, chapters are notebooks, the cards
of the data sets keep their folder, and what is in none of these (a file of `musiclib`) is in the repository on the web.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

MARKDOWN_LINK = re.compile(
    r"(?<!!)\[(?P<text>[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]\((?P<to>[^()\s]+)(?P<title>\s+\"[^\"]*\")?\)"
)
HTML_LINK = re.compile(r"<a\b(?P<before>[^>]*?)\bhref=\"(?P<to>[^\"]+)\"(?P<after>[^>]*)>(?P<text>.*?)</a>", re.DOTALL)
CODE = re.compile(
    r"(^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\2[`~]*\s*?$|(?<!`)(`+)(?!`).+?(?<!`)\3(?!`))", re.DOTALL | re.MULTILINE
)
PAGES = "book/pages"
NOT_A_PATH = re.compile(r"^([a-z][a-z0-9+.-]*:|//|#|/)", re.IGNORECASE)


@dataclass(frozen=True)
class Links:
    """What a link may point at: chapters and cards that are in this build, and the repository for the rest."""

    chapters: AbstractSet[str]
    repository: str
    branch: str
    cards: AbstractSet[str] = frozenset()

    def target(self, to: str, folder: str, *, html: bool) -> str | None:
        """Where `to`, written in a file of `folder` (such as `book/pages`), leads in the site; None: nowhere."""
        path, mark, fragment = to.partition("#")
        source = posixpath.normpath(posixpath.join(folder, path))
        stem, suffix = posixpath.splitext(source)
        here = "." if folder == PAGES else folder
        if source == "data/README.md" and self.cards:
            source, stem = f"{PAGES}/data/index.md", f"{PAGES}/data/index"
        if stem.startswith("notebooks/") and suffix in {".md", ".ipynb", ".html"}:
            if stem.removeprefix("notebooks/") not in self.chapters:
                return None
            place = f"{stem}.{'html' if html else 'ipynb'}"
        elif source.startswith(f"{PAGES}/") or (stem.removeprefix("data/") in self.cards and suffix == ".md"):
            place = source.removeprefix(f"{PAGES}/")
            if html and suffix == ".md":
                place = f"{posixpath.splitext(place)[0]}.html"
        else:
            return f"{self.repository}/blob/{self.branch}/{source}{mark}{fragment}"
        return posixpath.relpath(place, here) + mark + fragment

    def rewrite(self, text: str, folder: str) -> str:
        """`text`, Markdown with HTML in it, with every relative link outside code rewritten."""
        parts = []
        end = 0
        for code in CODE.finditer(text):
            parts += [self._prose(text[end : code.start()], folder), code.group(0)]
            end = code.end()
        return "".join([*parts, self._prose(text[end:], folder)])

    def rewrite_html(self, text: str, folder: str) -> str:
        """The same for the HTML that a cell has shown."""

        def html_link(match: re.Match[str]) -> str:
            if NOT_A_PATH.match(match["to"]):
                return match.group(0)
            to = self.target(match["to"], folder, html=True)
            return (
                match["text"] if to is None else f'<a{match["before"]}href="{to}"{match["after"]}>{match["text"]}</a>'
            )

        return HTML_LINK.sub(html_link, text)

    def _prose(self, text: str, folder: str) -> str:
        def markdown_link(match: re.Match[str]) -> str:
            if NOT_A_PATH.match(match["to"]):
                return match.group(0)
            to = self.target(match["to"], folder, html=False)
            return match["text"] if to is None else f"[{match['text']}]({to}{match['title'] or ''})"

        return self.rewrite_html(MARKDOWN_LINK.sub(markdown_link, text), folder)
