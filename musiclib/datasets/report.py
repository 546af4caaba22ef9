"""What is said while a set is read, and what was left out of it: one line of progress, one short report."""

import re
import sys
import warnings
from pathlib import Path

from tqdm import tqdm

from musiclib.datasets.base import DatasetError

_SHOWN = 3  # names of a kind
_KINDS = 12  # that a report has a line for
_PACKAGE = str(Path(__file__).parents[1])


class Progress(tqdm):
    """tqdm as everything here uses it: one line on standard error, and none for what is over within a second."""

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **({"delay": 1.0, "mininterval": 0.5, "dynamic_ncols": True} | options))

    def reset(self, total: float | None = None) -> None:
        """To 0, as pooch does before it says how many bytes there were; tqdm's own would draw the line at once."""
        self.n = 0


def kind(reason: str) -> str:
    """What a reason has in common with others of its kind: its first clause, without numbers and quoted names.

    >>> kind("it is too short: 0.6 s, expected at least 1 s"), kind("2 of 3 pieces: is silent: every sample is zero")
    ('it is too short', 'some pieces: is silent')
    """
    part = re.match(r"\d+ of \d+ pieces: ", reason)
    clause = re.split(r"[:(,;]|\.(?=\s|$)", reason[part.end() if part else 0 :], maxsplit=1)[0]
    clause = re.sub(r"'[^']*'|(?<![\w.-])\d[\d.]*(?!\w)", "…", clause).strip()
    return f"some pieces: {clause}" if part else clause


def grouped(left_out: dict[str, str]) -> str:
    """A line for each of the most frequent kinds of reason; who is alone in a line has the whole reason there.

    Parameters
    ----------
    left_out : {name: reason}, not empty
    """
    kinds: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        kinds.setdefault(kind(reason), []).append(name)
    frequent = sorted(kinds, key=lambda found: -len(kinds[found]))[:_KINDS]
    lines = []
    for common in filter(frequent.__contains__, kinds):  # in the order in which they came
        names = kinds[common]
        same = len({left_out[name] for name in names}) == 1
        who = names[0] if len(names) == 1 else f"{len(names)} ({few(names)})"
        lines.append(f"  {who}: {left_out[names[0]] if same else common}")
    if others := sum(len(kinds[k]) for k in kinds if k not in frequent):
        lines.append(f"  {others} for other reasons")
    return "\n".join(lines).encode(errors="replace").decode()  # a name may hold what cannot be printed


def tell(
    left_out: dict[str, str], what: str, unreadable: str, *, all_in: str, error: type[Exception] = DatasetError
) -> None:
    """One warning, or one error, of all that was left out.

    Parameters
    ----------
    left_out : {name: reason}; where it is empty, nothing is said
    what : the beginning of the message, such as ``"folder: 3 items left out of music"``
    unreadable : ``"warn"`` or ``"raise"``
    all_in : where the caller finds the whole list
    error : what to raise

    Raises
    ------
    error
        If something was left out and ``unreadable`` is ``"raise"``.
    """
    if not left_out:
        return
    message = f"{what}:\n{grouped(left_out)}"
    if unreadable == "raise":
        raise error(f"{message}\nRepair them or take them away, or pass unreadable='warn' to leave them out.")
    warnings.warn(f"{message}\n{all_in} has the reason for each.", stacklevel=_outside())


def few(names: list[str]) -> str:
    """The first names of a list."""
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def items(count: int) -> str:
    """ "1 item", "2 items"."""
    return f"{count} item" if count == 1 else f"{count} items"


def _outside() -> int:
    """How far up the nearest caller outside of musiclib is, for a warning that points to who asked."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    return level
