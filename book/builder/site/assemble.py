"""Put the site together: read book pages, executed chapters and stamps, and say of which files the site consists."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from book.builder.chapters import files_in, load_yaml
from book.builder.site import cards, report, stage
from book.builder.site.links import PAGES, Links

SHOWN_VERSIONS = (
    "numpy",
    "scipy",
    "librosa",
    "soundfile",
    "soxr",
    "music21",
    "symusic",
    "matplotlib",
    "keras",
    "papermill",
    "jupyter-book",
    "sphinx",
)
REPOSITORY = Path(__file__).resolve().parents[3]
HEADING = re.compile(r"^# +(.+?)\s*$", re.MULTILINE)


def site_files(root: Path, build_dir: Path, present: list[str], known: list[str], repository: str) -> dict[str, bytes]:
    """The staged site as a mapping from path to content; `present` of the `known` chapters have been executed."""
    config = staged_config(load_yaml(root / "_config.yml"), root, repository)
    data = cards.pages(root)
    named = [path.stem for path in cards.sources(root)[1:]]
    links = Links(frozenset(present), repository, config["repository"].get("branch", "main"), frozenset(named))
    media: dict[str, bytes] = {}
    notebooks, stamps, dates = {}, {}, {}
    for name in present:
        path = build_dir / "executed" / f"{name}.ipynb"
        stamps[name] = read_stamp(path.with_suffix(".json"))
        dates[name] = executed_on(stamps[name], path)
        notebooks[name] = stage.chapter(read_json(path), stamps[name], links, os.cpu_count() or 1, media)

    files = {f"notebooks/{name}.ipynb": json_bytes(notebook) for name, notebook in notebooks.items()}
    for path in page_sources(root):
        name = path.relative_to(root / PAGES).as_posix()
        if name.startswith("_static/") or path.suffix == ".bib":
            files[name] = path.read_bytes()
        elif path.suffix == ".md":
            text = stage.transclude(name, path.read_text(encoding="utf-8"), notebooks, known, files)
            files[name] = links.rewrite(text, PAGES).encode()
    files |= {name: links.rewrite(text, "data").encode() for name, text in data.items()}
    titles = {name: title(notebook) or name for name, notebook in notebooks.items()}
    files["results.md"] = report.results_page(stamps, titles, parts_of(load_yaml(root / "book" / "_toc.yml"))).encode()
    files["status.md"] = report.status_page(stamps, titles, dates, versions()).encode()
    files |= {f"_static/media/{name}": sound for name, sound in media.items()}
    toc = prune_toc(load_yaml(root / "book" / "_toc.yml"), present)
    files["_toc.yml"] = yaml_bytes(cards.with_cards(toc, named))
    files["_config.yml"] = yaml_bytes(config)
    return files


def staged_config(config: dict[str, Any], root: Path, repository: str) -> dict[str, Any]:
    """The configuration with this repository's address (a fork has its own) and paths that hold from anywhere."""
    config["repository"]["url"] = repository
    extensions = config["sphinx"].get("local_extensions", {})
    config["sphinx"]["local_extensions"] = {name: str(REPOSITORY / path) for name, path in extensions.items()}
    return config


def page_sources(root: Path) -> list[Path]:
    """Everything in `book/pages` that the site is made from."""
    return [path for path in sorted((root / PAGES).rglob("*")) if path.is_file()]


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise stage.StageError(f"{path} cannot be read ({error}): delete it and run make book again.") from error


def read_stamp(path: Path) -> dict[str, Any]:
    stamp = read_json(path)
    missing = {"profile", "seconds"} - set(stamp)
    if missing:
        raise stage.StageError(f"{path} lacks {', '.join(sorted(missing))}: delete it and run make book again.")
    return stamp


def executed_on(stamp: Mapping[str, Any], path: Path) -> str:
    return str(stamp.get("date") or datetime.date.fromtimestamp(path.stat().st_mtime).isoformat())[:10]


def title(notebook: Mapping[str, Any]) -> str | None:
    """A chapter's first heading."""
    texts = (stage.source(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    return next((heading[1] for text in texts if (heading := HEADING.search(text))), None)


def installed(name: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return None


def versions() -> dict[str, str]:
    machine = f"{os.cpu_count()} CPU cores, {platform.system()} on {platform.machine()}"
    packages = {name: version for name in SHOWN_VERSIONS if (version := installed(name))}
    return {"Machine": machine, "Python": platform.python_version(), **packages}


def prune_toc(toc: Any, present: Iterable[str]) -> Any:
    """The table of contents without chapters that are not `present` and without parts that this leaves empty."""
    if isinstance(toc, list):
        entries = [prune_toc(entry, present) for entry in toc]
        return [entry for entry in entries if entry is not None]
    if not isinstance(toc, dict):
        return toc
    file = str(toc.get("file", ""))
    if file.startswith("notebooks/") and file.removeprefix("notebooks/") not in present:
        return None
    kept = {
        key: prune_toc(value, present) if key in {"parts", "chapters", "sections"} else value
        for key, value in toc.items()
    }
    if "chapters" in kept and not kept["chapters"] and "root" not in kept:
        return None
    return kept


def parts_of(toc: Mapping[str, Any]) -> dict[str, str]:
    """The caption of the part that each chapter is in."""
    return {
        file.removeprefix("notebooks/"): str(part.get("caption", "Chapters"))
        for part in toc.get("parts") or [toc]
        for file in files_in(part)
        if file.startswith("notebooks/")
    }


def json_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def yaml_bytes(value: Any) -> bytes:
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False).encode()
