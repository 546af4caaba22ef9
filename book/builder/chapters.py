"""The chapters of the book: which they are, where they lie, what they let one change.

Nothing heavy is imported here, so that a build in which nothing changed is over in a moment.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROFILES = ("smoke", "quick", "full")


class BookError(Exception):
    """Something in the book's files, or in what was asked for, is wrong. The message says what to do."""


@dataclass(frozen=True)
class Cell:
    """What of a notebook's cell matters to the build."""

    kind: str  # "code", "markdown" or "raw"
    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """One chapter: the Markdown source and the notebook paired with it."""

    name: str  # 01_sampling_and_quantization
    markdown: Path
    notebook: Path


def load_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BookError(f"{path} is missing: the build reads it. Restore it from git.") from None
    except yaml.YAMLError as error:
        raise BookError(f"{path} is not valid YAML: {error}") from None


def files_in(toc: Any) -> Iterator[str]:
    """Every `file:` entry of a table of contents, in reading order."""
    if isinstance(toc, dict):
        if "file" in toc:
            yield str(toc["file"])
        for value in toc.values():
            yield from files_in(value)
    elif isinstance(toc, list):
        for entry in toc:
            yield from files_in(entry)


def find_chapters(root: Path) -> list[Chapter]:
    """The chapters in `book/_toc.yml`, in order: the entries under `notebooks/`."""
    path = root / "book" / "_toc.yml"
    found: list[Chapter] = []
    for entry in files_in(load_yaml(path)):
        if not entry.startswith("notebooks/"):
            continue
        base = root / re.sub(r"\.(md|ipynb)$", "", entry)
        chapter = Chapter(base.name, base.parent / f"{base.name}.md", base.parent / f"{base.name}.ipynb")
        if any(other.name == chapter.name for other in found):
            raise BookError(f"{path} lists the chapter {chapter.name} twice: remove one of the entries.")
        found.append(chapter)
    if not found:
        raise BookError(f"{path} lists no chapter: an entry such as `file: notebooks/01_name` was expected.")
    return found


def not_listed(root: Path, chapters: list[Chapter]) -> list[str]:
    """Notebook sources that `_toc.yml` forgets."""
    names = {chapter.name for chapter in chapters}
    return sorted(path.name for path in (root / "notebooks").glob("[0-9]*.md") if path.stem not in names)


def select(chapters: list[Chapter], wanted: list[str]) -> list[Chapter]:
    """The chapters that `wanted` names: `01`, `01_name`, `01_name.md` or a path to one; all of them if empty."""
    if not wanted:
        return chapters
    chosen: set[str] = set()
    for text in wanted:
        name = re.sub(r"\.(md|ipynb)$", "", Path(text).name)
        hits = [c.name for c in chapters if c.name == name or c.name.split("_")[0] == name]
        if len(hits) != 1:
            what = "no chapter" if not hits else "more than one chapter"
            raise BookError(f"--only {text} names {what}. The chapters are: {', '.join(c.name for c in chapters)}.")
        chosen.update(hits)
    return [chapter for chapter in chapters if chapter.name in chosen]


def read_cells(path: Path) -> list[Cell]:
    """The cells of a notebook, read as plain JSON."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [
            Cell(
                cell["cell_type"],
                "".join(cell["source"]),  # a string, or a list of lines
                tuple(cell.get("metadata", {}).get("tags", ())),
            )
            for cell in raw
        ]
    except FileNotFoundError:
        raise BookError(f"{path.name} is missing: run `make sync`, which makes it from {path.stem}.md.") from None
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise BookError(
            f"{path.name} cannot be read as a notebook: delete it and run `make sync`, "
            f"which makes it again from {path.stem}.md."
        ) from None


def declared_parameters(cells: list[Cell]) -> dict[str, Any]:
    """Names and defaults in the one cell tagged `parameters`.

    A default that is no literal is given as the text of its expression.
    """
    tagged = [cell for cell in cells if cell.kind == "code" and "parameters" in cell.tags]
    if len(tagged) != 1:
        raise BookError(
            f"{len(tagged) or 'no'} cell{'s' * (len(tagged) > 1)} tagged `parameters`, and exactly one was expected: "
            "without it, papermill's values would be overridden in silence. Add `:tags: [parameters]` to the cell that "
            'sets `profile = "quick"`.'
        )
    try:
        body = ast.parse(tagged[0].source).body
    except SyntaxError as error:
        raise BookError(f"the cell tagged `parameters` is not plain Python: {error}") from None
    found: dict[str, Any] = {}
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                try:
                    found[target.id] = ast.literal_eval(value)
                except ValueError:
                    found[target.id] = ast.unparse(value)
    if "profile" not in found:
        raise BookError('the cell tagged `parameters` sets no `profile`: a line `profile = "quick"` was expected.')
    return found


def repository_url(root: Path) -> str:
    """The repository's address: in the CI of a fork the fork's own, else `repository.url` of `_config.yml`."""
    server, repository = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    if server and repository:
        return f"{server.rstrip('/')}/{repository}"
    path = root / "_config.yml"
    url = ((load_yaml(path) or {}).get("repository") or {}).get("url")
    if not url:
        raise BookError(f"{path} has no `repository: url:`: the address of the repository was expected there.")
    return str(url).rstrip("/").removesuffix(".git")
