"""What a chapter's executed copy was made from, and whether that is still so.

A chapter runs again when its text, its parameters or the lock have changed, or a file of `musiclib` or `data` that its
last run opened, the modules that it imported among them: the kernel reports them (witness/sitecustomize.py). Contents
are compared, never time stamps: a fresh checkout makes those meaningless.

A file that was not there cannot be opened, and a notebook may only have asked whether it is. So the files that bear the
chapter's name, which its longer runs keep in `data`, count whether it opened them or not, and new ones are seen.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from book.builder.chapters import Chapter

FORMAT = 2  # raise it when the build itself starts to make something else of the same inputs
KEPT = ("data/runs", "data/checkpoints")  # where files lie that bear a chapter's name
Inputs = dict[str, Any]


def content_hash(path: Path) -> str | None:
    """The hash of a file's content; None where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def known_before(root: Path, chapter: Chapter, parameters: dict[str, Any]) -> Inputs:
    """What can be said without running the chapter, in the types that JSON has, for comparison with a stamp's."""
    inputs = {
        "format": FORMAT,
        "text": hashlib.sha256(chapter.markdown.read_text(encoding="utf-8").encode()).hexdigest(),
        "parameters": parameters,
        "lock": content_hash(root / "requirements.lock"),
    }
    return json.loads(json.dumps(inputs, default=repr))


def known_now(root: Path, chapter: Chapter, parameters: dict[str, Any], before: Inputs | None) -> Inputs:
    """The inputs as they are now: what can be said at once, and what the last run, with inputs `before`, told."""
    before = before or {}
    told = {path: content_hash(root / path) for path in before.get("files", {})}
    return {
        **known_before(root, chapter, parameters),
        "files": {**told, **bearing_its_name(root, chapter.name)},
        "backend": None if before.get("backend") is None else backend(),
    }


def known_after(root: Path, name: str, before: Inputs, log: Path, used_keras: bool) -> Inputs:
    """The inputs of a run that has just ended, `log` being what was noted of the files that it opened."""
    return {
        **before,
        "files": {**bearing_its_name(root, name), **opened(log)},
        "backend": backend() if used_keras else None,
    }


def backend() -> str:
    return os.environ.get("KERAS_BACKEND", "")


def bearing_its_name(root: Path, name: str) -> dict[str, str | None]:
    """The files that longer runs of the chapter kept, with their hashes."""
    paths = [path for folder in KEPT for path in sorted((root / folder).glob(f"{name}*")) if path.is_file()]
    return {path.relative_to(root).as_posix(): content_hash(path) for path in paths}


def opened(log: Path) -> dict[str, str | None]:
    """The files that a run opened, with the hash of what it found in them; None for one that was not there.

    What it first wrote by itself is not among them, and neither are the data sets' cards, which are for readers.
    """
    first: dict[str, list[str | None]] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        path, *done = json.loads(line)
        first.setdefault(path, done)
    return {
        path: content
        for path, (what, content) in sorted(first.items())
        if what == "read" and not (path.startswith("data/") and path.endswith(".md"))
    }


def reason(before: Inputs | None, now: Inputs) -> str:
    """Why a chapter runs again, in a few words."""
    if not before:
        return "not yet executed"
    if before.get("format") != now["format"]:
        return "the builder has changed"
    files = before.get("files", {})
    changed = sorted(path for path in {*files, *now["files"]} if files.get(path) != now["files"].get(path))
    reasons = [
        *(["its text changed"] if before.get("text") != now["text"] else []),
        *(["its parameters changed"] if before.get("parameters") != now["parameters"] else []),
        *(["requirements.lock changed"] if before.get("lock") != now["lock"] else []),
        *(["KERAS_BACKEND changed"] if before.get("backend") != now["backend"] else []),
        *(f"{path} {what_happened(files.get(path), now['files'].get(path))}" for path in changed),
    ]
    return "; ".join(reasons)


def what_happened(before: str | None, now: str | None) -> str:
    if before is None:
        return "is new"
    return "is gone" if now is None else "changed"
