"""Figures that the page claims: recorded by the run that made them, with the bound that the text relies on."""

import math
from html import escape

from IPython.display import HTML, display

RECORD_MIME = "application/vnd.musiclib.record+json"
_recorded: dict[str, dict] = {}


def record(
    name: str,
    value: float,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    split: str = "",
    note: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
) -> None:
    """Record a figure for the results page, and assert what the text claims of it.

    Parameters
    ----------
    name : what was measured
    value : the figure
    unit : of the value
    low, high : its interval
    split : the unit that was never split, where data were split
    note : how it was measured
    at_least, at_most : what the text claims

    Raises
    ------
    AssertionError
        If the value or an end of its interval is no finite number, or the value breaks its bound.
    """
    value = float(value)
    low, high = (None if end is None else float(end) for end in (low, high))
    said = f"{name} = {value:.6g} {unit}".strip()
    if not all(math.isfinite(number) for number in (value, low, high) if number is not None):
        raise AssertionError(f"{said} (interval {low} to {high}): not a finite number.")
    # Asked this way round, a bound that is NaN is broken and not kept.
    if at_least is not None and not value >= at_least:
        raise AssertionError(f"{said}, but the text claims at least {at_least:g}.")
    if at_most is not None and not value <= at_most:
        raise AssertionError(f"{said}, but the text claims at most {at_most:g}.")
    row = {"name": name, "value": value, "low": low, "high": high, "unit": unit, "split": split, "note": note}
    _recorded[name] = row
    display({RECORD_MIME: row}, raw=True)


def measured() -> None:
    """Show what this chapter has recorded so far, as a table."""
    rows = "".join(
        f'<tr><th scope="row">{escape(r["name"])}</th><td>{_number(r)}</td><td>{escape(r["note"])}</td></tr>'
        for r in _recorded.values()
    )
    head = '<tr><th scope="col">measured</th><th scope="col">value</th><th scope="col">how</th></tr>'
    display(HTML(f'<table class="dlm-measured"><thead>{head}</thead><tbody>{rows}</tbody></table>'))


def _number(row: dict) -> str:
    value, low, high = (None if n is None else _digits(n) for n in (row["value"], row["low"], row["high"]))
    text = value if low is None or high is None else f"{value} ({low} to {high})"
    return escape(f"{text} {row['unit']}".strip())


def _digits(number: float) -> str:
    return f"{number:.4g}" if abs(number) < 10_000 else f"{number:,.0f}"
