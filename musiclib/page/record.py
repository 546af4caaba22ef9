"""Figures that the page claims: recorded by the run that made them, with the bound that the text relies on."""

import math
from html import escape

from IPython.display import HTML, display

from musiclib.statistics import Interval

RECORD_MIME = "application/vnd.musiclib.record+json"
_recorded: dict[str, dict] = {}


def record(
    name: str,
    value: float | Interval,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    split: str = "",
    note: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
) -> None:
    """Record a figure for the results page, with what the text claims of it.

    In the build that makes the book a claim that does not hold turns the chapter red; anywhere else the table of
    :func:`measured` says that it is not so in this run. For what a chapter found, :func:`musiclib.page.finding` says it
    in a sentence.

    Parameters
    ----------
    name : what was measured
    value : the figure; an interval brings its own ends, and a note on how many groups it rests
    unit : of the value
    low, high : its interval
    split : the unit that was never split, where data were split
    note : how it was measured
    at_least, at_most : what the text claims

    Raises
    ------
    AssertionError
        If the value or an end of its interval is no finite number.
    """
    if isinstance(value, Interval):
        low, high, note = value.low, value.high, note or f"95 % interval over {value.groups} groups"
        value = value.value
    value = float(value)
    low, high = (None if end is None else float(end) for end in (low, high))
    said = f"{name} = {value:.6g} {unit}".strip()
    if not all(math.isfinite(number) for number in (value, low, high) if number is not None):
        raise AssertionError(f"{said} (interval {low} to {high}): not a finite number.")
    asked = {"at least": at_least, "at most": at_most}
    claims = {words: float(bound) for words, bound in asked.items() if bound is not None}
    # Asked this way round, a bound that is NaN is broken and not kept.
    broken = [w for w, bound in claims.items() if not (value >= bound if w == "at least" else value <= bound)]
    row = {"name": name, "value": value, "low": low, "high": high, "unit": unit, "split": split, "note": note}
    row["not_so"] = ", ".join(f"{words} {claims[words]:g}" for words in broken)
    _recorded[name] = row
    display({RECORD_MIME: row}, raw=True)


def measured() -> None:
    """Show what this chapter has recorded so far, as a table."""
    rows = "".join(
        f'<tr><th scope="row">{escape(r["name"])}</th><td>{_number(r)}</td><td>{_how(r)}</td></tr>'
        for r in _recorded.values()
    )
    head = '<tr><th scope="col">measured</th><th scope="col">value</th><th scope="col">how</th></tr>'
    display(HTML(f'<table class="dlm-measured"><thead>{head}</thead><tbody>{rows}</tbody></table>'))


def _how(row: dict) -> str:
    if not row["not_so"]:
        return escape(row["note"])
    claim = f"{row['not_so']} {row['unit']}".rstrip()
    return escape(f"{row['note']} Not so in this run: the text claims {claim}.".strip())


def _number(row: dict) -> str:
    value, low, high = (None if n is None else _digits(n) for n in (row["value"], row["low"], row["high"]))
    text = value if low is None or high is None else f"{value} ({low} to {high})"
    return escape(f"{text} {row['unit']}".strip())


def _digits(number: float) -> str:
    return f"{number:.4g}" if abs(number) < 10_000 else f"{number:,.0f}"
