"""Chapters run by papermill from the command line, as a reader runs them: with no build around them.

The build has executed every chapter by papermill already, on the course's music. So here is what that does not show:
each chapter that lets one name a data set runs from the command line on a folder of somebody's own music, with another
seed.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from musiclib import audio, render, symbolic

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.md"))}
FROM_A_FOLDER = [name for name, source in SOURCES.items() if re.search(r'^dataset = .*"folder"', source, re.MULTILINE)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three players of twelve phrases each, some seconds long: a sub-folder a class."""
    root = tmp_path_factory.mktemp("my music")
    chorales = [symbolic.notes(symbolic.read_score(f"bach/{name}")) for name in ("bwv66.6", "bwv269")]
    for player in ("piano", "strings", "organ"):
        (root / player).mkdir()
        for k in range(12):
            start = 3 * (k // 2)
            y = render.render(symbolic.excerpt(chorales[k % 2], start, start + 8), player, sr=22_050)
            audio.save(root / player / f"{k}.wav", y, 22_050)
    return root


@pytest.fixture(scope="module")
def runs(folder, book_build, tmp_path_factory) -> dict[str, Future]:
    """Every run of this file, as many at once as there are cores: chapter → its notebook, and how papermill ended."""
    out = tmp_path_factory.mktemp("out")
    environment = {key: value for key, value in os.environ.items() if key != "MUSICLIB_STATIC"}

    def run(name: str) -> tuple[Path, subprocess.CompletedProcess]:
        # What numba has compiled, in a copy: two kernels that fill one cache at once have broken it.
        compiled = out / f"numba-{name}"
        if (book_build / "numba" / "shared").is_dir():
            shutil.copytree(book_build / "numba" / "shared", compiled)
        made = out / f"{name}.ipynb"
        values = {"profile": "smoke", "seed": "1", "dataset": "folder", "data_home": str(folder)}
        command = ["papermill", f"{name}.ipynb", str(made)]
        command += [part for name_and_value in values.items() for part in ("-p", *name_and_value)]
        done = subprocess.run(
            [sys.executable, "-m", *command, "--no-progress-bar", "-k", "python3"],
            cwd=ROOT / "notebooks",
            capture_output=True,
            text=True,
            env={**environment, "NUMBA_CACHE_DIR": str(compiled)},
            timeout=400,
        )
        return made, done

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {name: pool.submit(run, name) for name in FROM_A_FOLDER}
        pool.shutdown(cancel_futures=True)  # where a failure has stopped the tests


def html(notebook: nbformat.NotebookNode) -> list[str]:
    return [
        o.data["text/html"] for c in notebook.cells for o in c.get("outputs", []) if "text/html" in o.get("data", {})
    ]


@pytest.mark.parametrize("name", FROM_A_FOLDER)
def test_papermill_runs_it_and_its_sliders_work_without_a_kernel(name, runs):
    path, done = runs[name].result()
    assert done.returncode == 0, done.stderr[-2000:]
    shown = nbformat.read(path, as_version=4)
    assert sum('<div class="dlm-explore"' in h for h in html(shown)) >= 2
    given = next(cell.source for cell in shown.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert 'profile = "smoke"' in given and "seed = 1" in given and 'dataset = "folder"' in given
