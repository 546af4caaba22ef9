"""The built book in a browser: what a reader sees, hears and moves, on a desktop and on a phone.

The pages are built in the `smoke` profile, or taken from the folder that BOOK_HTML names. Without Chromium the tests
that need one are skipped; with REQUIRE_BROWSER=1 they fail instead.
"""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
MAX_BYTES = 3_000_000
FLAGS = [
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
PAGES = [f"{name}.html" for name in toc_pages(TOC)]
CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]
every_page = pytest.mark.parametrize("page", PAGES)
every_chapter = pytest.mark.parametrize("page", CHAPTERS)


@pytest.fixture(scope="module")
def site() -> Path:
    """The folder of the built pages."""
    if os.environ.get("BOOK_HTML"):
        return Path(os.environ["BOOK_HTML"]).resolve()
    build = ROOT / "_build" / "smoke"
    command = [sys.executable, "book/build.py", "--profile", "smoke", "--build-dir", str(build)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"the book does not build:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return build / "html"


@pytest.fixture(scope="module")
def origin(site) -> Iterator[str]:
    """The address of a server of the pages."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
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


@pytest.fixture(scope="module")
def browser():
    executable = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page opened in the browser, and what it said and asked for since."""

    page: object
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser, origin) -> Iterator:
    """A function that opens a page; whatever the test does with it, it must not complain or ask a third party."""
    visits = []

    def open_page(name: str, *, width: int = 1280, height: int = 800) -> Visit:
        page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        page.set_default_timeout(15_000)
        this = Visit(page)
        visits.append(this)
        page.on("console", lambda m: this.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: this.complaints.append(str(error)))
        page.on("response", lambda r: this.complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on(
            "request", lambda r: None if r.url.startswith((origin, "data:", "blob:")) else this.outside.append(r.url)
        )
        page.goto(origin + name, wait_until="networkidle")
        return this

    yield open_page
    for this in visits:
        this.page.context.close()
        assert this.complaints == [], "the browser complained"
        assert this.outside == [], "the page asked someone else"


# ---- Each page -------------------------------------------------------------------------------------------------------


@every_page
def test_formulas_are_set_and_no_request_leaves_the_book(visit, page):
    this = visit(page).page
    formulas = this.locator(".bd-article .math").count()
    if formulas:
        this.wait_for_selector("mjx-container")
    assert this.locator(".bd-article .math:not(:has(mjx-container))").count() == 0
    assert this.locator("[data-mml-node=merror]").count() == 0
    words = this.evaluate(
        """() => { const copy = document.querySelector(".bd-article").cloneNode(true);
        copy.querySelectorAll("code, pre, script, mjx-container, svg").forEach((e) => e.remove());
        return copy.textContent; }"""
    )
    assert not re.search(r"\$[^$\n]{1,200}\$|\\\(|\\\[|\\begin\{", words), "a formula was left as it was typed"


@every_chapter
def test_a_chapter_has_formulas_players_and_sliders(visit, page):
    this = visit(page).page
    assert this.locator("mjx-container").count() >= 5
    assert this.locator(".dlm-player audio, .dlm-compare audio").count() >= 4
    assert this.locator(".dlm-explore").count() >= 2
    assert this.locator("details.hide").count() >= 3, "three or more solutions, collapsed"


DECODE = """async () => {
  const context = new OfflineAudioContext(1, 1, 48000);
  const decode = async (source) => {
    const sound = await context.decodeAudioData(await (await fetch(source)).arrayBuffer());
    let peak = 0;
    for (const value of sound.getChannelData(0)) peak = Math.max(peak, Math.abs(value));
    return [sound.duration, peak];
  };
  const sounds = [];
  for (const audio of document.querySelectorAll("audio")) {
    for (const source of new Set([audio.getAttribute("src"), ...JSON.parse(audio.dataset.sources || "[]")])) {
      const [seconds, peak] = await decode(source);
      sounds.push({source, seconds, peak, said: Number(audio.dataset.seconds), first: source === audio.getAttribute("src")});
    }
  }
  return sounds;
}"""


@every_page
def test_every_sound_decodes_and_is_as_long_as_it_says(visit, page):
    this = visit(page).page
    this.set_default_timeout(60_000)
    sounds = this.evaluate(DECODE)
    assert sounds or page not in ["index.html", *CHAPTERS]
    for sound in sounds:
        assert sound["peak"] > 0.01, f"{sound['source']} is silent"
        if sound["first"]:
            assert sound["seconds"] == pytest.approx(sound["said"], abs=0.1), sound["source"]
        assert 0 < sound["seconds"] <= sound["said"] + 0.1, sound["source"]


STATE = """(box) => [
  [...box.querySelectorAll(".dlm-frame")].map((frame) => frame.checkVisibility()).indexOf(true),
  [...box.querySelectorAll(".dlm-frame")].filter((frame) => frame.checkVisibility()).length,
  box.querySelector("audio")?.getAttribute("src") ?? null,
  [...box.querySelectorAll("output")].map((output) => output.textContent).join(),
]"""


@pytest.mark.parametrize("page", ["index.html", *CHAPTERS])
def test_every_slider_changes_picture_and_sound_by_mouse_and_by_keyboard(visit, page):
    this = visit(page).page
    boxes = this.locator(".dlm-explore")
    assert boxes.count() >= 1
    for box in boxes.all():
        sounds = len(set(box.evaluate("(box) => JSON.parse(box.querySelector('audio')?.dataset.sources || '[]')")))
        for slider in box.locator("input[type=range]").all():
            last = int(slider.get_attribute("max"))
            slider.scroll_into_view_if_needed()
            area = slider.bounding_box()
            seen = []
            for part in (0.01, 0.99):
                this.mouse.click(area["x"] + part * area["width"], area["y"] + area["height"] / 2)
                seen.append(box.evaluate(STATE))
            slider.press("Home")
            seen.append(box.evaluate(STATE))
            slider.press("ArrowRight")
            seen.append(box.evaluate(STATE))
            assert all(state[1] == 1 for state in seen), "one frame at a time"
            assert seen[0] == seen[2], "the left end by mouse is the left end by keyboard"
            assert seen[0][0] != seen[1][0], "another picture at the other end"
            assert seen[2][0] != seen[3][0] and seen[2][3] != seen[3][3], "another picture and value a step further"
            assert slider.get_attribute("aria-valuetext") in seen[3][3]
            if sounds > 1 and len(box.locator("input[type=range]").all()) == 1:
                assert seen[0][2] != seen[1][2], "another sound at the other end"
            assert last >= 1


CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const under = (element) => { for (let e = element; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c; } return rgb(getComputedStyle(document.documentElement).backgroundColor); };
  const faint = new Set();
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest("svg, mjx-container, script, style, audio") || !e.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    if (e.closest(".headerlink, .copybtn, .skip-link")) continue;
    const style = getComputedStyle(e), [a, b] = [light(rgb(style.color)), light(under(e))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) faint.add(`${e.tagName}.${e.className} ${style.color} "${e.textContent.trim().slice(0, 30)}"`);
  }
  return [...faint];
}"""


@every_page
def test_the_page_reads_well_in_light_and_in_dark(visit, page):
    this = visit(page).page
    seen = {}
    for _ in range(3):
        theme = this.evaluate("document.documentElement.dataset.theme")
        seen[theme] = this.evaluate("getComputedStyle(document.body).backgroundColor")
        assert this.evaluate(CONTRAST) == [], f"too faint in {theme}"
        this.locator(".theme-switch-button:visible").first.click()
        this.wait_for_timeout(300)
    assert set(seen) == {"light", "dark"}
    assert seen["light"] != seen["dark"]


@every_page
def test_the_page_fits_a_phone(visit, page):
    this = visit(page, width=390, height=844).page
    this.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert this.evaluate("document.documentElement.scrollWidth") <= 390


@every_page
def test_every_picture_says_in_words_what_it_shows(visit, page):
    this = visit(page).page
    unsaid = this.evaluate(
        """() => [...document.querySelectorAll(".bd-article img, .bd-article svg")].filter((e) => {
        if (e.closest("mjx-container, [aria-hidden=true], a.headerlink, button, svg[role=img] svg")) return false;
        const words = (e.getAttribute("alt") ?? e.getAttribute("aria-label") ?? "").trim();
        return !words.includes(" ") || /\\.(png|svg|webp)$/.test(words); }).map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert unsaid == []


# ---- Comforts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 390])
def test_there_is_one_way_to_search_and_it_finds(visit, width):
    this = visit("part1.html", width=width).page
    ways = this.locator(".search-button__button:visible, input[type=search]:visible")
    assert ways.count() == 1
    ways.first.click()
    field = this.locator("input[type=search]:visible")
    assert field.count() == 1
    field.fill("quantization")
    field.press("Enter")
    this.wait_for_selector("#search-results li a")
    links = [link.get_attribute("href") for link in this.locator("#search-results li a").all()]
    assert any(link.startswith("notebooks/01_sampling_and_quantization.html") for link in links)


def test_one_sound_at_a_time_and_a_click_on_a_waveform_goes_there(visit):
    this = visit(CHAPTERS[0]).page
    audios = this.locator(".dlm-player audio, .dlm-compare audio")
    for index in (0, 1):
        audios.nth(index).evaluate("(audio) => { audio.muted = true; audio.loop = true; return audio.play(); }")
    assert audios.evaluate_all("(all) => all.map((audio) => audio.paused).slice(0, 2)") == [True, False]
    wave = this.locator(".dlm-player .dlm-scrub").first
    wave.click(position={"x": wave.bounding_box()["width"] / 2, "y": 10})
    this.wait_for_function("() => document.querySelector('.dlm-player audio').currentTime > 0")
    place = audios.first.evaluate("(audio) => audio.currentTime / audio.dataset.seconds")
    assert place == pytest.approx(0.5, abs=0.2)
    assert audios.evaluate_all("(all) => all.map((audio) => audio.paused).slice(0, 2)") == [False, True]
    this.wait_for_function("() => document.querySelector('.dlm-scrub').style.getPropertyValue('--dlm-progress') > 0.3")


def test_the_landing_page_shows_sound_slider_and_doors_in_one_screen(visit):
    this = visit("index.html").page
    for part in ("h1", ".dlm-player audio", ".dlm-explore input", ".dlm-explore svg >> visible=true", ".dlm-doors"):
        area = this.locator(part).first.bounding_box()
        assert area["y"] + area["height"] <= 800, f"{part} is below the fold"


def test_pages_work_without_scripts(browser, origin):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(origin + CHAPTERS[0])
    assert page.locator(".dlm-player audio[controls][src]").count() >= 1
    for box in page.locator(".dlm-explore").all():
        assert box.locator(".dlm-frame:visible").count() == 1
    context.close()


# ---- Files -----------------------------------------------------------------------------------------------------------


class References(HTMLParser):
    """The ids of a page and what it points at."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links, self.sources = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.add(values.get("id") or values.get("name"))
        if tag == "a":
            self.links.append(values.get("href") or "")
        if tag in {"script", "img", "audio", "source", "iframe", "video"} and values.get("src"):
            self.sources.append(values["src"])
        if tag == "link":
            self.sources.append(values["href"])
        self.sources += re.findall(r'"([^"]+)"', values.get("data-sources") or "")


def is_elsewhere(link: str) -> bool:
    return bool(re.match(r"[a-z][a-z0-9+.-]*:|//", link))


@every_page
def test_links_inside_the_book_lead_somewhere(site, page):
    references = References(site / page)
    ids = functools.cache(lambda path: References(path).ids)
    for link in references.links + references.sources:
        path, fragment = urldefrag(link)
        if is_elsewhere(link) or link == "#":
            continue
        target = ((site / page).parent / unquote(path.split("?")[0])).resolve() if path else site / page
        assert target.is_file(), f"{page} points at {link}"
        if fragment and target.suffix == ".html":
            assert unquote(fragment) in ids(target), f"{page} points at {link}"


@every_page
def test_nothing_is_loaded_from_elsewhere_and_the_page_is_light(site, page):
    references = References(site / page)
    assert [source for source in references.sources if is_elsewhere(source) and not source.startswith("data:")] == []
    heavy = {
        source.split("?")[0] for source in references.sources if re.search(r"\.(mp3|flac|wav|ogg|png|webp|svg)", source)
    }
    files = [(site / page).parent / source for source in heavy if not source.startswith("data:")]
    size = (site / page).stat().st_size + sum(file.stat().st_size for file in files)
    assert size <= MAX_BYTES, f"{page} with its sounds and pictures has {size / 1e6:.2f} MB"
