"""Executed copies and their stamps: written whole or not at all, and trusted only when both agree.

A stamp says what an executed copy was made from (its inputs), what it measured, and the hash of the copy itself. The
copy is written first and the stamp last, so a build killed in between leaves a chapter that simply runs again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from book.builder.chapters import BookError
from musiclib import files

NO_SPACE = "No space left on the disk while writing {path}. What was finished is kept: make room and run again."
IN_RESULTS = ("profile", "seconds", "peak_mb", "backend", "reference", "findings", "agreements", "figures")


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Say of an error while `path` is written what it means for the build."""
    try:
        yield
    except OSError as error:
        if files.disk_is_full(error):
            raise BookError(NO_SPACE.format(path=path)) from error
        raise BookError(f"Could not write {path}: {error.__cause__ or error}. What was finished is kept.") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write all of `data` to `path`, or leave `path` as it was."""

    def write(part: str) -> None:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    with named(path):
        files.write_whole(path, write)


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, (json.dumps(value, indent=1, ensure_ascii=False, default=repr) + "\n").encode())


def remove_leftovers(folder: Path) -> None:
    """Clear away the temporary files of a build that was killed."""
    for path in folder.glob(".part-*"):
        path.unlink(missing_ok=True)


def publish(folder: Path, name: str, notebook: bytes, stamp: dict[str, Any]) -> None:
    write_atomically(folder / f"{name}.ipynb", notebook)
    write_json(folder / f"{name}.json", {**stamp, "notebook_sha256": hashlib.sha256(notebook).hexdigest()})


def read_stamp(folder: Path, name: str) -> dict[str, Any] | None:
    """The stamp of a chapter's executed copy; None where there is none, or where it does not fit the copy."""
    try:
        stamp = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        notebook = (folder / f"{name}.ipynb").read_bytes()
        return stamp if stamp["notebook_sha256"] == hashlib.sha256(notebook).hexdigest() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def collect_results(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """What `results.json` holds: the recorded figures and costs of every chapter in `names` that has a copy."""
    stamps = {name: read_stamp(folder, name) for name in names}
    return {name: {field: stamp.get(field) for field in IN_RESULTS} for name, stamp in stamps.items() if stamp}
