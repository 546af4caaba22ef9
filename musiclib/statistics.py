"""How sure a number is: intervals over groups, never over items that know each other."""

import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.special

_DRAWN_AT_ONCE = 1_000_000  # groups drawn that are in memory at once, 8 MB


class StatisticsError(ValueError):
    """Numbers that no interval can be made of. The message says what stands in the way and what to do."""


class _Four(NamedTuple):
    value: float
    low: float
    high: float
    groups: int


class Interval(_Four):
    """A statistic and how far chance in the choice of groups moves it; made by :func:`bootstrap_interval`.

    It unpacks as (value, low, high, groups), and is written into text by a format: ``f"{accuracy:.0%}"`` is
    ``86 % (82 to 89)``, ``f"{lead:.1points}"`` is ``3.0 points (0.4 to 6.2)``, ``f"{error:.2f dB}"`` is
    ``1.25 dB (1.10 to 1.38)``.

    A number can be added to it or multiply it. Two of them can be added and subtracted where they come from the same
    groups, resamples and seed: then each resample of one is set against the *same* resample of the other, a paired
    comparison, in which what is hard for both drops out. Any other two have no common interval, and that is an error.

    Attributes
    ----------
    value, low, high : the statistic, and the ends of its interval
    groups : how many groups it rests on
    """

    _draws: np.ndarray | None = None
    _drawing: str = ""
    __array_ufunc__ = None  # a NumPy number times an interval is an interval, not an array of four

    def __new__(
        cls,
        value: float,
        low: float,
        high: float,
        groups: int,
        draws: np.ndarray | None = None,
        drawing: str = "",
    ) -> "Interval":
        self = super().__new__(cls, value, low, high, groups)
        self._draws, self._drawing = draws, drawing
        return self

    @classmethod
    def of_draws(cls, value: float, draws: np.ndarray, groups: int, *, level: float, drawing: str) -> "Interval":
        """The percentile interval of a statistic's resamples, its quantiles moved outward for few groups."""
        few = np.sqrt(groups / (groups - 1)) * scipy.special.stdtrit(groups - 1, (1 - level) / 2)
        low, high = np.quantile(draws, [scipy.special.ndtr(few), scipy.special.ndtr(-few)])
        return cls(float(value), float(low), float(high), groups, draws, drawing)

    def _with(self, other: Any, combine: Callable[[Any, Any], Any]) -> "Interval":
        if not isinstance(other, Interval):
            ends = combine(self.low, other), combine(self.high, other)
            draws = None if self._draws is None else combine(self._draws, other)
            value = float(combine(self.value, other))
            return Interval(value, float(min(ends)), float(max(ends)), self.groups, draws, self._drawing)
        if self._draws is None or other._draws is None or self._drawing != other._drawing:
            raise StatisticsError(
                f"{self!r} and {other!r} are not of the same groups, resamples and seed, so that no interval of their "
                "difference follows. Take the difference item by item, and bootstrap_interval of that."
            )
        level = float(self._drawing.split()[0])
        draws = combine(self._draws, other._draws)
        value = combine(self.value, other.value)
        return Interval.of_draws(value, draws, self.groups, level=level, drawing=self._drawing)

    def __add__(self, other: Any) -> "Interval":  # of values, and not of tuples
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> "Interval":
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, factor: float) -> "Interval":  # type: ignore[override]
        if isinstance(factor, Interval):
            raise StatisticsError("A product of two intervals has no interval of its own. Multiply by a number.")
        return self._with(factor, lambda a, b: a * b)

    __radd__, __rmul__ = __add__, __mul__  # type: ignore[assignment]

    def __rsub__(self, other: float) -> "Interval":
        return -self + other

    def __truediv__(self, number: float) -> "Interval":
        return self * (1 / number)

    def __neg__(self) -> "Interval":
        return self * -1.0

    def __repr__(self) -> str:
        return f"Interval({self.value:.4g}, {self.low:.4g} to {self.high:.4g}, {self.groups} groups)"

    def __format__(self, spec: str) -> str:
        return written(self, spec)


_SPEC = re.compile(r"([+,]*(?:\.\d+)?(?:[defg%](?![a-zA-Z]))?) ?(.*)", re.DOTALL)


def written(number: "float | Interval", spec: str = "") -> str:
    """A number, or an interval, as text: what stands in the sentences of a page.

    Parameters
    ----------
    number : to write
    spec : a number's format, then a unit: ``".0%"``, ``".1points"`` (hundredths, of a difference of shares),
        ``".2f dB"``, ``",d"``; ``""`` is three significant digits

    Returns
    -------
    str, with a real minus sign and no break before the unit; an interval has its ends in brackets
    """
    form, unit = _SPEC.fullmatch(spec).groups()  # type: ignore[union-attr]  # the unit may be any text
    hundredths = form.endswith("%") or unit == "points"
    if form.endswith("%"):
        form, unit = form[:-1], "%"
    form = form if form.endswith(("d", "e", "f", "g")) else f"{form}f" if form else "g" if hundredths else ".3g"

    def one(x: float) -> str:
        text = format(round(x) if form.endswith("d") else 100 * x if hundredths else x, form)
        zero = not text.strip("-0.,")  # "-0.00" is 0.00
        return (text.lstrip("-") if zero else text).replace("-", "\u2212")

    value = one(number.value if isinstance(number, Interval) else number)
    value += f"\u00a0{unit}" if unit else ""  # a number and its unit stay on one line
    return f"{value} ({one(number.low)} to {one(number.high)})" if isinstance(number, Interval) else value


def bootstrap_interval(
    values: np.ndarray,
    groups: np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.mean,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """A statistic of ``values``, and its interval when whole groups are drawn again, with replacement.

    Items of one group are not independent, so an interval over items would be too narrow. To compare two models on
    the same items, let ``values`` be the difference, such as ``right_a - right_b`` with 1 for right and 0 for wrong:
    what is hard for both drops out, and where the interval does not hold 0 the groups tell the models apart.

    Parameters
    ----------
    values : array, shape (N,) or (N, ...): a number an item, such as 1 for right and 0 for wrong; or a row an item,
        such as (truth, prediction), for a ``statistic`` that needs both
    groups : shape (N,), the group of each item
    statistic : from some of the values to a number; the mean is computed for many resamples at once
    level : coverage of the interval, between 0 and 1
    resamples : how many times the groups are drawn
    seed : of the drawing

    Returns
    -------
    Interval(value, low, high, groups)

    Raises
    ------
    StatisticsError
        If a value is NaN or infinite, the lengths differ, there are fewer than two groups, the statistic of a
        resample is no finite number, or ``level`` or ``resamples`` is out of range.

    Notes
    -----
    A percentile interval, its quantiles moved outward as Student's t asks for G groups: plain percentiles are too
    narrow by about sqrt((G - 1) / G), and by more where G is small. No interval can be trusted on fewer than five.

    Taught in: 08_splits_and_leakage

    References
    ----------
    Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8; the expanded percentiles:
    Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69(4), 2015,
    doi:10.1080/00031305.2015.1089789.
    """
    values, groups = np.asarray(values), np.asarray(groups)
    if values.shape[:1] != groups.shape:
        raise StatisticsError(f"{len(values)} values and {len(groups)} groups: expected a group for each value.")
    if pd.isna(groups).any():
        raise StatisticsError(f"{int(pd.isna(groups).sum())} values have no group. Expected a group for each value.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise StatisticsError(
            f"{int((~np.isfinite(values)).sum())} values are NaN or infinite. Expected finite numbers."
        )
    if not 0 < level < 1 or resamples < 1:
        raise StatisticsError(
            f"level={level}, resamples={resamples}: expected a level between 0 and 1 and some resamples."
        )
    code, names = pd.factorize(groups)
    G = len(names)
    if G < 2:
        raise StatisticsError(f"{G} group: an interval over groups needs at least two.")
    counts = np.bincount(code)
    if statistic is np.mean and values.ndim == 1:
        sums = np.bincount(code, weights=values)

        def evaluate(draws):
            return sums[draws].sum(1) / counts[draws].sum(1)
    else:
        members = np.split(np.argsort(code, kind="stable"), np.cumsum(counts)[:-1])

        def evaluate(draws):
            return [statistic(values[np.concatenate([members[g] for g in draw])]) for draw in draws]

    rng = np.random.default_rng(seed)
    results = np.empty(resamples)
    for part in np.array_split(results, min(resamples, -(-resamples * G // _DRAWN_AT_ONCE))):
        part[:] = evaluate(rng.integers(G, size=(part.size, G)))
    if not np.isfinite(results).all():
        raise StatisticsError(
            f"The statistic is NaN or infinite for {int((~np.isfinite(results)).sum())} of {resamples} resamples: some "
            "lack what it needs, such as a class. Choose one that every choice of groups has."
        )
    same = hashlib.sha256(np.ascontiguousarray(code).tobytes()).hexdigest()
    drawing = f"{level} {resamples} {seed} {same}"
    return Interval.of_draws(statistic(values), results, G, level=level, drawing=drawing)
