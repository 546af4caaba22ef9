"""The built book as files: links that lead somewhere, nothing loaded from elsewhere, pages that are not heavy."""

import functools
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

from built_book import built_site, every_page

from musiclib import datasets

MAX_BYTES = 3_000_000


class References(HTMLParser):
    """The ids of a page and what it points at."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links, self.sources = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.add(values.get("id") or values.get("name"))
        if tag == "a":
            self.links.append(values.get("href") or "")
        if tag in {"script", "img", "audio", "source", "iframe", "video"} and values.get("src"):
            self.sources.append(values["src"])
        if tag == "link":
            self.sources.append(values["href"])
        self.sources += re.findall(r'"([^"]+)"', values.get("data-sources") or "")


def is_elsewhere(link: str) -> bool:
    return bool(re.match(r"[a-z][a-z0-9+.-]*:|//", link))


@every_page
def test_links_inside_the_book_lead_somewhere(page):
    site = built_site()
    references = References(site / page)
    ids = functools.cache(lambda path: References(path).ids)
    for link in references.links + references.sources:
        path, fragment = urldefrag(link)
        if is_elsewhere(link) or link == "#":
            continue
        target = ((site / page).parent / unquote(path.split("?")[0])).resolve() if path else site / page
        assert target.is_file(), f"{page} points at {link}"
        if fragment and target.suffix == ".html":
            assert unquote(fragment) in ids(target), f"{page} points at {link}"


@every_page
def test_nothing_is_loaded_from_elsewhere_and_the_page_is_light(page):
    site = built_site()
    references = References(site / page)
    assert [source for source in references.sources if is_elsewhere(source) and not source.startswith("data:")] == []
    heavy = {
        source.split("?")[0] for source in references.sources if re.search(r"\.(mp3|flac|wav|ogg|png|webp|svg)", source)
    }
    files = [(site / page).parent / source for source in heavy if not source.startswith("data:")]
    size = (site / page).stat().st_size + sum(file.stat().st_size for file in files)
    assert size <= MAX_BYTES, f"{page} with its sounds and pictures has {size / 1e6:.2f} MB"


def test_every_data_set_has_its_card_on_a_page_that_the_table_leads_to():
    data = built_site() / "data"
    links = {link.split("#")[0] for link in References(data / "index.html").links}
    for name in datasets.REGISTRY:
        assert f"{name}.html" in links
        card = (data / f"{name}.html").read_text(encoding="utf-8")
        for heading in ("Source", "License", "Citation", "Size", "Splits", "Pitfalls"):
            assert f"<strong>{heading}.</strong>" in card, f"data/{name}.html does not show {heading}"
