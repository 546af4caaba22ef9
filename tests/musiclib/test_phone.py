"""musiclib.page.phone: how large a figure's text may be where the figure is small."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from musiclib import page, plot
from musiclib.page import phone
from musiclib.page.figure import to_svg


def svg(*texts: str, width: float = 432, height: float = 144, rest: str = "") -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{"".join(texts)}{rest}</svg>'


def text(words: str, x: float, y: float, *, size: float = 10, anchor: str = "start", turned: float = 0) -> str:
    style = f"font-size: {size}px; font-family:inherit; text-anchor: {anchor}"
    return f'<text style="{style}" x="{x}" y="{y}" transform="rotate({turned} {x} {y})">{words}</text>'


def size_of(*texts: str, **options) -> float:
    return phone.fit(svg(*texts, **options))[0]


WANTED = pytest.approx(10 * 432 / phone.COLUMN, abs=0.01)


def test_text_with_room_grows_until_it_is_as_large_as_a_phone_wants():
    assert size_of(text("time (s)", 216, 70, anchor="middle")) == WANTED


@pytest.mark.parametrize(
    "label",
    [
        text("in another group, of its class", 165, 70, anchor="end"),
        text("in another group, of its class", 270, 70),
        text("a label that climbs", 100, 100, turned=-90),
        text("a label that leans", 350, 110, turned=40),
    ],
)
def test_text_grows_no_further_than_to_the_edge_of_its_figure(label):
    assert 10 <= size_of(label) < 12.4


def test_two_words_grow_until_they_meet():
    beside = [text("Beethoven", 100, 70), text("Monteverdi", 158, 70)]
    assert 10 <= size_of(*beside) < 12.4
    assert size_of(beside[0], text("Monteverdi", 158, 100)) == WANTED


def test_an_entry_of_a_legend_leaves_the_next_ones_stroke_alone():
    entries = text("same work", 100, 20), text("other", 190, 20)
    stroke = '<path d="M 162 17 \nL 182 17 \n"/>'
    legend = f'<g id="legend_1">{stroke}</g>'
    assert size_of(*entries) == size_of(*entries, rest=stroke) == WANTED
    assert 10 <= size_of(*entries, rest=legend) < 12.4


def test_what_runs_together_as_it_is_drawn_holds_nothing_back():
    assert size_of(text("one", 100, 70), text("another", 105, 70)) == WANTED


def test_the_less_text_can_grow_the_wider_the_figure_stays():
    size, least = phone.fit(svg(text("time (s)", 216, 70, anchor="middle")))
    tight, wider = phone.fit(svg(text("in another group, of its class", 144, 70, anchor="end")))
    assert least < 337 < wider  # px: what a slider has on a phone of 390
    for chosen, width in ((size, least), (tight, wider)):
        assert chosen * width / 432 == pytest.approx(phone.SMALLEST, abs=0.02)


def test_small_text_grows_and_a_narrow_figure_is_left_as_it_is():
    assert size_of(text("8 px", 100, 70, size=8), text("10 px", 200, 70)) == WANTED
    assert phone.fit(svg(text("time (s)", 100, 70), width=331)) is None
    assert phone.fit(svg()) is None
    assert phone.style(svg()) == ""


def test_a_figure_carries_its_size_for_the_style_sheet():
    figure, ax = plot.axes()
    ax.set(xlabel="time (s)", ylabel="amplitude")
    drawn = to_svg(figure, "Nothing yet.")
    plt.close(figure)
    assert 'class="dlm-grows"' in drawn
    assert re.search(r"--dlm-text:1[012]\.\d+px;--dlm-least:\d+px", drawn)
    figure, _ = plot.axes(width=4)
    assert "dlm-grows" not in to_svg(figure, "A narrow one.")
    plt.close(figure)


def test_the_frames_of_a_slider_have_text_of_one_size(shown, monkeypatch):
    monkeypatch.setenv("MUSICLIB_STATIC", "1")

    def draw(label):
        figure, ax = plot.axes()
        ax.barh([label], [1.0])
        return page.Frame(figure)

    page.explore(draw, "Change the label.", label=["a", "tested in the same studios", "b"])
    sizes = re.findall(r"--dlm-text:([\d.]+)px;--dlm-least:(\d+)px", shown[0]["text/html"])
    assert len(sizes) == 3 and len(set(sizes)) == 1
    assert float(sizes[0][0]) < 12


def test_many_numbers_are_quick_to_fit():
    k = np.arange(30)
    numbers = [text("100", 14 * i, 14 * j, anchor="middle") for i in k for j in k]
    assert 10 <= size_of(*numbers, height=432) < 12.6
