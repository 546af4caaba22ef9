"""What a chapter depends on, found without running it.

A chapter runs again when its text, its parameters, the lock, a `musiclib` file that it imports, directly or through
another one, or the figures kept of a longer run have changed. Contents are compared, never time stamps: a fresh
checkout makes those meaningless.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from book.builder.chapters import Cell, Chapter

PACKAGE = "musiclib"
FORMAT = 1  # raise it when the build itself starts to make something else of the same inputs


def content_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def python_trees(source: str) -> Iterator[ast.AST]:
    """The syntax tree of a cell, and of the code inside its magics.

    IPython turns `%%time` and the code below it into a call with that code as a string: imports hide in there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in a string is for the chapter's own run to report
        try:
            tree = ast.parse(source)
        except SyntaxError:
            from IPython.core.inputtransformer2 import TransformerManager

            try:
                tree = ast.parse(TransformerManager().transform_cell(source))
            except SyntaxError:
                return  # the run will say so, with the line
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            strings = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if node.func.attr in ("run_cell_magic", "run_line_magic"):
                for text in strings[1:]:
                    yield from python_trees(text)
            elif node.func.attr in ("system", "getoutput", "import_module"):
                names = re.findall(rf"\b{PACKAGE}(?:\.\w+)*", " ".join(strings))
                yield ast.Module([ast.Import([ast.alias(name)]) for name in names], [])


def dotted(node: ast.AST) -> list[str]:
    """The parts of an expression such as `musiclib.features.stft`; one empty part for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else [""]


@cache
def imported_names(source: str, package: str = "") -> frozenset[str]:
    """Dotted names that `source` may import; names that turn out to be no module do no harm.

    `package` is the package that the source belongs to, for relative imports.
    """
    names: set[str] = set()
    for tree in python_trees(source):
        bound: dict[str, str] = {}  # names in this source that stand for a module
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    names.add(alias.name)
                    first = alias.name.split(".")[0]
                    bound[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom):
                parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                base = ".".join([*parents, *([node.module] if node.module else [])])
                names.add(base)
                for alias in node.names:
                    names.add(f"{base}.{alias.name}")
                    bound[alias.asname or alias.name] = f"{base}.{alias.name}"
        for node in ast.walk(tree):  # `import musiclib` and then `musiclib.features.stft(y)`
            root, *rest = dotted(node)
            if rest and bound.get(root, "").split(".")[0] == PACKAGE:
                names.add(".".join([bound[root], *rest]))
    return frozenset(names)


def module_files(root: Path, name: str) -> list[Path]:
    """The files that importing the dotted `name` runs: each package's `__init__.py` on the way, and the module."""
    found: list[Path] = []
    folder = root
    for part in name.split("."):
        if part == "*":  # `from package import *` may import any module of it
            return found + sorted(folder.glob("*.py"))
        if (folder / part / "__init__.py").is_file():
            folder = folder / part
            found.append(folder / "__init__.py")
        elif (folder / f"{part}.py").is_file():
            return [*found, folder / f"{part}.py"]
        else:
            break
    return found


def beside(module: Path) -> Iterator[Path]:
    """Files in a module's folder that are no Python: style sheets, scripts and tables that it may read."""
    for path in module.parent.iterdir():
        if path.is_file() and path.suffix not in (".py", ".pyc", ".pyi", ".md") and path.name[0] != ".":
            yield path


def follow(root: Path, names: Iterable[str]) -> tuple[set[Path], set[str]]:
    """The files of `musiclib` behind the dotted `names` and behind what those files import, and all names met."""
    waiting, met = list(names), set(names)
    found: set[Path] = set()
    while waiting:
        name = waiting.pop()
        for path in module_files(root, name) if name.split(".")[0] == PACKAGE else []:
            if path not in found:
                found.add(path)
                package = ".".join(path.parent.relative_to(root).parts)
                inside = imported_names(path.read_text(encoding="utf-8"), package)
                waiting += inside - met
                met |= inside
    return found.union(*(beside(path) for path in found)), met


def chapter_inputs(root: Path, chapter: Chapter, cells: list[Cell], parameters: dict[str, Any]) -> dict[str, Any]:
    """Everything on which the chapter's executed copy depends."""
    imported = {name for cell in cells if cell.kind == "code" for name in imported_names(cell.source)}
    files, names = follow(root, imported)
    files |= set(
        (root / "data" / "runs").glob(f"{chapter.name}*.json")
    )  # what longer runs of it kept, and its page shows
    lock = root / "requirements.lock"
    uses_keras = any(name.split(".")[0] == "keras" for name in names)
    return {
        "format": FORMAT,
        "text": hashlib.sha256(chapter.markdown.read_text(encoding="utf-8").encode()).hexdigest(),
        "parameters": parameters,
        "lock": content_hash(lock) if lock.is_file() else None,
        "files": {path.relative_to(root).as_posix(): content_hash(path) for path in sorted(files)},
        "backend": os.environ.get("KERAS_BACKEND") if uses_keras else None,
    }


def key(inputs: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=repr).encode()).hexdigest()


def reason(before: dict[str, Any] | None, now: dict[str, Any]) -> str:
    """Why a chapter runs again, in a few words."""
    if not before:
        return "not yet executed"
    files = before.get("files", {})
    changed = sorted(path for path in {*files, *now["files"]} if files.get(path) != now["files"].get(path))
    reasons = [
        *(["its text changed"] if before.get("text") != now["text"] else []),
        *(["its parameters changed"] if before.get("parameters") != now["parameters"] else []),
        *(["requirements.lock changed"] if before.get("lock") != now["lock"] else []),
        *(["KERAS_BACKEND changed"] if before.get("backend") != now["backend"] else []),
        *([f"{', '.join(changed)} changed"] if changed else []),
    ]
    return "; ".join(reasons) or "its executed copy is not as the build left it"
