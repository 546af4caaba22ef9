"""Files on disk: a staged folder that changes no more than it must, and a published one that is never half-written."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from book.builder.run.stamps import named
from musiclib import files

# Parts of MathJax that no page asks for: other inputs and outputs, and speech.
UNUSED_MATHJAX = re.compile(
    r"^(latest|core|loader|startup|node-main|mml-|tex-mml|tex-svg|tex-chtml-full)"
    r"|^(adaptors|sre|ui)$|^(svg|mml|asciimath)(\.js)?$"
)


def write_tree(files: Mapping[str, bytes], folder: Path) -> None:
    """Make `folder` hold exactly `files`. A file that is right keeps its time: Sphinx need not read it again."""
    for path in sorted(folder.rglob("*"), reverse=True) if folder.is_dir() else []:
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def unused(folder: str, names: list[str]) -> list[str]:
    in_mathjax = "mathjax" in Path(folder).parts
    return [name for name in names if name == ".buildinfo" or (in_mathjax and UNUSED_MATHJAX.match(name))]


def publish(rendered: Path, html: Path, key: str) -> None:
    """Put a copy of `rendered` where `html` is, by renaming: neither a reader nor a killed build meets half of it."""
    with named(html), files.whole_folder(html) as new:
        shutil.copytree(rendered, new, ignore=unused, dirs_exist_ok=True)
        (new / ".built").write_text(key, encoding="utf-8")


def recover(html: Path) -> None:
    """Clear up after a build killed inside `publish`: put the old site back if the new one is not in its place yet."""
    left = f".part-{html.name}-*"  # as `files.whole_folder` names what it is at
    for old in html.parent.glob(f"{left}.old"):
        if not html.exists():
            old.rename(html)
    for folder in html.parent.glob(left):
        shutil.rmtree(folder)
