"""What several test files need: real notes and sounds made once, and a way to see what a page shows."""

import http.server
import os
import sys
import threading
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "agg")  # before anything draws: no test opens a window

import built_book
import hypothesis
import numpy as np
import pytest
from IPython.display import Markdown

# The same examples on every machine and every run; slow machines fail nothing.
hypothesis.settings.register_profile("course", derandomize=True, deadline=None, max_examples=40, database=None)
hypothesis.settings.load_profile("course")


@pytest.fixture(scope="session")
def chorale() -> np.ndarray:
    """The notes of Bach's chorale BWV 66.6, four voices, 22.5 s."""
    from musiclib import symbolic

    return symbolic.notes(symbolic.read_score("bach/bwv66.6"))


@pytest.fixture(scope="session")
def music(chorale) -> tuple[np.ndarray, int]:
    """(y, sr): the first five seconds of the chorale on strings."""
    from musiclib import render, symbolic

    return render.render(symbolic.excerpt(chorale, 0, 4), "strings", sr=22_050), 22_050


@pytest.fixture(scope="session")
def piano_note() -> tuple[np.ndarray, int]:
    """(y, sr): middle C on the piano, 1.5 s."""
    from musiclib import render

    return render.note(60, "piano", seconds=1.0, sr=22_050), 22_050


@pytest.fixture
def shown(monkeypatch) -> list[dict]:
    """What `musiclib.page` shows from here on: one dictionary of MIME type to content for each output."""
    import musiclib.page

    outputs = []

    def display(item, raw=False):
        kind = "text/markdown" if isinstance(item, Markdown) else "text/html"
        outputs.append(item if raw else {kind: item.data} if hasattr(item, "data") else {"object": item})

    for name in (
        "exercise",
        "explore",
        "figure",
        "finding",
        "follow",
        "longer_run",
        "record",
        "results",
        "score",
        "sound",
        "source",
    ):
        # Through sys.modules: `page.record` is the function and not the module of that name.
        monkeypatch.setattr(sys.modules[f"{musiclib.page.__name__}.{name}"], "display", display)
    return outputs


@pytest.fixture(scope="session")
def book_build() -> Path:
    """The folder of a build of the whole book."""
    return built_book.book_build()


@pytest.fixture
def server(tmp_path):
    """An address on this machine that gives out what lies in tmp_path/served."""
    (tmp_path / "served").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=tmp_path / "served")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture(scope="module")
def browser():
    """Chromium, for tests that open pages in it."""
    executable = built_book.chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=built_book.CHROMIUM_FLAGS)
        yield browser
        browser.close()
