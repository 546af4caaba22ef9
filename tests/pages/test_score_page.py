"""A page with a score, served on this machine: what plays, moves and can be clicked, on a desktop and on a phone."""

import re
import shutil

import numpy as np
import pytest
from built_book import ROOT, Visit, served

from musiclib import page, symbolic

SECONDS = 8


@pytest.fixture
def visit(browser, shown, tmp_path):
    """A function that opens a page with a chorale. Whatever a test does, it must not complain or ask others."""
    sound = 0.2 * np.sin(np.arange(SECONDS * 16_000) / 5), 16_000
    page.score(symbolic.read_score("bach/bwv66.6"), "A chorale.", bpm=180, seconds=7, sound=sound)
    shutil.copytree(ROOT / "book" / "pages" / "_static", tmp_path / "_static")
    links = "".join(
        f'<link rel="stylesheet" href="_static/{css.name}">' for css in (tmp_path / "_static").glob("*.css")
    )
    (tmp_path / "index.html").write_text(
        f'<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Score</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">{links}'
        f'<script src="_static/dlm.js"></script></head><body><article class="bd-article">'
        f"{shown[-1]['text/html']}</article></body></html>",
        encoding="utf-8",
    )
    visits = []
    with served(tmp_path) as address:

        def open_page(width: int):
            visits.append(Visit(browser, address + "index.html", width, 844))
            return visits[-1].page

        yield open_page
        for this in visits:
            this.page.context.close()
            this.assert_quiet()


TIME = "document.querySelector('audio').currentTime"
VISIBILITY = "(lines) => lines.map((line) => getComputedStyle(line).visibility)"
LIT = "[...document.querySelectorAll('{} .dlm-on')].length"


@pytest.mark.parametrize(
    ("width", "seen", "unseen"), [(1280, ".dlm-wide", ".dlm-narrow"), (390, ".dlm-narrow", ".dlm-wide")]
)
def test_playing_moves_the_cursor_and_a_click_goes_there(visit, width, seen, unseen):
    this = visit(width)
    assert this.locator(seen).is_visible() and this.locator(unseen).is_hidden()
    assert this.evaluate("document.documentElement.scrollWidth") <= width
    assert this.evaluate("inPage.unsaid()") == []
    cursors = this.locator(f"{seen} .dlm-now, .dlm-roll .dlm-now")
    assert cursors.evaluate_all(VISIBILITY) == ["hidden", "hidden"]

    before = [float(cursor.get_attribute("x1").strip("%")) for cursor in cursors.all()]
    this.evaluate(
        """() => { const audio = document.querySelector("audio");
        const stop = () => { if (audio.currentTime > 0.6) audio.pause(); };
        audio.addEventListener("timeupdate", stop);
        audio.addEventListener("pause", () => audio.removeEventListener("timeupdate", stop));
        return audio.play(); }"""
    )
    this.wait_for_function(f"{TIME} > 0.6 && document.querySelector('audio').paused")
    assert cursors.evaluate_all(VISIBILITY) == ["visible", "visible"]
    assert all(float(c.get_attribute("x1").strip("%")) > x for c, x in zip(cursors.all(), before, strict=True))
    assert this.evaluate(LIT.format(seen)) == this.evaluate(LIT.format(".dlm-roll")) == 4  # one a voice
    this.evaluate(
        """() => { window.went = []; const audio = document.querySelector("audio");
        audio.addEventListener("seeking", () => window.went.push(audio.currentTime)); }"""
    )
    this.locator(f"{seen} .note").nth(9).locator("use").first.click()  # the soprano's third beat after the upbeat
    this.wait_for_function("went.length === 1 && !document.querySelector('audio').paused")
    area = this.locator(".dlm-roll svg[role]").bounding_box()
    this.mouse.click(area["x"] + area["width"] * 0.75, area["y"] + 20)
    this.wait_for_function("went.length === 2")
    assert this.evaluate("went") == [pytest.approx(1, abs=0.002), pytest.approx(0.75 * SECONDS, abs=0.05)]


def test_arrow_keys_go_from_note_to_note_and_the_space_bar_plays(visit):
    this = visit(1280)
    roll = this.get_by_role("slider")
    roll.focus()
    said = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home"):
        roll.press(key)
        said.append((roll.get_attribute("aria-valuenow"), roll.get_attribute("aria-valuetext")))
    first, second, back, end, home = said
    assert first == back == ("0.17", "measure 0, 0.2 s: E4, G♯3, B3, B4")
    assert second[1].startswith("measure 1, 0.3 s: ") and len(re.findall(r"\d\b", second[1])) >= 4
    assert float(end[0]) > 5 and home[0] == "0.00"
    roll.press(" ")
    this.wait_for_function(f"!document.querySelector('audio').paused && {TIME} > 0.1")
    roll.press(" ")
    this.wait_for_function("document.querySelector('audio').paused")


def test_the_staff_follows_the_sound_to_its_last_line(visit):
    this = visit(390)
    region = this.locator(".dlm-narrow")
    assert region.evaluate("(box) => box.scrollHeight > box.clientHeight + 50")
    this.get_by_role("slider").press("End")
    this.wait_for_function("document.querySelector('.dlm-narrow').scrollTop > 50")
    line, box = region.locator(".dlm-now").bounding_box(), region.bounding_box()
    assert line["y"] >= box["y"] - 5
