"""What a chapter found, said in a sentence made from the run's own numbers; and checks that must hold everywhere."""

import hashlib
import math
import re
import string
from html import escape
from typing import Any

import numpy as np
from IPython.display import display

from musiclib import plot
from musiclib.statistics import Interval, written

FINDING_MIME = "application/vnd.musiclib.finding+json"
AGREES_MIME = "application/vnd.musiclib.agrees+json"
_MARKUP = ((r"\*\*(.+?)\*\*", r"<strong>\1</strong>"), (r"\*(.+?)\*", r"<em>\1</em>"), (r"`(.+?)`", r"<code>\1</code>"))


class _Sentence(string.Formatter):
    """Fills numbers and intervals in as :func:`musiclib.statistics.written` writes them."""

    def format_field(self, value: Any, format_spec: str) -> str:
        number = isinstance(value, int | float | np.number | Interval) and not isinstance(value, bool)
        return written(value, format_spec) if number else format(value, format_spec)


def finding(sentence: str, *, holds: bool, split: str = "", **values: Any) -> None:
    """Say on the page what this run found.

    In the build that makes the book a finding that does not hold turns the chapter red. Anywhere else, on a GPU, with
    other music or another seed, the page says that it is not so in this run, with this run's numbers, and runs on.

    Parameters
    ----------
    sentence : with a place for each value, and how to write it: ``"The network names {right:.0%} of the recordings
        right, {lead:.0points} more than the SVM."``; see :func:`musiclib.statistics.written` for the formats.
        ``**strong**``, ``*emphasis*`` and code in backticks are shown as such
    holds : whether the numbers bear out what the sentence says
    split : the unit that was never split, where data were split
    values : a number, an :class:`~musiclib.statistics.Interval` or a word for each place

    Raises
    ------
    KeyError, TypeError
        If a place has no value, a value no place, or ``holds`` is neither true nor false.
    """
    if not isinstance(holds, bool | np.bool_):
        raise TypeError(f"holds={holds!r}: expected True or False, such as `gain.low > 0`.")
    places = {re.split(r"[.\[]", name)[0] for _, name, *_ in string.Formatter().parse(sentence) if name is not None}
    if places != set(values):
        raise KeyError(f"The sentence has places for {sorted(places)}, and the values are {sorted(values)}.")
    numbers = {name: _parts(value) for name, value in values.items() if not isinstance(value, str)}
    finite = all(math.isfinite(part) for parts in numbers.values() for part in parts.values())
    text = _Sentence().format(sentence, **values)
    bears_out = bool(holds) and finite
    identity = f"finding-{hashlib.sha256(sentence.encode()).hexdigest()[:8]}"
    row = {"id": identity, "sentence": _plain(text), "html": _html(text), "holds": bears_out}
    row |= {"values": numbers, "split": split}
    before = "" if bears_out else "Not so in this run: "
    style = f"border-left:3px solid {plot.SECOND if bears_out else plot.ACCENT};padding:0.1em 0 0.1em 0.9em"
    kind = "dlm-finding" if bears_out else "dlm-finding dlm-not-so"
    html = f'<p class="{kind}" id="{identity}" style="{style}">{f"<strong>{before}</strong>" * bool(before)}'
    shown = {"text/plain": before + _plain(text), "text/html": f"{html}{row['html']}</p>", FINDING_MIME: row}
    display(shown, raw=True)


def _parts(value: Any) -> dict[str, float]:
    if isinstance(value, Interval):
        return {"value": value.value, "low": value.low, "high": value.high, "groups": value.groups}
    return {"value": float(value)}


def _html(text: str) -> str:
    text = escape(text, quote=False)
    for pattern, replacement in _MARKUP:
        text = re.sub(pattern, replacement, text)
    return text


def _plain(text: str) -> str:
    for pattern, _ in _MARKUP:
        text = re.sub(pattern, r"\1", text)
    return text


def agrees(mine: Any, theirs: Any, what: str, *, within: float | None = None) -> None:
    """Check that two ways to compute the same thing agree, and say how nearly. It must hold on every machine.

    Parameters
    ----------
    mine, theirs : arrays or tensors of one shape. Numbers that are no fractions, and words, must be equal
    what : what is compared, such as ``"our FFT and NumPy's"``
    within : the largest difference that will do, as a share of the largest of ``theirs``. None follows from the
        coarser of the two types: eps to the power of 2/3, which is 2e-5 in float32 and 4e-11 in float64. What a
        network computes in bfloat16 is to be computed in float32 for a check

    Raises
    ------
    AssertionError
        If the shapes or the numbers differ, saying where and by how much.
    """
    a, b = np.asarray(mine), np.asarray(theirs)
    if a.shape != b.shape:
        raise AssertionError(f"{what}: shapes {a.shape} and {b.shape}. Expected the same.")
    if not (_is_fraction(a) or _is_fraction(b)):
        wrong = np.argwhere(a != b)
        if len(wrong):
            at = tuple(map(int, wrong[0]))
            raise AssertionError(f"{what}: {len(wrong)} of {a.size} differ, the first at {at}: {a[at]} and {b[at]}.")
        difference, most = 0.0, 0.0
    else:
        most = max(_eps(a), _eps(b)) ** (2 / 3) if within is None else within
        wide = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
        a, b = a.astype(wide), b.astype(wide)
        off = np.abs(a - b) / (np.max(np.abs(b), initial=0.0) or 1.0)
        difference = float(np.max(off, initial=0.0))
        if not difference <= most:  # asked this way round, NaN is no agreement
            at = tuple(map(int, np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)))
            raise AssertionError(
                f"{what}: they differ by {difference:.2g} of the largest, at {at}: {a[at]:.6g} and {b[at]:.6g}; "
                f"expected at most {most:.2g}."
            )
    how = "are equal" if difference == 0 else f"agree to {difference:.1g} of the largest value"
    text = f"✓ {what[:1].upper()}{what[1:]} {how}."
    html = f'<p class="dlm-agrees" style="border-left:3px solid {plot.SECOND};padding-left:0.9em">{escape(text)}</p>'
    row = {"what": what, "difference": difference, "within": most}
    display({"text/plain": text, "text/html": html, AGREES_MIME: row}, raw=True)


def _is_fraction(x: np.ndarray) -> bool:
    return x.dtype.kind in "fc" or x.dtype.name == "bfloat16"


def _eps(x: np.ndarray) -> float:
    if x.dtype.name == "bfloat16":  # NumPy itself does not know it
        return 2.0**-7
    return float(np.finfo(x.dtype).eps) if _is_fraction(x) else 0.0
