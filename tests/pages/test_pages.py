"""The built book in a browser: what a reader sees, hears and moves, on a desktop and on a phone."""

import re
from collections.abc import Iterator

import pytest
from built_book import CHAPTERS, Visit, built_site, each_of, every_chapter, every_page, served


@pytest.fixture(scope="module")
def origin(browser) -> Iterator[str]:
    with served(built_site()) as address:
        yield address


@pytest.fixture
def visit(browser, origin) -> Iterator:
    """A function that opens a page for one test. Whatever the test does, the page must not complain or ask others."""
    visits = []

    def open_page(name: str, *, width: int = 1280, height: int = 800):
        visits.append(Visit(browser, origin + name, width, height))
        return visits[-1].page

    yield open_page
    for this in visits:
        this.page.context.close()
        this.assert_quiet()


@pytest.fixture(scope="module")
def opened(browser, origin) -> Iterator[dict]:
    kept: dict[tuple[str, int], Visit] = {}
    yield kept
    for this in kept.values():
        this.page.context.close()


@pytest.fixture
def read(browser, origin, opened) -> Iterator:
    """A function that opens a page once at each width, for all tests that leave it as good as they found it."""
    visits = []

    def open_page(name: str, *, width: int = 1280, height: int = 800):
        if (name, width) not in opened:  # to set its formulas takes longer than most tests
            opened[name, width] = Visit(browser, origin + name, width, height)
        visits.append(opened[name, width])
        visits[-1].page.set_viewport_size({"width": width, "height": height})
        return visits[-1].page

    yield open_page
    for this in visits:
        this.assert_quiet()


# ---- Each page -------------------------------------------------------------------------------------------------------


@every_page
def test_formulas_are_set_and_no_request_leaves_the_book(read, page):
    this = read(page)
    assert this.locator(".bd-article .math:not(:has(mjx-container))").count() == 0
    assert this.locator("[data-mml-node=merror]").count() == 0
    typed = re.findall(r"\$[^$\n]{1,200}\$|\\[(\[]|\\begin\{", this.evaluate("inPage.words()"))
    assert typed == [], "a formula was left as it was typed"


@every_chapter
def test_a_chapter_has_formulas_players_sliders_and_solutions(read, page):
    this = read(page)
    assert this.locator("mjx-container").count() >= 5
    assert this.locator(".dlm-player audio, .dlm-compare audio").count() >= 4
    assert this.locator(".dlm-explore").count() >= 2
    assert this.locator("details.hide:not([open])").count() >= 3


@every_page
def test_every_sound_decodes_and_is_as_long_as_it_says(read, page):
    sounds = read(page).evaluate("inPage.sounds()")
    assert sounds or page not in ["index.html", *CHAPTERS]
    for sound in sounds:
        assert sound["peak"] > 0.003, f"{sound['source']} is silent"
        assert sound["seconds"] == pytest.approx(sound["said"], abs=0.1), sound  # an MP3 is padded to a whole frame


@every_page
def test_every_picture_says_in_words_what_it_shows(read, page):
    assert read(page).evaluate("inPage.unsaid()") == []


@every_page
def test_the_page_reads_well_in_light_and_in_dark(read, page):
    this = read(page)
    papers = {}
    for _ in range(3):  # light, dark, and what the system says
        theme = this.evaluate("document.documentElement.dataset.theme")
        papers[theme] = this.evaluate("getComputedStyle(document.body).backgroundColor")
        this.wait_for_timeout(200)  # colors change gradually, and later on a busy machine
        this.wait_for_function("document.getAnimations().every((one) => one.playState !== 'running')")
        assert this.evaluate("inPage.faint()") == [], f"too faint in {theme}"
        this.locator(".theme-switch-button:visible").first.click()
    assert set(papers) == {"light", "dark"}
    assert papers["light"] != papers["dark"]


@each_of(["index.html", *CHAPTERS])
def test_the_text_of_figures_can_be_read_on_a_phone(read, page):
    this = read(page, width=390, height=844)
    phone = this.evaluate("inPage.textOfFigures()")
    assert phone["outside"] == [] and phone["unreadable"] == []
    this.set_viewport_size({"width": 1280, "height": 800})
    desktop = this.evaluate("inPage.textOfFigures()")
    assert set(phone["together"]) <= set(desktop["together"]), "text that stands apart on a desktop runs together"


@each_of(["index.html", *CHAPTERS])
def test_every_slider_changes_picture_and_sound_by_mouse_and_by_keyboard(read, page):
    this = read(page)
    boxes = this.locator(".dlm-explore").all()
    assert boxes
    for box in boxes:
        sounds = box.evaluate("(box) => JSON.parse(box.querySelector('audio')?.dataset.sources || '[]')")
        sliders = box.locator("input[type=range]:not([max='0'])").all()  # smoke leaves some a single value
        assert sliders
        for slider in sliders:
            slider.scroll_into_view_if_needed()
            area = slider.bounding_box()
            seen = []
            for part in (0.01, 0.99):
                this.mouse.click(area["x"] + part * area["width"], area["y"] + area["height"] / 2)
                seen.append(box.evaluate("inPage.shown"))
            for key in ("Home", "ArrowRight"):
                slider.press(key)
                seen.append(box.evaluate("inPage.shown"))
            left, right, home, step = seen
            assert [state["frames"] for state in seen] == [1, 1, 1, 1]
            assert left == home
            for other in (right, step):
                assert other["frame"] != left["frame"]
                assert other["values"] != left["values"]
            assert slider.get_attribute("aria-valuetext") in step["values"]
            for state in seen if sounds else []:
                assert state["sound"] == sounds[state["frame"]]


@every_page
def test_the_page_fits_a_phone_with_all_that_is_folded(read, page):
    this = read(page, width=390, height=844)
    this.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert this.evaluate("document.documentElement.scrollWidth") <= 390


# ---- Comforts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 390])
def test_there_is_one_way_to_search_and_it_finds(visit, width):
    this = visit("part1.html", width=width)
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
    assert ways.count() == 1, "the page of results has its own field, and no second one"


def test_one_sound_at_a_time_and_a_click_on_a_waveform_goes_there(visit):
    this = visit(CHAPTERS[0])
    audios = this.locator(".dlm-player audio, .dlm-compare audio")
    for index in (0, 1):
        audios.nth(index).evaluate("(audio) => { audio.loop = true; audio.play().catch(() => {}); }")
        this.wait_for_function("(n) => [...document.querySelectorAll('audio')][n].currentTime > 0", arg=index)
    paused = "(all) => all.map((audio) => audio.paused).slice(0, 2)"
    assert audios.evaluate_all(paused) == [True, False]
    wave = this.locator(".dlm-player .dlm-scrub").first
    wave.click(position={"x": wave.bounding_box()["width"] / 2, "y": 10})
    this.wait_for_function(
        """() => { const audio = document.querySelector(".dlm-player audio");
        const place = audio.currentTime / audio.dataset.seconds;
        return !audio.paused && place > 0.45 && place < 0.9; }"""
    )
    assert audios.evaluate_all(paused) == [False, True]
    assert float(wave.evaluate("(box) => box.style.getPropertyValue('--dlm-progress')")) > 0.4


def test_the_landing_page_shows_sound_slider_and_doors_in_one_screen(visit):
    this = visit("index.html")
    for part in (".bd-article h1", ".dlm-player audio", ".dlm-explore input", ".dlm-frame:not([hidden])", ".dlm-doors"):
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
