"""What the loaders of recordings share: a table that says where each lies, made into a data set.

The published sets are read by the code here and not through mirdata, for reasons that were tried with mirdata 1.0: it
has no NSynth, and MAESTRO in version 2 only; reading a folder needs an index that it downloads first; its index of
IRMAS lists 6660 of the 6705 training clips; it names no groups, unpacks archives without looking where their members
land, and brings 31 packages that the course does not have, most of them clients of cloud stores. What it downloads is
read as it lies, and the checksums are the same.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from musiclib.datasets import report, scan
from musiclib.datasets.base import NO_SPLIT, Dataset, DatasetError, content_of_file
from musiclib.datasets.scan import Checked

# Of several official sides that a group is on, the one that is kept: what judges is not to lose items.
_JUDGES_FIRST = ("test", "validation", "train", NO_SPLIT)
_FIRST_COLUMNS = ["label", "group", "split", "duration", "source", "license", "path", "start"]


def dataset(
    name: str,
    root: Path,
    table: pd.DataFrame,
    *,
    source: str,
    license: str,
    title: str | None = None,
    sr: int | None = None,
    segment: float | None = None,
    min_seconds: float | None = None,
    unreadable: str = "warn",
    thorough: bool = True,
    shared: str = "leave out",
    least: int = 1,
    left_out: dict[str, str] | None = None,
    known: dict[str, str] | None = None,
    endings: frozenset[str] = scan.SOUND,
    check: Callable[[Path], Checked] | None = None,
    read: Callable[[pd.Series], Any] | None = None,
) -> Dataset:
    """The data set of the recordings that a table names, without those that cannot be used.

    Parameters
    ----------
    name : of the loader, for messages
    root : the folder that ``table.path`` is relative to
    table : index ``id``; columns label, group, split, path, and others, which are kept. A file that is not there is
        looked for by its name, with another ending and in other folders
    source, license : for the manifest
    title : the name of the set; None is ``name``
    sr : resample to this rate in Hz when loading
    segment : cut recordings into pieces of so many seconds
    min_seconds : leave out shorter recordings and pieces; None is ``segment``
    unreadable : ``"warn"`` leaves out what cannot be used and says so once; ``"raise"`` stops
    thorough : decode every file; False reads headers only
    shared : what becomes of a group that the makers put on two sides: ``"leave out"`` keeps the items on the side that
        judges, test before validation before train, and leaves the others out; ``"keep"`` keeps all
    least : classes that must remain
    left_out : what is left out already, and why
    known : what the set's makers or users leave out, and why: kept with the rest, but not said
    endings : of its files
    check, read : for items that are no sound: as ``scan.check`` and ``scan.read_piece`` are for sound

    Returns
    -------
    Dataset with also the columns ``path`` and ``start`` (s); ``manifest.attrs["left_out"]`` says what was left out

    Raises
    ------
    DatasetError
        If an option is unknown, or too little can be used.
    """
    check_options(name, unreadable, shared, segment)
    table = table.assign(path=scan.located(root, table["path"], endings))
    there = pd.Series([(root / path).is_file() for path in table["path"]], index=table.index, dtype=bool)
    labels = table["label"]
    told = dict(left_out or {}) | dict.fromkeys(table.index[~there], "missing: not in the folder")
    table, on_two_sides = _apart(table[there], shared)
    shortest = min_seconds if min_seconds is not None else segment or 0.0
    check = check or partial(scan.check, segment=segment, min_seconds=shortest, thorough=thorough)
    found = scan.check_all([root / path for path in table["path"]], name, check)
    told |= {id: problem for id, (_, problem) in zip(table.index, found, strict=True) if problem}
    rows = [(id, *piece) for id, (usable, _) in zip(table.index, found, strict=True) for piece in usable]
    gone = _without_classes(labels, {id for id, *_ in rows} | set(on_two_sides))
    left = table["label"][[id for id, *_ in rows]].nunique()
    if left < least:
        raise DatasetError(_too_little(name, root, left, least, gone | told))
    what = f"{name}: {report.items(len(told))} left out of {root}"
    if gone:  # more to know than which files
        what += f", and nothing is left of {report.few(list(gone))}"
    report.tell(told, what, unreadable, all_in="manifest.attrs['left_out']")
    manifest = _manifest(table, rows, segment, source, license)
    manifest.attrs["left_out"] = dict(known or {}) | on_two_sides | gone | told
    where: dict[str, Any] = {"root": root, "sr": sr}
    read = read or partial(scan.read_piece, **where)
    return Dataset(title or name, manifest, read, content=partial(content_of_file, **where))


def _manifest(table: pd.DataFrame, rows: list, segment: float | None, source: str, license: str) -> pd.DataFrame:
    """A row for each piece that can be used: rows are (id, start, seconds)."""
    manifest = table.loc[[id for id, *_ in rows]].assign(
        duration=[seconds for *_, seconds in rows], source=source, license=license, start=[s for _, s, _ in rows]
    )
    if segment is not None:
        manifest.index = [f"{id}@{start:.3f}" for id, start, _ in rows]
    manifest.index.name = "id"
    return manifest[[*_FIRST_COLUMNS, *(c for c in manifest.columns if c not in _FIRST_COLUMNS)]]


def _without_classes(labels: pd.Series, used: set[str]) -> dict[str, str]:
    """The classes of which nothing can be used."""
    counted = labels.groupby(labels).size()
    kept = set(labels[[id in used for id in labels.index]])
    return {f"class {label}": f"none of its {n} files can be used" for label, n in counted.items() if label not in kept}


def _too_little(name: str, root: Path, left: int, least: int, told: dict[str, str]) -> str:
    reasons = f":\n{report.grouped(told)}\n" if told else ". "
    if left == 0:
        return f"{name}: nothing in {root} can be used{reasons}Get it again, or repair it."
    return f"{name}: {root} has one class with files that can be used; expected at least {least}{reasons}Repair them."


def check_options(name: str, unreadable: str, shared: str = "keep", segment: float | None = None) -> None:
    """Nothing, if these are options.

    Raises
    ------
    DatasetError
        If one is not; the message has those that are.
    """
    if unreadable not in ("warn", "raise"):
        raise DatasetError(f"{name}: unreadable={unreadable!r}: expected 'warn' or 'raise'.")
    if shared not in ("leave out", "keep"):
        raise DatasetError(f"{name}: shared={shared!r}: expected 'leave out' or 'keep'.")
    if segment is not None and not segment > 0:
        raise DatasetError(f"{name}: segment={segment}: expected a positive number of seconds, or None.")


def _apart(table: pd.DataFrame, shared: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """(the table without what shares a group with a side that judges, why the rest is left out)."""
    rank = table["split"].map(_JUDGES_FIRST.index)
    best = rank.groupby(table["group"]).transform("min")
    leaks = rank > best
    if shared == "keep" or not leaks.any():
        return table, {}
    reasons = {
        id: f"its group is on the {_JUDGES_FIRST[side]} side too: {group}"
        for id, side, group in zip(table.index[leaks], best[leaks], table["group"][leaks], strict=True)
    }
    return table[~leaks], reasons


def below(root: Path, name: str, layout: str, pattern: str, suits: Callable[[Path], bool] = lambda path: True) -> Path:
    """The file that matches ``pattern`` in ``root`` or in a folder up to three levels down.

    Of several, the first that ``suits``, or else the first.

    Raises
    ------
    DatasetError
        If there is none.
    """
    depths = ("", "*/", "*/*/", "*/*/*/")
    found = [path for depth in depths for path in sorted(root.glob(depth + pattern)) if path.is_file()]
    if not found:
        raise DatasetError(f"{name}: there is no {pattern} in {root} or up to three levels below. Expected {layout}.")
    return next(filter(suits, found), found[0])


def read_table(path: Path, name: str, columns: list[str], **options) -> pd.DataFrame:
    """A CSV file with at least these columns, all as text.

    Raises
    ------
    DatasetError
        If it cannot be read, is empty, or lacks a column.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, **options)
    except Exception as error:  # pandas raises many kinds
        raise DatasetError(
            f"{name}: {path} cannot be read as a table ({type(error).__name__}: {error}). Get it again."
        ) from error
    lacking = [c for c in columns if c not in table.columns]
    if lacking or table.empty:
        what = f"lacks the columns {lacking}" if lacking else "has no rows"
        raise DatasetError(f"{name}: {path} {what}. Expected the columns {columns}; get it again.")
    return table
