"""musiclib.page: figures recorded, exercises that check themselves, figures and profiles."""

import ast
import math
import re
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from musiclib import models, page, plot
from musiclib.statistics import Interval

RECORD = "application/vnd.musiclib.record+json"
CHECK = "application/vnd.musiclib.check+json"
SVG = "{http://www.w3.org/2000/svg}"

# ---------------------------------------------------------------- recorded figures


def test_a_recorded_figure_is_emitted_and_nothing_is_seen(shown):
    page.record(
        "SNR", np.float32(49.5), unit="dB", low=np.float64(49), high=50, split="tune", note="8 bits", at_least=49
    )
    row = {"name": "SNR", "value": 49.5, "low": 49, "high": 50, "unit": "dB", "split": "tune", "note": "8 bits"}
    assert shown == [{RECORD: row | {"not_so": ""}}]
    assert all(type(shown[0][RECORD][k]) is float for k in ("value", "low", "high"))  # what JSON can hold


@pytest.mark.parametrize(
    ("value", "claim", "says"),
    [
        (math.nan, {}, "error = nan Hz .*not a finite number"),
        (math.inf, {"at_least": 1}, "not a finite number"),
        (1, {"low": 0, "high": math.nan}, "interval 0.0 to nan.*not a finite number"),
    ],
)
def test_what_is_no_number_raises_and_records_nothing(shown, value, claim, says):
    with pytest.raises(AssertionError, match=says):
        page.record("error", value, unit="Hz", **claim)
    assert shown == []


@pytest.mark.parametrize(
    ("value", "claim", "broken"),
    [
        (3, {"at_least": 4}, "at least 4"),
        (5, {"at_most": 4}, "at most 4"),
        (5, {"at_least": 1, "at_most": 4}, "at most 4"),
        (1, {"at_least": math.nan}, "at least nan"),
        (1, {"at_most": math.nan}, "at most nan"),
        (4, {"at_least": 4, "at_most": 4}, ""),
    ],
)
def test_a_broken_claim_is_recorded_and_said_in_the_table(shown, value, claim, broken):
    page.record("error", value, unit="Hz", **claim)
    assert shown[0][RECORD]["not_so"] == broken
    page.measured()
    assert (f"Not so in this run: the text claims {broken} Hz." in shown[-1]["text/html"]) == bool(broken)


def test_an_interval_brings_its_ends_and_its_groups(shown):
    page.record("accuracy", Interval(0.8, 0.7, 0.9, 12), split="work")
    row = shown[0][RECORD]
    assert (row["value"], row["low"], row["high"]) == (0.8, 0.7, 0.9) and "12 groups" in row["note"]


def test_the_measured_table_shows_all_that_was_recorded(shown):
    page.record("drift <1>", 0.123456, unit="s", low=0.1, high=0.2, note="a & b")
    page.record("drift <1>", 0.5, unit="s", note="measured again")
    page.record("count", 1234)
    page.measured()
    table = ElementTree.fromstring(shown[-1]["text/html"])
    assert table.get("class") == "dlm-measured"
    cells = {row[0].text: [cell.text or "" for cell in row[1:]] for row in table.iter("tr")}
    assert cells["drift <1>"] == ["0.5 s", "measured again"]
    assert cells["count"][0] == "1234"


# ---------------------------------------------------------------- exercises


def double(x):
    return 2 * x


CASES = (page.case(2, expect=4, hint="An octave is twice the frequency."), page.case(x=0, expect=0, hint="Silence."))


def verdict(shown) -> tuple[bool, str]:
    """Whether the last check passed, and what the reader reads."""
    output = shown[-1]
    passed = output[CHECK]["passed"]
    assert output[CHECK] == {"exercise": "octave", "passed": passed}
    box = ElementTree.fromstring(output["text/html"])
    assert box.get("class") == f"dlm-check {'dlm-passed' if passed else 'dlm-not-yet'}" and box.get("role") == "status"
    assert box.text == output["text/plain"]
    return passed, box.text


def test_a_right_answer(shown):
    page.check("octave", double, *CASES)
    assert verdict(shown) == (True, "✓ octave: double is right, 2 of 2 cases hold.")


def stub(x): ...


def unwritten(x):
    raise NotImplementedError


def crashing(x):
    return 1 / 0


def half(x):
    return x / 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (stub, "stub(2) returned nothing. Write your answer in place of the dots"),
        (lambda x: ..., "returned nothing"),
        (unwritten, "Write your answer in place of the dots."),
        (crashing, "crashing(2) raised ZeroDivisionError: division by zero."),
        (..., "raised TypeError"),
        (half, "half(2) gave 1."),
        (lambda x: np.array([4.0]), "gave [4.]"),
        (lambda x: "<b>four</b>", "gave '<b>four</b>'"),
        (lambda x: math.nan, "gave nan"),
    ],
)
def test_an_answer_that_is_not_right_yet(shown, answer, says):
    page.check("octave", answer, *CASES)
    passed, text = verdict(shown)
    assert not passed
    assert text.startswith("✗ octave: not yet. ") and says in text
    assert text.endswith("An octave is twice the frequency.")


def test_the_hint_is_that_of_the_case_that_failed(shown):
    page.check("octave", lambda x: 4, *CASES)
    assert verdict(shown)[1].endswith("(x=0) gave 4. Silence.")


@pytest.mark.parametrize(
    ("got", "right"),
    [
        (np.array([1.0, 2.0, 3.0]), True),
        ([1, 2, 3], True),
        (np.array([1.0, 2.0, 3.0 + 1e-5]), False),
        (np.array([1.0, 2.0, 3.0 + 1e-7]), True),
        (np.array([[1.0, 2.0, 3.0]]), False),
        (np.array([1.0, 2.0]), False),
        (6.0, False),
    ],
)
def test_arrays_are_compared_by_shape_and_value(shown, got, right):
    page.check("octave", lambda: got, page.case(expect=np.array([1.0, 2.0, 3.0]), hint=""))
    assert verdict(shown)[0] is right


@pytest.mark.parametrize(
    ("expect", "got", "right"),
    [
        (0.0, 1e-9, True),
        (0.0, 0.1, False),
        (np.zeros(3), np.full(3, 1e-9), True),
        (1j, 1j + 1e-9, True),
        (1j, -1j, False),
        ("reel", "reel", True),
        ("reel", "jig", False),
        (True, np.True_, True),
        (True, False, False),
        (lambda got: got > 3, 4, True),
        (lambda got: got > 3, 3, False),
        (lambda got: got.shape == (2,), 3, False),
    ],
)
def test_what_may_be_expected(shown, expect, got, right):
    page.check("octave", lambda: got, page.case(expect=expect, hint="", tolerance=1e-6))
    assert verdict(shown)[0] is right


def test_a_tolerance_is_relative(shown):
    page.check("octave", lambda: 101.0, page.case(expect=100.0, hint="", tolerance=0.02))
    assert verdict(shown)[0]
    page.check("octave", lambda: 103.0, page.case(expect=100.0, hint="", tolerance=0.02))
    assert not verdict(shown)[0]


def test_cases_are_remembered_for_the_solution(shown):
    page.check("octave", half, *CASES)
    page.check("octave", double)
    assert verdict(shown) == (True, "✓ octave: double is right, 2 of 2 cases hold.")
    with pytest.raises(ValueError, match="'never given' has no cases yet: run the cell above"):
        page.check("never given", double)


def test_an_answer_that_changes_its_argument_does_not_spoil_the_next(shown):
    def in_place(x):
        x *= 3
        return x

    page.check("octave", in_place, page.case(np.array([1.0, 2.0]), expect=[2, 4], hint=""))
    assert not verdict(shown)[0]
    page.check("octave", double)
    assert verdict(shown)[0]


# ---------------------------------------------------------------- figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawing(title: str = "A title") -> plt.Figure:
    figure, ax = plot.axes()
    plot.spectrogram(np.random.default_rng(0).random((20, 30)), sr=8000, hop_length=100, ax=ax)
    ax.set_title(title)
    ax.plot([0.1, 9], [1000, 2000], marker="o")  # runs out of the axes and must be clipped
    ax.set_xlim(0, 0.3)
    return figure


def shown_svg(output) -> ElementTree.Element:
    figure = ElementTree.fromstring(output["text/html"])
    assert (figure.tag, figure.get("class")) == ("figure", "dlm-figure")
    return figure.find(f"{SVG}svg")


def test_a_figure_is_well_formed_described_and_closed(shown):
    figure = drawing()
    page.show(figure, 'Bach\'s "<1>" & more', caption="Listen & <look>")
    svg = shown_svg(shown[-1])
    assert (svg.get("role"), svg.get("aria-label")) == ("img", 'Bach\'s "<1>" & more')
    assert svg.get("viewBox") and svg.get("width") is None and svg.get("height") is None
    assert ElementTree.fromstring(shown[-1]["text/html"]).find("figcaption").text == "Listen & <look>"
    assert not plt.fignum_exists(figure.number)


def test_a_figure_takes_color_and_typeface_from_the_page(shown):
    page.show(drawing(), "noise")
    html = shown[-1]["text/html"]
    texts = {"".join(t.itertext()).strip() for t in shown_svg(shown[-1]).iter(f"{SVG}text")}
    assert {"A title", "time (s)", "frequency (Hz)"} <= texts  # text as text
    assert "currentColor" in html and plot.INK not in html
    assert html.count("font-family:inherit") >= len(texts) and "DejaVu" not in html
    assert "data:image/webp;base64," in html and "image/png" not in html
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", html) and "https://" not in html


def test_two_figures_share_no_id_and_refer_to_their_own(shown):
    page.show(drawing(), "noise")
    page.show(drawing(), "noise")
    named = []
    for output in shown:
        svg = shown_svg(output)
        assert list(svg.iter(f"{SVG}clipPath")) and list(svg.iter(f"{SVG}use"))
        referred = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', output["text/html"]))
        named.append({e.get("id") for e in svg.iter()} - {None})
        assert {a or b for a, b in referred} == named[-1]
    assert named[0].isdisjoint(named[1])


def test_a_figure_styles_nothing_but_itself(shown):
    page.show(drawing(), "noise")
    assert not list(shown_svg(shown[-1]).iter(f"{SVG}style"))
    assert "stroke-linejoin: round" in shown_svg(shown[-1]).get("style")


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_figure_needs_alt_text(alt):
    with pytest.raises(ValueError, match="A figure needs alt text"):
        page.show(drawing(), alt)


# ---------------------------------------------------------------- profiles


def test_a_chapter_begins_with_the_same_numbers_for_the_same_seed():
    one, again, other = (page.begin("smoke", seed=s).random(3) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.any(one != other)


def test_a_value_for_every_profile():
    assert [page.choose(p, smoke=1, quick=2, full=3) for p in page.PROFILES] == [1, 2, 3]
    assert page.choose("full", smoke=1, quick=2) == 2
    assert page.choose("full", smoke=1, quick=2, full=0) == 0


@pytest.mark.parametrize("of", [page.begin, lambda profile: page.choose(profile, smoke=1, quick=2)])
@pytest.mark.parametrize("profile", ["fast", "", None, "Quick"])
def test_an_unknown_profile(of, profile):
    with pytest.raises(ValueError, match=f"profile={profile!r}: expected one of smoke, quick, full"):
        of(profile)


# ---------------------------------------------------------------- models and their scores


def scored(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["model", "score", "value", "low", "high", "groups"])


def test_results_are_shown_and_each_recorded_with_its_interval(shown):
    table = scored(
        ("SVM", "segment accuracy", 0.5, 0.4, 0.6, 12),
        ("SVM", "balanced accuracy", 0.45, 0.3, 0.5, 12),
        ("CNN <mel>", "segment accuracy", 0.75, 0.7, 0.8, 12),
        ("CNN <mel>", "balanced accuracy", 0.7, 0.6, 0.8, 12),
    )
    page.results(
        table, split="work", caption="held-out works", parameters={"CNN <mel>": 51234}, seconds={"CNN <mel>": 9}
    )
    html = ElementTree.fromstring(shown[0]["text/html"])
    assert html.find("figcaption").text == "held-out works"
    rows = ["".join(row.itertext()) for row in html.iter("tr")]
    assert rows[0] == "modelsegment accuracybalanced accuracyparameterstraining (s)"
    assert rows[1] == "SVM0.500 0.40 to 0.600.450 0.30 to 0.50——"
    assert rows[2].startswith("CNN <mel>0.750 0.70 to 0.80") and rows[2].endswith("51,2349")
    recorded = {r[RECORD]["name"]: r[RECORD] for r in shown[1:]}
    assert recorded["segment accuracy, SVM"] == {
        "name": "segment accuracy, SVM",
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "unit": "",
        "split": "work",
        "note": "95 % interval over 12 groups",
        "not_so": "",
    }
    assert recorded["size, CNN <mel>"]["value"] == 51234 and recorded["training time, CNN <mel>"]["unit"] == "s"
    assert len(recorded) == 6


def test_results_show_what_is_beside_them_and_do_not_record_it(shown):
    table = scored(("SVM", "segment accuracy", 0.5, 0.4, 0.6, 12), ("CNN", "segment accuracy", 0.7, 0.6, 0.8, 12))
    page.results(table, split="work", caption="c", beside={"published": {"CNN": "0.6 <on others>"}})
    rows = ["".join(row.itertext()) for row in ElementTree.fromstring(shown[0]["text/html"]).iter("tr")]
    assert rows[0] == "modelsegment accuracypublished"
    assert rows[1].endswith("—") and rows[2].endswith("0.6 <on others>")
    assert [r[RECORD]["name"] for r in shown[1:]] == ["segment accuracy, SVM", "segment accuracy, CNN"]


def test_results_of_pairs_say_so_in_their_first_column(shown):
    table = scored(("CNN over SVM", "gain", -0.02, -0.1, 0.06, 12))
    page.results(table, split="work", caption="c", rows="pair", prefix="which way: ")
    rows = ["".join(row.itertext()) for row in ElementTree.fromstring(shown[0]["text/html"]).iter("tr")]
    assert rows == ["pairgain", "CNN over SVM-0.020 -0.10 to 0.06"]
    assert shown[1][RECORD]["name"] == "which way: gain, CNN over SVM"


def test_a_source_is_shown_from_its_file_without_the_docstring(shown):
    page.source(models.genre_cnn)
    text = shown[0]["text/markdown"]
    assert text.startswith(
        "```python\n# musiclib.models.classify.genre_cnn.genre_cnn\ndef genre_cnn("
    ) and text.endswith("\n```")
    assert "Conv2D" in text and "Taught in" not in text
    ast.parse(text.removeprefix("```python\n").removesuffix("```"))


def test_all_that_the_page_offers_is_there():
    assert all(callable(getattr(page, name)) for name in page.__all__ if name != "PROFILES")


# ---------------------------------------------------------------- longer runs


def test_a_run_is_kept_and_shown_with_the_command_that_repeats_it(shown, tmp_path):
    table = scored(("SVM", "accuracy", 0.5, 0.4, 0.6, 12), ("always <one>", "accuracy", 0.2, float("nan"), None, 12))
    file = tmp_path / "run.json"
    page.keep_run(
        file,
        table,
        chapter="10_genre_cnn",
        parameters={"profile": "full", "seed": 0, "dataset": "", "data_home": None},
        seconds=1234.5,
        data="7 works",
        gpus=1,
        gains={"mel": Interval(0.1, 0.0, 0.2, 12), "steps": [1, 2]},
    )
    run = page.kept_run(file)
    assert run["command"] == "papermill 10_genre_cnn.ipynb long.ipynb -p profile full -p seed 0"
    assert run["gains"] == {"mel": Interval(0.1, 0.0, 0.2, 12), "steps": [1, 2]}
    assert isinstance(run["gains"]["mel"], Interval)  # and no tuple that equals it
    pd.testing.assert_frame_equal(run["figures"], table, check_dtype=False)
    page.longer_run(run)
    html = ElementTree.fromstring(shown[0]["text/html"].replace("<br>", "<br/>"))
    rows = ["".join(row.itertext()) for row in html.iter("tr")]
    assert rows == ["modelaccuracy", "SVM0.500 0.40 to 0.60", "always <one>0.200"]
    caption = "".join(html.find("figcaption").itertext())
    assert re.match(
        r"Not run when this page was built, but on \d{4}-\d\d-\d\d, in 1,234 s on \d+ CPU cores, 1 GPUs", caption
    )
    assert "7 works" in caption and caption.endswith(run["command"])
    assert len(shown) == 1  # it is no figure of this run: none is recorded


def test_a_score_that_a_model_has_not_is_a_dash(shown):
    rows = [("SVM", "accuracy", 0.5), ("SVM", "five folds", 0.6), ("network", "accuracy", 0.7)]
    table = pd.DataFrame(rows, columns=["model", "score", "value"]).assign(low=np.nan, high=np.nan, groups=1)
    run = {"date": "", "seconds": 1, "machine": "", "data": "", "command": "", "figures": table}
    page.longer_run(run)
    html = ElementTree.fromstring(shown[0]["text/html"].replace("<br>", "<br/>"))
    cells = [[cell.text for cell in row] for row in html.iter("tr")]
    assert cells == [["model", "accuracy", "five folds"], ["SVM", "0.500", "0.600"], ["network", "0.700", "—"]]


def test_a_kept_model_is_shown_with_how_it_was_made_or_why_it_is_not_here(shown, capsys):
    model = page.kept_model("musicnn_mtt")
    assert model.output_shape == (None, 50)
    card, html = models.kept_card("musicnn_mtt"), shown[0]["text/html"]
    assert card["date"] in html and "<code>musicnn_mtt</code>" in html and "19,000 excerpts of songs" in html
    assert page.kept_model("no_such_model") is None
    assert len(shown) == 1 and "musicnn_mtt" in capsys.readouterr().out  # which there are


def test_where_no_run_is_kept_it_says_so(shown, tmp_path, capsys):
    run = page.kept_run(tmp_path / "none.json")
    page.longer_run(run)
    assert run == {} and not shown
    assert capsys.readouterr().out == "No longer run is kept here.\n"
