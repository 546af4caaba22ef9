"""A chapter's two files, the Markdown source and the notebook, compared by content."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Any

from book.builder.chapters import BookError, Chapter

FORMAT = "md:myst"
PARTS = ("type", "source", "tags or metadata")  # of a cell, in the order of `content`
# What editors write into a cell's metadata by themselves; nothing that a reader or the build sees hangs on it.
VOLATILE = {
    *("ExecuteTime", "colab", "collapsed", "colab_type", "editable", "execution", "executionInfo", "id"),
    *("lines_to_next_cell", "outputId", "papermill", "scrolled", "trusted", "vscode"),
}


def parse_markdown(text: str, name: str) -> Any:
    import jupytext

    try:
        return jupytext.reads(text, fmt=FORMAT)
    except Exception as error:  # jupytext, its Markdown parser and YAML each raise their own kinds
        raise BookError(f"{name} cannot be read as a MyST Markdown notebook: {error}") from error


def parse_notebook(text: str, name: str) -> Any:
    import nbformat

    try:
        return nbformat.reads(text, as_version=4)
    except Exception as error:  # as above: JSON, schema and conversion errors
        raise BookError(
            f"{name} cannot be read as a notebook ({error}): delete it and run `make sync`, "
            f"which makes it again from {Path(name).stem}.md."
        ) from error


def lasting_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """A cell's metadata without what editors leave there."""
    kept = {name: value for name, value in metadata.items() if name not in VOLATILE and value not in ([], {})}
    if "jupyter" in kept:  # JupyterLab writes `false` where nothing at all means the same
        kept["jupyter"] = {name: value for name, value in kept["jupyter"].items() if value}
        if not kept["jupyter"]:
            del kept["jupyter"]
    return kept


def content(notebook: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """What must be the same in both files: each cell's type, source and lasting metadata."""
    return [(cell.cell_type, cell.source.strip("\n"), lasting_metadata(cell.metadata)) for cell in notebook.cells]


def first_line(source: str) -> str:
    return source.strip().split("\n", 1)[0][:80]


def differing_lines(one: str, other: str) -> tuple[str, str]:
    """The first line in which two sources differ, from each."""
    for left, right in zip_longest(one.splitlines(), other.splitlines(), fillvalue=""):
        if left != right:
            return left.strip()[:80], right.strip()[:80]
    return "", ""


def difference(chapter: Chapter) -> str | None:
    """Where the two files of a chapter part, in words; None when they are in step."""
    if not chapter.markdown.is_file():
        return f"{chapter.markdown.name} is missing, and book/_toc.yml lists it: restore it, or remove the entry."
    if not chapter.notebook.is_file():
        return f"{chapter.notebook.name} is missing: run `make sync`, which makes it from {chapter.markdown.name}."
    markdown = content(parse_markdown(chapter.markdown.read_text(encoding="utf-8"), chapter.markdown.name))
    notebook = content(parse_notebook(chapter.notebook.read_text(encoding="utf-8"), chapter.notebook.name))
    names = f"{chapter.markdown.name} and {chapter.notebook.name}"
    for number, (left, right) in enumerate(zip(markdown, notebook, strict=False), start=1):
        if left != right:
            what = next(part for part, one, other in zip(PARTS, left, right, strict=True) if one != other)
            shown = repr(first_line(left[1]))
            if what == "source":
                shown = "{!r} in the first, {!r} in the second".format(*differing_lines(left[1], right[1]))
            return f"{names} are out of step: cell {number} ({shown}) differs in its {what}. Run `make sync`."
    if len(markdown) != len(notebook):
        longer, cells = chapter.markdown.name, markdown
        if len(notebook) > len(markdown):
            longer, cells = chapter.notebook.name, notebook
        number = min(len(markdown), len(notebook)) + 1
        return (
            f"{names} are out of step: they have {len(markdown)} and {len(notebook)} cells, and cell {number} "
            f"({first_line(cells[number - 1][1])!r}) is in {longer} alone. Run `make sync`."
        )
    return None
