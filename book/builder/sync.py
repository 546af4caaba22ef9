"""Bring each chapter's two files into step, and the repository's address into its set-up cell.

The Markdown file is the source and wins, unless only the notebook has changed since the two were last in step: then
the Markdown file is written from it. Where both have changed, nothing is written and the author decides. What they were
when last in step is noted in the notebook as a hash of their content, so that neither time stamps nor commits matter.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat

from book.builder.chapters import BookError, Chapter, find_chapters, not_listed, repository_url
from book.builder.pairs import FORMAT, content, lasting_metadata, parse_markdown, parse_notebook
from book.builder.run.stamps import write_atomically

ROOT = Path(__file__).resolve().parents[2]
HEADER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
ADDRESS = re.compile(r"git\+https?://[^\s\"'@#]+")


def with_address(source: str, url: str) -> str:
    """A set-up cell that installs from `url`, whatever address stood there; a `.git`, branch or tag after it stays."""
    return ADDRESS.sub(lambda found: f"git+{url}" + (".git" if found[0].endswith(".git") else ""), source)


def set_address(notebook: Any, url: str) -> Any:
    for cell in notebook.cells:
        if "setup" in cell.metadata.get("tags", []):
            cell.source = with_address(cell.source, url)
    return notebook


def committed(root: Path, path: Path) -> str | None:
    """The file as it is in the last commit; None where there is none, or no git."""
    name = path.relative_to(root).as_posix()
    try:
        shown = subprocess.run(["git", "show", f"HEAD:./{name}"], cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return shown.stdout.decode() if shown.returncode == 0 else None


def content_mark(notebook: Any) -> str:
    """A hash of what the two files of a pair share, wherever the set-up cell installs from."""
    shared = [(kind, ADDRESS.sub("", source), metadata) for kind, source, metadata in content(notebook)]
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:16]


def last_in_step(root: Path, chapter: Chapter, notebook: Any) -> str | None:
    """The mark of the content that the pair had when it was last in step; None where nobody noted it."""
    if "synced" not in notebook.metadata.get("musiclib", {}):  # an editor dropped the note; the last commit may have it
        before = committed(root, chapter.notebook)
        notebook = parse_notebook(before, chapter.notebook.name) if before else notebook
    return notebook.metadata.get("musiclib", {}).get("synced")


def notebook_text(source: Any) -> str:
    """The notebook made of a parsed Markdown file: no outputs, nothing of this machine, the same each time."""
    cells = []
    seen: dict[str, int] = {}
    for cell in source.cells:
        # An id made of the content stays when other cells come and go, so that a change shows as a small difference.
        base = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[base] = seen.get(base, 0) + 1
        made = {
            "cell_type": cell.cell_type,
            "id": base if seen[base] == 1 else f"{base}-{seen[base]}",
            "metadata": lasting_metadata(cell.metadata),
            "source": cell.source,
        }
        cells.append(made | ({"execution_count": None, "outputs": []} if cell.cell_type == "code" else {}))
    notebook = {
        "cells": cells,
        "metadata": {
            "jupytext": {"formats": "ipynb,md:myst"},  # JupyterLab with jupytext then saves both files
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "musiclib": {"synced": content_mark(source)},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return nbformat.writes(nbformat.from_dict(notebook)) + "\n"


def markdown_text(notebook: Any, before: str, header: Any) -> str:
    """The Markdown file made of a notebook, under the header that the file had `before`, character by character."""
    import jupytext

    cells = [nbformat.from_dict({**cell, "metadata": lasting_metadata(cell.metadata)}) for cell in notebook.cells]
    made = jupytext.writes(nbformat.v4.new_notebook(cells=cells, metadata=header), fmt=FORMAT)
    kept = HEADER.match(before)
    return (kept[0] if kept else "") + HEADER.sub("", made, count=1)


def source_with_address(text: str, source: Any, url: str) -> str:
    """The Markdown text with the address put in its set-up cell, and not a character changed elsewhere."""
    for cell in source.cells:
        if "setup" in cell.metadata.get("tags", []):
            text = text.replace(cell.source, with_address(cell.source, url))
    return text


def write_if_new(path: Path, text: str) -> bool:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_atomically(path, text.encode())
    return True


def conflict(chapter: Chapter) -> BookError:
    markdown, notebook = chapter.markdown.name, chapter.notebook.name
    return BookError(
        f"{markdown} and {notebook} have both changed since they were last in step, and differently. Nothing was "
        f"written. To keep {markdown}, delete {notebook} and run `make sync`; to keep {notebook}, take {markdown} back "
        f"to what it was (`git restore notebooks/{markdown}`) and run `make sync`."
    )


def sync_chapter(root: Path, chapter: Chapter, url: str) -> list[Path]:
    """Bring one pair into step; return the files that were written."""
    if not chapter.markdown.is_file():
        raise BookError(f"{chapter.markdown} is missing, and book/_toc.yml lists it: write it, or remove the entry.")
    text = chapter.markdown.read_text(encoding="utf-8")
    text = source_with_address(text, parse_markdown(text, chapter.markdown.name), url)
    source = parse_markdown(text, chapter.markdown.name)
    if chapter.notebook.is_file():
        raw = chapter.notebook.read_text(encoding="utf-8")
        notebook = parse_notebook(raw, chapter.notebook.name)
        mark = last_in_step(root, chapter, notebook)
        if content_mark(notebook) not in (content_mark(source), mark):
            if mark is None:  # nobody knows which of the two is newer: the source wins, and the other is put aside
                write_atomically(root / "_build" / "replaced" / chapter.notebook.name, raw.encode())
            elif content_mark(source) != mark:
                raise conflict(chapter)
            else:
                text = markdown_text(set_address(notebook, url), text, source.metadata)
                source = parse_markdown(text, chapter.markdown.name)
    written = [chapter.markdown] if write_if_new(chapter.markdown, text) else []
    return written + ([chapter.notebook] if write_if_new(chapter.notebook, notebook_text(source)) else [])


def main(root: Path = ROOT) -> int:
    status = 0
    try:
        chapters, url = find_chapters(root), repository_url(root)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name in not_listed(root, chapters):
        print(f"note: notebooks/{name} is not in book/_toc.yml and was passed over.")
    for chapter in chapters:
        try:
            for path in sync_chapter(root, chapter, url):
                print(f"wrote {path.relative_to(root)}")
        except BookError as error:
            print(f"error: {error}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(*(Path(argument).resolve() for argument in sys.argv[1:2])))
