"""The built book for the tests that look at it: its pages, a server for them, a browser to open them in.

It is the build in the folder that BOOK_BUILD names, else one in the `smoke` profile, made now. Without Chromium the
tests that need one are skipped; with REQUIRE_BROWSER=1 they fail instead.
"""

import contextlib
import fcntl
import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]


def toc_pages(entry) -> Iterator[str]:
    if isinstance(entry, list):
        for item in entry:
            yield from toc_pages(item)
    elif isinstance(entry, dict):
        yield from (entry[key] for key in ("root", "file") if key in entry)
        for key in ("parts", "chapters", "sections"):
            yield from toc_pages(entry.get(key))


TOC = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
# Of the data sets' cards, which the build adds to the contents, the one with the longest words.
PAGES = [f"{name}.html" for name in toc_pages(TOC)] + ["data/maestro.html"]
CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]


def each_of(pages: list[str]) -> pytest.MarkDecorator:
    """A test for each of these pages; all tests of a page in one process, where it is opened once."""
    return pytest.mark.parametrize("page", [pytest.param(page, marks=pytest.mark.xdist_group(page)) for page in pages])


every_page = each_of(PAGES)
every_chapter = each_of(CHAPTERS)


@functools.cache
def book_build() -> Path:
    """The folder of a build of the whole book; of one made now, what has not changed since the last is kept."""
    if os.environ.get("BOOK_BUILD"):
        return (ROOT / os.environ["BOOK_BUILD"]).resolve()
    build = ROOT / "_build" / "smoke"
    build.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "book.builder", "--profile", "smoke", "--build-dir", str(build)]
    with (build.parent / ".smoke.lock").open("w") as lock:  # tests in another process may be building it
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"the book does not build:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return build


def built_site() -> Path:
    """The folder of the built pages."""
    return book_build() / "html"


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of `folder` on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def chromium() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
    if Path(found).is_file():
        return found
    why = "there is no Chromium: install it, or name it in the environment variable CHROMIUM"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(why)
    pytest.skip(why)


class Visit:
    """A page opened in the browser, and what it has said and asked for since."""

    def __init__(self, browser, address: str, width: int, height: int):
        self.page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        self.page.set_default_timeout(15_000)
        self.page.add_init_script(path=ROOT / "tests" / "pages" / "in_page.js")
        self.complaints, self.outside = [], []
        origin = re.match(r"http://[^/]+/", address)[0]
        self.page.on("console", lambda m: m.type in {"error", "warning"} and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", lambda r: r.status >= 400 and self.complaints.append(f"{r.status} {r.url}"))
        self.page.on("request", lambda r: is_asked_of_others(r.url, origin) and self.outside.append(r.url))
        self.page.goto(address)
        self.page.evaluate("window.MathJax?.startup?.promise")

    def assert_quiet(self):
        assert self.complaints == [], "the browser complained"
        assert self.outside == [], "the page asked someone else"


def is_asked_of_others(url: str, origin: str) -> bool:
    return not url.startswith((origin, "data:", "blob:"))
