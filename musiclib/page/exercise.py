"""Exercises that check themselves and answer with a hint."""

import copy
from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import numpy as np
from IPython.display import display

from musiclib import plot

CHECK_MIME = "application/vnd.musiclib.check+json"
_cases: dict[str, tuple["Case", ...]] = {}


class Case(NamedTuple):
    """One thing that a right answer does; made by :func:`case`."""

    arguments: tuple
    options: dict
    expect: Any
    hint: str
    tolerance: float


def case(*arguments: Any, expect: Any, hint: str, tolerance: float = 1e-6, **options: Any) -> Case:
    """A call of the answer, and what it should return.

    Parameters
    ----------
    arguments, options : what to call the answer with
    expect : the value, compared with a relative ``tolerance``; or a function of the result that judges it
    hint : a musical hint for the reader whose answer is not
    """
    return Case(arguments, options, expect, hint, tolerance)


def exercise(name: str, *cases: Case) -> None:
    """Set an exercise: what a right answer does, for :func:`check` to try."""
    _cases[name] = cases


def check(name: str, answer: Callable, *cases: Case) -> None:
    """Try an answer and say whether it is right; if it is not, with what it was called, what it gave, and a hint.

    Parameters
    ----------
    name : the exercise's name
    answer : the reader's function
    cases : from :func:`case`; without any, those given to :func:`exercise` under this name

    Raises
    ------
    ValueError
        If there have been no cases under this name.
    """
    if cases:
        exercise(name, *cases)
    if name not in _cases:
        raise ValueError(f"The exercise {name!r} has no cases yet: run the cell above, where they are given.")
    problem = next((text for c in _cases[name] if (text := _problem(answer, c))), None)
    if problem is None:
        count = len(_cases[name])
        who = getattr(answer, "__name__", "the answer")
        plain, look = f"✓ {name}: {who} is right, {count} of {count} cases hold.", "dlm-passed"
    else:
        plain, look = f"✗ {name}: not yet. {problem}", "dlm-not-yet"
    style = f"border-left:4px solid {plot.SECOND if problem is None else plot.ACCENT};padding:0.5em 1em"
    display(
        {
            "text/plain": plain,
            "text/html": f'<div class="dlm-check {look}" role="status" style="{style}">{escape(plain)}</div>',
            CHECK_MIME: {"exercise": name, "passed": problem is None},
        },
        raw=True,
    )


def _problem(answer: Callable, c: Case) -> str | None:
    call = ", ".join([_short(a) for a in c.arguments] + [f"{k}={_short(v)}" for k, v in c.options.items()])
    called = f"{getattr(answer, '__name__', 'answer')}({call})"
    # Copies, so that an answer that changes its arguments in place does not spoil them for the next.
    arguments, options = copy.deepcopy((c.arguments, c.options))
    try:
        got = answer(*arguments, **options)
    except NotImplementedError:
        return f"Write your answer in place of the dots. {c.hint}"
    except Exception as error:  # whatever a learner's code raises is part of the answer
        return f"{called} raised {type(error).__name__}: {error}. {c.hint}"
    if got is None or got is Ellipsis:
        return f"{called} returned nothing. Write your answer in place of the dots, and return it. {c.hint}"
    try:
        right = bool(c.expect(got)) if callable(c.expect) else _equal(got, c.expect, c.tolerance)
    except Exception as error:  # a result of a wrong type or shape
        return f"{called} gave {_short(got)}, which cannot be judged ({type(error).__name__}: {error}). {c.hint}"
    return None if right else f"{called} gave {_short(got)}. {c.hint}"


def _equal(got: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, str | bool):
        return got == expected
    got, expected = np.asarray(got), np.asarray(expected)
    # Relative to the largest entry, so that small ones need not be nearer than large ones; zeros to 1.
    scale = tolerance * (float(np.max(np.abs(expected), initial=0.0)) or 1.0)
    return got.shape == expected.shape and bool(np.allclose(got, expected, rtol=0, atol=scale))


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return (
            f"array of shape {value.shape}" if value.size > 6 else np.array2string(value, precision=4, separator=", ")
        )
    return f"{value:.6g}" if isinstance(value, float) else f"{value!r:.60}"
