"""The cards of the data sets: what each says, and the pages of the book that are made of them."""

import re
from pathlib import Path

import pytest

from book.builder.chapters import files_in, load_yaml
from book.builder.site import assemble, cards
from book.builder.site.links import Links
from musiclib import datasets

ROOT = Path(__file__).resolve().parents[2]

HEADINGS = ["Source", "License", "Citation", "Size", "Splits", "Pitfalls"]
CARD = """# tunes

Dance tunes: two of them | one sad.

| From | Items | Label | Group | License |
|:--|:--|:--|:--|:--|
| music21 | 2 | dance | tune | CC0 |

**Source.** See [the chapter](../notebooks/07_splits.md), [folder](folder.md), [all](README.md) and
[words](../book/pages/glossary.md#group).
"""


@pytest.fixture
def root(tmp_path):
    """A book with no chapter and two cards."""
    for name in ("book/pages", "data", "build"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data" / "README.md").write_text(f"# Data sets\n\n{cards.OVERVIEW}\n\nSee [tunes](tunes.md).\n")
    (tmp_path / "data" / "tunes.md").write_text(CARD)
    (tmp_path / "data" / "folder.md").write_text(CARD.replace("music21", "yours").replace("# tunes", "# folder"))
    home = "# Home\n\n[tunes](../../data/tunes.md), [all sets](../../data/README.md)\n"
    (tmp_path / "book" / "pages" / "index.md").write_text(home)
    (tmp_path / "book" / "_toc.yml").write_text("root: index\nchapters:\n  - file: data/index\n  - file: glossary\n")
    (tmp_path / "_config.yml").write_text("repository: {}\nsphinx: {}\n")
    return tmp_path


def site(root) -> dict[str, str]:
    files = assemble.site_files(root, root / "build", [], [], "https://example.org/fork")
    return {name: content.decode() for name, content in files.items()}


# ---------------------------------------------------------------- what the cards say


@pytest.mark.parametrize("name", sorted(datasets.REGISTRY))
def test_every_data_set_has_a_card_with_a_table_a_call_and_all_headings(name):
    text = (ROOT / "data" / f"{name}.md").read_text()
    assert text.startswith(f"# {name}\n")
    assert f'datasets.load("{name}"' in text
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, flags=re.MULTILINE) == HEADINGS
    assert all(cards.facts_of(name, text).values()) and len(cards.what(name, text)) < 60


def test_every_card_is_of_a_data_set():
    assert {path.stem for path in cards.sources(ROOT)[1:]} == set(datasets.REGISTRY)


@pytest.mark.parametrize("name", ["gtzan", "irmas", "maestro", "medley_solos_db", "nsynth"])
def test_a_published_set_is_cited_with_its_identifier(name):
    text = (ROOT / "data" / f"{name}.md").read_text()
    citation = text[text.index("**Citation.**") : text.index("**Size.**")]
    assert re.search(r"10\.\d{4,5}/\S+", citation)


def test_numbers_in_a_cards_table_stand_in_its_text():
    for name in datasets.REGISTRY:
        text = (ROOT / "data" / f"{name}.md").read_text()
        said = text[text.index("**Size.**") :] + text[: text.index("|")]
        for number in re.findall(r"\d[\d,.]*\d{2}", cards.facts_of(name, text)["Items"]):
            assert number in said, f"data/{name}.md: {number} in the table, not in the text"


# ---------------------------------------------------------------- the pages


def test_the_book_has_a_page_for_each_card_and_one_with_a_table_of_all(root):
    files = site(root)
    assert {"data/index.md", "data/tunes.md", "data/folder.md"} <= set(files)
    rows = [line for line in files["data/index.md"].splitlines() if line.startswith("| [")]
    assert rows == [
        r"| [tunes](tunes.md) | Dance tunes | 2 | dance | tune | CC0 |",
        r"| [folder](folder.md) | Dance tunes | 2 | dance | tune | CC0 |",
    ]
    assert files["data/tunes.md"].startswith("# tunes\n\nDance tunes: two of them")


def test_links_between_cards_chapters_and_pages_lead_inside_the_book(root):
    files = site(root)
    assert files["index.md"] == "# Home\n\n[tunes](data/tunes.md), [all sets](data/index.md)\n"
    card = files["data/tunes.md"]
    assert "[folder](folder.md), [all](index.md)" in card and "[words](../glossary.md#group)" in card
    assert "See the chapter," in card  # which is not in this build
    assert "See [tunes](tunes.md)." in files["data/index.md"]
    links = Links(frozenset(), "https://example.org/fork", "main", frozenset({"tunes"}))
    assert links.rewrite("[tunes](../data/tunes.md)", "notebooks") == "[tunes](../data/tunes.md)"
    assert (
        links.rewrite('<a href="../data/tunes.md">tunes</a>', "notebooks") == '<a href="../data/tunes.html">tunes</a>'
    )
    assert links.rewrite("[none](../data/none.md)", "notebooks").startswith(
        "[none](https://example.org/fork/blob/main/"
    )


def test_the_contents_list_the_cards_below_the_page_of_all(root):
    toc = {"chapters": [{"file": "data/index"}, {"file": "glossary"}]}
    listed = list(files_in(assemble.with_sections(toc, cards.PAGE, ["data/folder", "data/tunes"])))
    assert listed == ["data/index", "data/folder", "data/tunes", "glossary"]
    assert "data/folder" in site(root)["_toc.yml"]
    assert "data/index" in list(files_in(load_yaml(ROOT / "book" / "_toc.yml")))


def test_a_card_without_a_table_is_named(root):
    path = root / "data" / "tunes.md"
    path.write_text("# tunes\n\nNo table.\n")
    with pytest.raises(cards.CardError, match=r"data/tunes\.md has no table with the columns From, Items, Label"):
        site(root)
    path.write_text("# tunes\n")
    with pytest.raises(cards.CardError, match=r"data/tunes\.md"):
        site(root)
    (root / "data" / "README.md").write_text("# Data sets\n")
    with pytest.raises(cards.CardError, match=r"README\.md has no line <!-- table of the cards -->"):
        site(root)


def test_a_book_without_cards_is_a_book(root):
    for path in (root / "data").iterdir():
        path.unlink()
    assert "data/index.md" not in site(root)
