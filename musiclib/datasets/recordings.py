"""What the loaders of published sets share: a table that says where each recording lies, made into a data set.

These sets are read by the code here and not through mirdata, for reasons that were tried with mirdata 1.0: it has no
NSynth, and MAESTRO in version 2 only; reading a folder needs an index that it downloads first; its index of IRMAS lists
6660 of the 6705 training clips; it names no groups, unpacks archives without looking where their members land, and
brings 31 packages that the course does not have, most of them clients of cloud stores. What it downloads is read as it
lies, and the checksums are the same.
"""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from musiclib.datasets.archive import extract
from musiclib.datasets.base import NO_SPLIT, Dataset, DatasetError, content_of_file, existing_folder, fetch
from musiclib.datasets.folder import pieces, read_piece, report
from musiclib.files import home

_SHOWN = 5  # missing files that a message names one by one
# Of several official sides that a group is on, the one that is kept: what judges is not to lose items.
_JUDGES_FIRST = ("test", "validation", "train", NO_SPLIT)
Checked = tuple[list[tuple[float, float]], str | None]  # as of folder.pieces


class Remote(NamedTuple):
    """An archive that the publisher gives out."""

    url: str
    checksum: str  # as in base.verify
    gigabytes: float  # packed


def place(data_home: str | Path | None, name: str, layout: str, download: bool, remotes: list[Remote]) -> Path:
    """The folder to look in: ``data_home``, or where ``download`` puts the set.

    Raises
    ------
    DatasetError
        If there is no such folder and nothing is to be downloaded, or a download fails.
    """
    if not download:
        if data_home is None:
            size = sum(remote.gigabytes for remote in remotes)
            raise DatasetError(
                f"{name} needs data_home: a folder of yours with {layout}. Or pass download=True, which fetches "
                f"about {size:.2g} GB into {home() / name}."
            )
        return existing_folder(data_home, name, layout)
    root = Path(data_home).expanduser() if data_home else home() / name
    for remote in remotes:
        file = remote.url.rsplit("/", 1)[1]
        stem = re.sub(r"(\.jsonwav)?\.(zip|tar\.gz)$", "", file)
        if stem == file:
            fetch(remote.url, remote.checksum, root)
        elif not (root / stem).is_dir():  # extract makes it in one step: what is there is whole
            brought = (root / file).is_file()  # by the reader, who may want to keep it
            packed = fetch(remote.url, remote.checksum, root)
            extract(packed, root / stem)
            if not brought:
                packed.unlink()
    return root


def dataset(
    name: str,
    root: Path,
    table: pd.DataFrame,
    *,
    source: str,
    license: str,
    sr: int | None = None,
    segment: float | None = None,
    unreadable: str = "warn",
    thorough: bool = True,
    shared: str = "leave out",
    left_out: dict[str, str] | None = None,
    check: Callable[[Path], Checked] | None = None,
    read: Callable[[pd.Series], Any] | None = None,
) -> Dataset:
    """The data set of the recordings that a table names, without those that cannot be used.

    Parameters
    ----------
    name : of the set
    root : the folder that ``table.path`` is relative to
    table : index ``id``; columns label, group, split, path, and others, which are kept
    source, license : for the manifest
    sr : resample to this rate in Hz when loading
    segment : cut recordings into pieces of so many seconds, and leave shorter ends out
    unreadable : ``"warn"`` leaves damaged and missing files out and says so once; ``"raise"`` stops
    thorough : try every piece; False reads headers only
    shared : what becomes of a group that the makers put on two sides: ``"leave out"`` keeps the items on the side that
        judges, test before validation before train, and leaves the others out; ``"keep"`` keeps all
    left_out : what is left out already, and why
    check, read : for items that are no sound: as ``folder.pieces`` and ``folder.read_piece`` are for sound

    Returns
    -------
    Dataset with also the columns ``path`` and ``start`` (s); ``manifest.attrs["left_out"]`` says what was left out

    Raises
    ------
    DatasetError
        If an option is unknown or nothing can be used.
    """
    check_options(name, unreadable, shared, segment)
    there = pd.Series([(root / path).is_file() for path in table["path"]], index=table.index, dtype=bool)
    missing = list(table.index[~there])
    table, on_two_sides = _apart(table[there], shared)
    paths = [root / path for path in table["path"]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding does not hold Python's lock
        check = check or partial(pieces, segment=segment, min_seconds=segment or 0.0, thorough=thorough)
        found = list(pool.map(check, paths))
    damaged = dict(left_out or {}) | {
        id: problem for id, (_, problem) in zip(table.index, found, strict=True) if problem
    }
    said = damaged | _in_short(missing)
    report(said, name, str(root), unreadable, count=len(damaged) + len(missing), stacklevel=5)
    rows = [
        (id, start, seconds) for id, (usable, _) in zip(table.index, found, strict=True) for start, seconds in usable
    ]
    if not rows:
        first = next(iter(said.items()), ("", "no recording"))
        raise DatasetError(f"{name}: nothing in {root} can be used ({first[0]}: {first[1]}). Get the set again.")
    manifest = table.loc[[id for id, _, _ in rows]].assign(
        duration=[seconds for *_, seconds in rows], source=source, license=license, start=[s for _, s, _ in rows]
    )
    if segment is not None:
        manifest.index = [f"{id}@{start:.3f}" for id, start, _ in rows]
    manifest.index.name = "id"
    first_columns = ["label", "group", "split", "duration", "source", "license", "path", "start"]
    manifest = manifest[[*first_columns, *(c for c in manifest.columns if c not in first_columns)]]
    manifest.attrs["left_out"] = on_two_sides | damaged | dict.fromkeys(missing, "missing: not in the folder")
    where = {"root": root, "sr": sr}
    read = read or partial(read_piece, **where)
    return Dataset(name, manifest, read, content=partial(content_of_file, **where))


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


def _in_short(missing: list[str]) -> dict[str, str]:
    """What a message says of missing files: each of a few, or how many."""
    if len(missing) <= _SHOWN:
        return dict.fromkeys(missing, "missing: not in the folder")
    return {", ".join(missing[:_SHOWN]): f"missing, and {len(missing) - _SHOWN} more"}


def files_below(root: Path, *endings: str) -> list[Path]:
    """The files below ``root`` with these endings, in order; also through links to folders, such as to another disk."""
    found, seen = [], set()
    for folder, folders, names in os.walk(root, followlinks=True):
        seen.add(os.path.realpath(folder))
        folders[:] = [f for f in folders if f[0] != "." and os.path.realpath(os.path.join(folder, f)) not in seen]
        found += [Path(folder, name) for name in names if name.endswith(endings) and name[0] != "."]
    return sorted(found)


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
