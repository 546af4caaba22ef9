"""musiclib.page: players, the A/B table and the sliders, with a kernel and without."""

import base64
import json
import os
import sys
from html.parser import HTMLParser

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest

from musiclib import audio, page, plot


class Elements(HTMLParser):
    """Every element of a page in order, as (tag, attributes, text directly inside)."""

    def __init__(self, html: str):
        super().__init__()
        self.all, self.open = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.all.append([tag, dict(attributes), ""])
        if tag not in ("input", "path"):
            self.open.append(self.all[-1])

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if self.open:
            self.open[-1][2] += data

    def find(self, tag: str, look: str | None = None) -> list:
        return [e for e in self.all if e[0] == tag and (look is None or look in e[1].get("class", "").split())]


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")


def heard(source: str) -> tuple[np.ndarray, int]:
    head, data = source.split(",", 1)
    assert head.startswith("data:audio/") and head.endswith(";base64")
    return audio.decode(base64.b64decode(data))


# ---------------------------------------------------------------- players


@pytest.mark.parametrize("kind", ["MP3", "OGG", "FLAC", "WAV"])
def test_a_player_holds_the_sound(shown, music, kind):
    y, sr = music
    page.player(y, sr, "Bach <1> & strings", kind=kind)
    elements = Elements(shown[-1]["text/html"])
    assert elements.find("figure", "dlm-player")
    assert elements.find("figcaption")[0][2] == "Bach <1> & strings"
    assert elements.find("svg", "dlm-wave")[0][1]["aria-hidden"] == "true"
    attributes = elements.find("audio")[0][1]
    assert "controls" in attributes and attributes["preload"] == "none"
    got, rate = heard(attributes["src"])
    assert rate == sr and got.size == y.size
    assert float(attributes["data-seconds"]) == pytest.approx(y.size / sr, abs=0.01)
    scale = np.dot(got, y) / np.dot(y, y)
    assert np.linalg.norm(got - scale * y) < 0.2 * np.linalg.norm(got)


def test_a_player_is_small(shown, music):
    y, sr = music
    page.player(y, sr, "strings")
    assert len(shown[-1]["text/html"]) < 12_000 * y.size / sr  # 8 kB a second, in base64


@pytest.mark.parametrize("sr", [4000, 8000, 11_025, 12_000, 16_000, 30_000, 44_100, 96_000])
def test_a_player_plays_any_rate_at_its_own_speed(shown, sr):
    y = np.sin(2 * np.pi * 440 * np.arange(2 * sr) / sr).astype(np.float32)
    page.player(y, sr, "A4")
    got, rate = heard(Elements(shown[-1]["text/html"]).find("audio")[0][1]["src"])
    assert got.size / rate == pytest.approx(2, abs=0.01)
    frequency = np.argmax(np.abs(np.fft.rfft(got))) * rate / got.size
    assert frequency == pytest.approx(440, abs=1)


def test_players_are_equally_loud(shown, music, piano_note):
    y, sr = music
    page.player(y, sr, "a sound")
    page.player(0.01 * y, sr, "a soft one")
    page.player(y[: sr // 5], sr, "a short one")
    page.player(audio.resample(y, sr, 44_100), 44_100, "one at a higher rate")
    page.player(*piano_note, "one of another instrument")
    levels = [audio.loudness(*heard(Elements(o["text/html"]).find("audio")[0][1]["src"])) for o in shown]
    assert max(levels) - min(levels) < 0.5


def test_a_player_can_keep_the_level(shown, music):
    y, sr = music
    page.player(0.1 * y, sr, "soft", match=False, kind="WAV")
    page.player(9 * y, sr, "clipped", match=False, kind="WAV")
    soft, clipped = (heard(Elements(o["text/html"]).find("audio")[0][1]["src"])[0] for o in shown)
    np.testing.assert_allclose(soft, 0.1 * y, atol=1e-4)
    np.testing.assert_allclose(clipped, np.clip(9 * y, -1, 1), atol=1e-4)


@pytest.mark.parametrize("y", [np.zeros(8000), np.array([0.5]), np.array([[0.1, 0.2] * 900, [0.3, -0.1] * 900])])
def test_silence_one_sample_and_stereo_can_be_played(shown, y):
    page.player(y, 8000, "odd", kind="WAV")
    got, _ = heard(Elements(shown[-1]["text/html"]).find("audio")[0][1]["src"])
    assert got.shape == y.shape


@pytest.mark.parametrize(("y", "says"), [(np.zeros(0), "is empty"), (np.array([np.nan]), "NaN or infinite")])
def test_what_no_player_can_play(y, says):
    with pytest.raises(audio.AudioError, match=f"the sound for a player .*{says}|the sound for a player {says}"):
        page.player(y, 8000, "nothing")


def test_a_table_compares_sounds_row_by_row(shown, music, piano_note):
    y, sr = music
    sounds = {"strings <1>": y, "piano": piano_note, "soft": 0.1 * y}
    page.compare(sounds, sr, caption="Which & why", notes={"piano": "struck, not bowed"})
    elements = Elements(shown[-1]["text/html"])
    assert elements.find("table", "dlm-compare") and elements.find("caption")[0][2] == "Which & why"
    assert [e[2] for e in elements.find("th")] == list(sounds)
    assert all(e[1]["scope"] == "row" for e in elements.find("th"))
    assert [e[2] for e in elements.find("td")][1::2] == ["", "struck, not bowed", ""]
    got = [heard(e[1]["src"]) for e in elements.find("audio")]
    assert [(len(x), rate) for x, rate in got] == [(y.size, sr), (piano_note[0].size, piano_note[1]), (y.size, sr)]
    levels = [audio.loudness(x, rate) for x, rate in got]
    assert max(levels) - min(levels) < 0.5


# ---------------------------------------------------------------- a cursor in a figure


def map_of_time():
    figure, (above, below) = plot.axes(2, 1)
    above.plot([0, 4], [0, 1])
    above.set(xlabel="time (s)", xlim=(0, 4))
    below.imshow(np.eye(4), extent=(0, 4, 4, 0))
    below.set(xlabel="frequency (Hz)", ylabel="time (s)")
    return figure, above, below


def test_a_cursor_stands_in_each_axis_of_time(shown):
    figure, above, below = map_of_time()
    page.follow(figure, np.sin(np.arange(4 * SR)), SR, "Two <maps>.", caption="Look & listen", upward=[below])
    assert not plt.fignum_exists(figure.number)
    elements = Elements(shown[-1]["text/html"])
    assert elements.find("figure", "dlm-follow") and elements.find("figcaption")[0][2] == "Look & listen"
    assert elements.find("audio")[0][1]["data-seconds"] == "4.00"
    lines = [e[1] for e in elements.find("line")]
    assert [line["data-axis"] for line in lines] == ["x", "x", "y", "y"]  # a white line in a black one
    width, height = 72 * figure.get_size_inches()
    (left, _), (right, _) = above.get_position().get_points()
    across, flat = lines[0], lines[2]
    assert (float(across["data-low"]), float(across["data-high"])) == (0, 4)
    assert float(across["data-from"]) == pytest.approx(left * width, abs=0.06)
    assert float(across["data-to"]) == pytest.approx(right * width, abs=0.06)
    assert float(across["y1"]) < float(across["y2"]) < height / 2 < float(flat["data-to"]) < height
    assert (float(flat["data-low"]), float(flat["data-high"])) == (4, 0)  # as the axis runs, downward
    assert f'getElementById("{elements.find("figure")[0][1]["id"]}")' in elements.find("script")[0][2]


def test_axes_of_time_are_named_or_found_by_their_label(shown):
    figure, _, below = map_of_time()
    page.follow(figure, np.ones(SR), SR, "One map.", across=[below])
    assert len(Elements(shown[-1]["text/html"]).find("line")) == 2
    figure, ax = plot.axes()
    ax.set(xlabel="epoch")
    with pytest.raises(ValueError, match="No axis of this figure shows time"):
        page.follow(figure, np.ones(SR), SR, "No map.")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_cursor_goes_with_the_sound_and_a_click_goes_there(shown, browser, motion):
    figure, _, below = map_of_time()
    page.follow(figure, np.sin(np.arange(4 * SR)), SR, "Two maps.", upward=[below])
    this = browser.new_page(reduced_motion=motion)
    errors = []
    this.on("pageerror", lambda error: errors.append(str(error)))
    this.set_content(shown[-1]["text/html"])
    at = "() => [...document.querySelectorAll('line')].map((line) => Number(line.getAttribute(line.dataset.axis + 1)))"
    begin = this.evaluate(at)
    area = this.locator("svg").bounding_box()
    this.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] * 0.75)
    assert this.evaluate("document.querySelector('audio').currentTime") == 0  # no time lies across there
    this.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] / 4)
    this.wait_for_function("() => document.querySelector('audio').currentTime > 2")
    this.evaluate("document.querySelector('audio').pause()")
    this.wait_for_timeout(100)
    time, moved = this.evaluate("document.querySelector('audio').currentTime"), this.evaluate(at)
    line = this.evaluate("({ ...document.querySelector('line').dataset })")
    start, end = float(line["from"]), float(line["to"])
    assert moved[0] == pytest.approx(start + time / 4 * (end - start), abs=1)
    assert moved[2] > begin[2]  # downward, as its axis runs
    assert errors == []


# ---------------------------------------------------------------- sliders without a kernel

SR = 8000


def draw(bits: int = 8, dither: bool = False, window: str = "hann") -> page.Frame:
    figure, ax = plot.axes()
    ax.plot([0, bits])
    y = np.sin(2 * np.pi * 100 * bits * np.arange(SR) / SR).astype(np.float32)
    return page.Frame(figure=figure, y=y, sr=SR, text=f"bits={bits} & dither={dither} <{window}>")


@pytest.fixture
def static(monkeypatch):
    monkeypatch.setenv("MUSICLIB_STATIC", "1")


def test_every_position_of_the_sliders_has_its_frame(shown, static):
    page.explore(draw, "Fewer bits: 1 < 2 & more", units={"bits": "bit"}, bits=[4, 8, 12], dither=[False, True])
    elements = Elements(shown[-1]["text/html"])
    # In row-major order: the last slider turns fastest.
    texts = [e[2] for e in elements.find("p")]
    assert texts == [f"bits={b} & dither={d} <hann>" for b in (4, 8, 12) for d in (False, True)]
    frames = elements.find("div", "dlm-frame")
    assert ["hidden" in f[1] for f in frames] == [True, True, True, False, True, True]  # the middle of each
    assert elements.find("div", "dlm-caption")[0][2] == "Fewer bits: 1 < 2 & more"
    described = [e[1]["aria-label"] for e in elements.find("svg")]
    assert described[0] == "Fewer bits: 1 < 2 & more Shown: bits 4 bit, dither off."
    assert len(set(described)) == 6


def test_the_sounds_of_a_slider_follow_its_frames(shown, static):
    page.explore(draw, "Pitch", bits=[4, 8, 12], start={"bits": 12})
    attributes = Elements(shown[-1]["text/html"]).find("audio")[0][1]
    sources = json.loads(attributes["data-sources"])
    assert attributes["src"] == sources[2] and attributes["data-seconds"] == "1.0"
    frequencies = [np.argmax(np.abs(np.fft.rfft(heard(s)[0]))) for s in sources]
    assert frequencies == [400, 800, 1200]
    levels = [audio.loudness(*heard(s)) for s in sources]
    assert max(levels) - min(levels) < 0.5


def test_a_slider_says_its_value_and_unit(shown, static):
    page.explore(
        lambda f_s, ratio: page.Frame(text=f"{f_s}"),
        "Rates",
        units={"f_s": 'Hz "<&'},
        start={"f_s": 44_100},
        f_s=[8000, np.int64(22_050), 44_100],
        ratio=[0.5, np.float32(0.25), 1e6],
    )
    elements = Elements(shown[-1]["text/html"])
    first, second = (e[1] for e in elements.find("input"))
    assert (first["type"], first["min"], first["max"], first["step"], first["value"]) == ("range", "0", "2", "1", "2")
    assert json.loads(first["data-labels"]) == ['8,000 Hz "<&', '22,050 Hz "<&', '44,100 Hz "<&']
    assert first["aria-valuetext"] == elements.find("output")[0][2] == '44,100 Hz "<&'
    assert json.loads(second["data-labels"]) == ["0.5", "0.25", "1e+06"]
    assert [e[2] for e in elements.find("span")] == ["f s", "ratio"]
    assert not elements.find("audio") and not elements.find("svg")


def test_two_sliders_on_a_page_do_not_touch_each_other(shown, static):
    for _ in range(2):
        page.explore(lambda n: page.Frame(text=str(n)), "n", n=[1, 2])
    boxes = [Elements(o["text/html"]) for o in shown]
    ids = [b.find("div", "dlm-explore")[0][1]["id"] for b in boxes]
    assert ids[0] != ids[1]
    assert all(f'getElementById("{i}")' in b.find("script")[0][2] for i, b in zip(ids, boxes, strict=True))


def test_drawing_closes_its_figures_and_no_other(shown, static):
    mine = plt.figure()
    page.explore(draw, "Bits", bits=[1, 2, 3])
    page.explore(lambda n: page.Frame(text=str(n)), "n", n=[1, 2])
    assert plt.get_fignums() == [mine.number]
    plt.close(mine)


@pytest.mark.parametrize("mode", ["0", "1"])
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "at least one name=values"),
        ({"bits": []}, "at least one name=values, with values in it"),
        ({"bits": range(61)}, "would draw 61 frames, more than 60"),
        ({"bits": range(8), "dither": range(8)}, "would draw 64 frames"),
        ({"bits": [1, 2], "start": {"bits": 3}}, "bits=3, which is not among the choices"),
        ({"bits": [1, 2], "start": {"bit": 1}}, "bit=1, which is not among the choices"),
    ],
)
def test_what_no_slider_can_show(monkeypatch, mode, options, says):
    monkeypatch.setenv("MUSICLIB_STATIC", mode)
    with pytest.raises(ValueError, match=says):
        page.explore(draw, "Bits", **options)


def test_a_sound_in_some_frames_only(static):
    def some(n):
        return page.Frame(y=np.ones(800), sr=SR) if n else page.Frame(text="none")

    with pytest.raises(ValueError, match="some frames have a sound and some have none"):
        page.explore(some, "n", n=[0, 1])


# ---------------------------------------------------------------- sliders with a kernel


@pytest.mark.parametrize(
    ("environment", "module", "live"),
    [
        ({}, None, False),  # papermill
        ({"JPY_SESSION_NAME": "/home/reader/01.ipynb"}, None, True),  # JupyterLab
        ({"VSCODE_PID": "7"}, None, True),
        ({}, "google.colab", True),
        ({"JPY_SESSION_NAME": "x", "MUSICLIB_STATIC": "1"}, None, False),
        ({"MUSICLIB_STATIC": "0"}, None, True),
    ],
)
def test_a_slider_is_live_where_somebody_can_move_it(shown, monkeypatch, environment, module, live):
    for name in [n for n in os.environ if n.startswith(("VSCODE_", "JPY_SESSION_NAME", "MUSICLIB_STATIC"))]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if module:
        monkeypatch.setitem(sys.modules, module, None)
    page.explore(lambda n: page.Frame(text=str(n)), "n", n=[1, 2])
    assert ("object" in shown[-1]) is live


def test_moving_a_slider_draws_anew(shown, monkeypatch):
    monkeypatch.setenv("MUSICLIB_STATIC", "0")
    calls = []

    def watched(**setting):
        calls.append(setting)
        return draw(**setting)

    page.explore(watched, "Bits <here>", units={"bits": "bit"}, start={"bits": 4}, bits=[4, 8, 12], window=["hann"])
    box = shown[-1]["object"]
    assert isinstance(box, ipywidgets.VBox)
    assert box.children[0].value == "<b>Bits &lt;here&gt;</b>"
    slider = box.children[1]
    assert [label for label, _ in slider.options] == ["4 bit", "8 bit", "12 bit"]
    assert calls == [{"bits": 4, "window": "hann"}]
    shown.clear()
    slider.value = 12
    assert calls[-1] == {"bits": 12, "window": "hann"} and len(calls) == 2
    figure, text, sound = (o["text/html"] for o in shown)
    assert 'aria-label="Bits &lt;here&gt;"' in figure
    assert text == "<p>bits=12 &amp; dither=False &lt;hann&gt;</p>"
    got, _ = heard(Elements(sound).find("audio")[0][1]["src"])
    assert np.argmax(np.abs(np.fft.rfft(got))) == 1200
    assert plt.get_fignums() == []


def test_a_sound_without_its_sampling_rate_is_named():
    with pytest.raises(ValueError, match="a: no sampling rate"):
        page.compare({"a": np.ones(100, np.float32)}, caption="one of them")
