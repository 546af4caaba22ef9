"""Findings: sentences made of a run's own numbers; and computations that must agree everywhere."""

import keras
import numpy as np
import pytest

from musiclib import page
from musiclib.statistics import Interval

FINDING = "application/vnd.musiclib.finding+json"
AGREES = "application/vnd.musiclib.agrees+json"
RIGHT = Interval(0.859, 0.821, 0.889, 87)
LEAD = Interval(0.03, 0.004, 0.062, 87)
CLAIM = "The network names **{right:.0%}** of the recordings right, {lead:.1points} more than the SVM."


def test_a_finding_says_its_numbers_to_eyes_ears_and_the_build(shown):
    page.finding(CLAIM, right=RIGHT, lead=LEAD, holds=LEAD.low > 0, split="work")
    [output] = shown
    said = "The network names 86~% (82 to 89) of the recordings right, 3.0~points (0.4 to 6.2) more than the SVM."
    said = said.replace("~", "\u00a0")  # no line ends between a number and its unit
    assert output["text/plain"] == said
    assert "<strong>86\u00a0% (82 to 89)</strong>" in output["text/html"] and "Not so" not in output["text/html"]
    row = output[FINDING]
    assert row["holds"] is True and row["split"] == "work" and row["sentence"] == said
    assert row["values"]["lead"] == {"value": 0.03, "low": 0.004, "high": 0.062, "groups": 87}
    assert f'id="{row["id"]}"' in output["text/html"]


def test_a_finding_that_does_not_hold_says_so_with_this_runs_numbers(shown):
    page.finding("The SVM loses {lead:+.1points}.", lead=-LEAD, holds=np.bool_(False))
    assert shown[0]["text/plain"].startswith(
        "Not so in this run: The SVM loses \u22123.0\u00a0points (\u22126.2 to \u22120.4)"
    )
    assert "<strong>Not so in this run: </strong>" in shown[0]["text/html"] and shown[0][FINDING]["holds"] is False


@pytest.mark.parametrize("broken", [np.nan, np.inf, Interval(0.5, np.nan, 0.6, 3)])
def test_a_number_that_is_none_bears_nothing_out(shown, broken):
    page.finding("It is {x}.", x=broken, holds=True)
    assert shown[0][FINDING]["holds"] is False


def test_a_place_stays_the_same_while_its_numbers_change(shown):
    page.finding("It took {s:.1f s}.", s=1.0, holds=True)
    page.finding("It took {s:.1f s}.", s=2.0, holds=True)
    page.finding("It takes {s:.1f s}.", s=2.0, holds=True)
    first, second, third = (output[FINDING]["id"] for output in shown)
    assert first == second != third


def test_words_whole_numbers_and_markup_in_a_sentence(shown):
    page.finding("{who} <b> plays {n:,d notes}, *mostly* `C4`.", who="cello", n=12_345, holds=True)
    assert shown[0]["text/plain"] == "cello <b> plays 12,345\u00a0notes, mostly C4."
    assert "cello &lt;b&gt; plays 12,345\u00a0notes, <em>mostly</em> <code>C4</code>." in shown[0]["text/html"]
    assert shown[0][FINDING]["html"] in shown[0]["text/html"]
    assert shown[0][FINDING]["values"] == {"n": {"value": 12345.0}}


@pytest.mark.parametrize(
    ("sentence", "values", "error", "says"),
    [
        ("It is {x}.", {}, KeyError, "places for"),
        ("It is so.", {"x": 1}, KeyError, "places for"),
        ("It is {x}.", {"x": 1, "holds": LEAD}, TypeError, "gain.low > 0"),
        ("It is {x}.", {"x": 1, "holds": None}, TypeError, "True or False"),
    ],
)
def test_a_finding_that_cannot_be_said(shown, sentence, values, error, says):
    with pytest.raises(error, match=says):
        page.finding(sentence, **{"holds": True} | values)
    assert shown == []


# ---------------------------------------------------------------- computations that agree


def test_two_ways_that_agree_say_how_nearly(shown):
    x = np.random.default_rng(0).normal(size=(4, 256))
    page.agrees(np.fft.rfft(x.astype(np.float32)).astype(np.complex64), np.fft.rfft(x), "our FFT and NumPy's")
    row = shown[0][AGREES]
    assert 0 < row["difference"] < row["within"] < 1e-4
    assert shown[0]["text/plain"].startswith("✓ Our FFT and NumPy's agree to ")


def test_what_is_computed_in_few_bits_is_held_to_few_bits(shown):
    x = np.linspace(0.1, 1, 50)
    page.agrees(keras.ops.cast(x, "bfloat16"), x, "a cast to bfloat16")
    with pytest.raises(AssertionError, match=r"differ by 0\.1"):
        page.agrees(keras.ops.cast(x * 1.1, "bfloat16"), x, "a tenth more")
    with pytest.raises(AssertionError, match="expected at most"):
        page.agrees(x.astype(np.float32) * (1 + 1e-4), x, "float32 is held to more")


@pytest.mark.parametrize(
    ("mine", "theirs", "options", "says"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], {}, r"shapes \(2,\) and \(3,\)"),
        ([1.0, 2.0], [1.0, 2.1], {}, r"differ by 0\.048 of the largest, at \(1,\)"),
        ([1.0, np.nan], [1.0, 2.0], {}, r"at \(1,\)"),
        ([1, 2], [1, 3], {}, r"1 of 2 differ, the first at \(1,\): 2 and 3"),
        (["a"], ["b"], {}, "1 of 1 differ"),
        ([1.0], [1.02], {"within": 0.01}, "at most 0.01"),
    ],
)
def test_two_ways_that_do_not_agree_raise_everywhere(shown, mine, theirs, options, says):
    with pytest.raises(AssertionError, match=says):
        page.agrees(mine, theirs, "this and that", **options)
    assert shown == []


def test_whole_numbers_and_empty_arrays_agree_by_being_equal(shown):
    page.agrees([1, 2], (1, 2), "counts")
    page.agrees(np.zeros((0, 3)), np.zeros((0, 3)), "nothing")
    page.agrees([1.0], [1.02], "a loose pair", within=0.05)
    assert [output["text/plain"].split()[-2] for output in shown][:2] == ["are", "are"]
