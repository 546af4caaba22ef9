"""The gate runs every part, stops at the first that fails, and says in any case what each has taken."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = """#!/bin/sh
echo "make $* in ${BOOK_BUILD:-no build}"
[ "$1" != "$BROKEN" ]
"""


@pytest.fixture
def gate(tmp_path):
    """A function that runs the gate with a `make` that makes nothing, and fails at what is said to be broken."""
    for name, text in (("make", MAKE), ("fc-match", "#!/bin/sh\necho Liberation Sans\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    def run(*parts: str, broken: str = "") -> subprocess.CompletedProcess:
        environment = {**os.environ, "PATH": path, "BROKEN": broken, "CHROMIUM": "chromium"}
        environment.pop("BOOK_BUILD", None)
        command = ["bash", ROOT / ".ci" / "run", *parts]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    return run


def table(output: str) -> dict[str, str]:
    rows = output.rsplit("\n\n", 1)[1].splitlines()
    assert rows[0].split() == ["part", "s", "CPU", "s"]
    return dict(row.split(maxsplit=1) for row in rows[1:])


def test_every_part_runs_once_and_the_pages_are_tested_as_published(gate):
    done = gate()
    assert done.returncode == 0, done.stderr
    made = [line for line in done.stdout.splitlines() if line.startswith("make")]
    assert [line.split()[1] for line in made] == ["setup", "lint", "unit", "book", "chapters", "pages", "bench"]
    assert made[3:6] == ["make book in no build", "make chapters in _build", "make pages in _build"]
    rows = table(done.stdout)
    assert list(rows) == ["setup", "lint", "unit", "book", "chapters", "pages", "bench", "all"]
    assert re.search(r"within the budget of \d+ s for \d+ chapters", rows["all"])


def test_a_part_that_fails_ends_the_gate_and_is_named(gate):
    done = gate("lint", "book", "bench", broken="book")
    assert done.returncode != 0
    rows = table(done.stdout)
    assert list(rows) == ["lint", "book", "all"]
    assert [name for name, row in rows.items() if "FAILED" in row] == ["book"]


def test_an_unknown_part_is_named_before_anything_runs(gate):
    done = gate("lint", "unti")
    assert done.returncode == 2 and "no part unti" in done.stderr and "make" not in done.stdout
