"""Make the site: stage the book pages and the executed chapters, render them with Jupyter Book, publish in one step.

`_build/site` is what is staged, `_build/work` is where Jupyter Book works, `_build/html` is what is published.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from book.builder.chapters import BookError, files_in, load_yaml
from book.builder.site import api, cards
from book.builder.site.assemble import HEADING, installed, page_sources, site_files, title
from book.builder.site.publish import publish, recover, write_tree

HERE = Path(__file__).resolve().parent
TOOLS = (
    "jupyter-book",
    "sphinx",
    "myst-nb",
    "sphinx-book-theme",
    "pydata-sphinx-theme",
    "sphinx-mathjax-offline",
    "sphinxcontrib-bibtex",
)
TROUBLE = re.compile(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b: |Traceback|Exception occurred|build finished with problems")
# autodoc imports the models: a docstring needs no device, and Keras by itself is there in a second.
QUIET = {"NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", "KERAS_BACKEND": "numpy"}
# The package has no __main__. Of what it imports, jsonschema compiles grammars of web addresses for seconds if it finds
# the package that has them; no schema of the book asks for such a check.
JUPYTER_BOOK = "import sys; sys.modules['rfc3987_syntax'] = None; from jupyter_book.cli.main import main; main()"


class RenderError(BookError):
    """The site could not be made; the message says which page or step and what to do."""


def render(root: Path, build_dir: Path, chapters: list[str], repository: str) -> None:
    """Publish the book, with those of `chapters` that are executed, at `build_dir/html`.

    Nothing is done if nothing has changed. Whatever goes wrong, what was published before stays.
    """
    root, build_dir = Path(root).resolve(), Path(build_dir).resolve()
    html = build_dir / "html"
    recover(html)
    known = [
        file.removeprefix("notebooks/")
        for file in files_in(load_yaml(root / "book" / "_toc.yml"))
        if file.startswith("notebooks/")
    ]
    executed = build_dir / "executed"
    present = [name for name in known if name in chapters and (executed / f"{name}.ipynb").is_file()]
    if not present:
        raise RenderError(f"{executed} holds no chapter of the book: run make book, which executes, then renders.")
    key = inputs_key(root, executed, present, repository)
    built = html / ".built"
    if built.is_file() and built.read_text(encoding="utf-8") == key:
        print(f"The pages are unchanged: open {html / 'index.html'}")
        return
    try:
        files = site_files(root, build_dir, present, known, repository)
    except BookError as error:
        raise RenderError(str(error)) from error
    site, work = build_dir / "site", build_dir / "work"
    write_tree(files, site)
    clear_unless_framed_alike(work, frame_key(files, root))
    pages = [name for name in files if name.endswith((".md", ".ipynb"))]
    run_jupyter_book(root, site, work, build_dir / "render.log", pages)
    publish(work / "_build" / "html", html, key)
    print(f"{len(pages)} pages rendered, {len(present)} of them chapters: open {html / 'index.html'}")


def inputs_key(root: Path, executed: Path, present: list[str], repository: str) -> str:
    """A hash of all that decides what the site looks like."""
    chapters = [executed / f"{name}{suffix}" for name in present for suffix in (".ipynb", ".json")]
    digest = hashlib.sha256()
    pages = [*page_sources(root), *cards.sources(root), *api.sources(root)]
    for path in [root / "_config.yml", *pages, *sorted(HERE.glob("*.py")), *chapters]:
        digest.update(f"{path}\0".encode())
        digest.update(path.read_bytes() if path.is_file() else b"absent")
    tools = [installed(name) for name in TOOLS]
    digest.update(json.dumps([present, repository, platform.python_version(), os.cpu_count(), tools]).encode())
    return digest.hexdigest()


def frame_key(files: Mapping[str, bytes], root: Path) -> str:
    """A hash of what every page shows of the others: contents, titles, styles, configuration."""
    digest = hashlib.sha256(str(root).encode())
    for name, content in sorted(files.items()):
        if name.startswith(("_static/media/", "_shown/")):
            continue
        if name.endswith(".ipynb"):
            content = str(title(json.loads(content))).encode()
        elif name.endswith(".md"):
            heading = HEADING.search(content.decode())
            content = (heading[1] if heading else "").encode()
        digest.update(name.encode() + b"\0" + content)
    for path in sorted(HERE.glob("sphinx_*.py")):
        digest.update(path.read_bytes())
    digest.update(json.dumps([installed(name) for name in TOOLS]).encode())
    return digest.hexdigest()


def clear_unless_framed_alike(work: Path, frame: str) -> None:
    """Keep what Sphinx has read for pages that stay as they are, but not if what stands around each has changed."""
    note = work / ".frame"
    if not (note.is_file() and note.read_text(encoding="utf-8") == frame):
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    note.write_text(frame, encoding="utf-8")


def run_jupyter_book(root: Path, site: Path, work: Path, log: Path, pages: list[str]) -> None:
    """Render `site` into `work`. Jupyter Book has left with status 0 after errors: its words and pages count too."""
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(site), "--path-output", str(work)]
    done = subprocess.run(
        [*command, "-W", "-n", "--keep-going"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        cwd=root,  # first on Python's path, so that the pages on the package are about the package that lies here
        env=os.environ | QUIET,
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    log.write_text(text, encoding="utf-8")
    trouble = [line for line in text.splitlines() if TROUBLE.search(line)]
    absent = [page for page in pages if not (work / "_build" / "html" / page).with_suffix(".html").is_file()]
    if done.returncode == 0 and not trouble and not absent:
        return
    # A page with a warning must be read again next time, or Sphinx would pass over it in silence.
    shutil.rmtree(work, ignore_errors=True)
    said = trouble[:20] or text.strip().splitlines()[-20:]
    lines = [line.replace(f"{site}/", "") for line in said] + [f"no page was made for {page}" for page in absent]
    raise RenderError(
        "the pages could not be rendered (a warning counts as an error):\n  "
        + "\n  ".join(lines)
        + f"\nAll that Jupyter Book said is in {log}"
    )
