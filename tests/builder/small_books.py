"""Small books, as the tests of the build need them."""

import subprocess
import sys
from pathlib import Path

from book.builder import sync

REPOSITORY = Path(__file__).resolve().parents[2]

PARAMETERS = '```{code-cell} ipython3\n:tags: [parameters]\n\nprofile = "quick"\nseed = 0\n```\n'
SETUP = "```{code-cell} ipython3\n:tags: [setup]\n\n# %pip install -q git+https://old.example/x/y.git@main\n```\n"


def code(source: str, *tags: str) -> str:
    mark = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
    return f"```{{code-cell}} ipython3\n{mark}{source}\n```\n"


def project(root: Path, texts: dict[str, str], package: dict[str, str] | None = None) -> Path:
    """A small book at `root`, its pairs in step."""
    for folder in ("notebooks", "book"):
        (root / folder).mkdir(parents=True)
    for name, text in texts.items():
        (root / "notebooks" / f"{name}.md").write_text(text)
    for name, text in (package or {}).items():
        path = root / "musiclib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    entries = "\n".join(f"  - file: notebooks/{name}" for name in texts)
    (root / "book" / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n  - file: glossary\n{entries}\n")
    (root / "_config.yml").write_text("repository:\n  url: https://example.org/a/course\n")
    (root / "requirements.lock").write_text("numpy==2.0\n")
    assert sync.main(root) == 0
    return root


def run_build(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "book.builder", "--root", root, "--no-html", *arguments]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900, cwd=REPOSITORY)


def ran(output: str) -> list[str]:
    return sorted(line.split()[1] for line in output.splitlines() if line.startswith("run "))
