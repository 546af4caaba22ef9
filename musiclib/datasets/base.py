"""What every data set is: a manifest, which says what there is, and `load`, which brings one item of it."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from musiclib import files

COLUMNS = ("label", "group", "split", "duration", "source", "license")
NO_SPLIT = ""  # in the column `split`: the data set names no side for this item


class DatasetError(ValueError):
    """A data set that cannot be used. The message names it, says what was expected and what to do."""


class LeftOut(dict):
    """Why items were left out: ``{name: reason}``. It is not copied with the table that it belongs to.

    pandas copies what stands in ``attrs`` at every step, in depth; with thousands of reasons a row takes 30 ms to find.
    """

    def __deepcopy__(self, memo: dict) -> "LeftOut":
        return self


@dataclass(frozen=True)
class Dataset:
    """A manifest and the way to an item.

    Attributes
    ----------
    name : what the set is called
    manifest : one row an item, index ``id``, with at least the columns

        - ``label``: the class
        - ``group``: what must never be split: a recording, a tune, a work, a player
        - ``split``: ``"train"``, ``"validation"`` or ``"test"`` where the set's makers say so, else ``""``
        - ``duration``: in ``unit``
        - ``source``, ``license``: where the item comes from and on what terms

        ``manifest.attrs["left_out"]`` says which items were left out, and why: ``{name: reason}``.
    read : from a row of the manifest to the item: (y, sr) for sound, an array for scores
    unit : of ``duration``: ``"s"``, or ``"frames"`` where the set has no clock
    content : from a row to a string that changes with the item's content, such as the checksum of its file; None reads
        the item to find out

    Raises
    ------
    DatasetError
        If the manifest is empty, lacks a column, or has one id twice.
    """

    name: str
    manifest: pd.DataFrame
    read: Callable[[pd.Series], Any]
    unit: str = "s"
    content: Callable[[pd.Series], str] | None = None

    def __post_init__(self) -> None:
        missing = [c for c in COLUMNS if c not in self.manifest.columns]
        if missing:
            raise DatasetError(f"{self.name}: the manifest lacks the columns {missing}. Expected {list(COLUMNS)}.")
        if self.manifest.empty:
            raise DatasetError(f"{self.name} has no items. Expected at least one.")
        left_out = self.manifest.attrs.get("left_out", {})
        self.manifest.attrs["left_out"] = left_out if isinstance(left_out, LeftOut) else LeftOut(left_out)
        twice = self.manifest.index[self.manifest.index.duplicated()].unique()
        if len(twice):
            raise DatasetError(f"{self.name}: {_some(twice)} stand twice in the manifest. Expected each id once.")

    def __len__(self) -> int:
        return len(self.manifest)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """(id, item) of each row in order; one item is in memory at a time."""
        return ((id, self.load(id)) for id in self.manifest.index)

    def __repr__(self) -> str:
        table = self.manifest
        return (
            f"Dataset({self.name}: {len(table)} items, {table.label.nunique()} labels, {table.group.nunique()} groups)"
        )

    @property
    def labels(self) -> list[str]:
        """The classes, in alphabetical order."""
        return sorted(self.manifest.label.unique())

    def load(self, id: str) -> Any:
        """The item ``id``: (y, sr) for sound, with y float32 of shape (N,) in [-1, 1]; an array for scores.

        Raises
        ------
        DatasetError
            If there is no such item; the message has the ids nearest to it.
        """
        return self.read(self._row(id))

    def fingerprint(self, id: str) -> str:
        """A short string that stands for the content of the item ``id``: another content has another.

        Raises
        ------
        DatasetError
            If there is no such item.
        """
        row = self._row(id)
        if self.content is not None:
            return self.content(row)
        item = self.read(row)
        parts = item if isinstance(item, tuple) else (item,)
        found = hashlib.sha256()
        for part in map(np.asarray, parts):
            found.update(f"{part.dtype} {part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        return found.hexdigest()

    def _row(self, id: str) -> pd.Series:
        if id not in self.manifest.index:
            near = get_close_matches(str(id), map(str, self.manifest.index), n=3, cutoff=0.3)
            raise DatasetError(
                f"{self.name} has no item {id!r}. Near to it: {_some(near or self.manifest.index[:3])}. "
                "The ids are the index of its manifest."
            )
        return self.manifest.loc[id]

    def filter(self, where: Callable[[pd.DataFrame], pd.Series] | None = None, **columns: str | list[str]) -> "Dataset":
        """The items for which ``where`` holds and whose columns have these values.

        Parameters
        ----------
        where : from the manifest to one truth value a row, such as ``lambda m: m.duration > 10``
        columns : a value or a list of values each, such as ``label=["jig", "reel"], split="train"``

        Raises
        ------
        DatasetError
            If there is no such column or value, or nothing is left.
        """
        table = self.manifest
        keep = pd.Series(True, index=table.index) if where is None else where(table)
        for column, wanted in columns.items():
            if column not in table.columns:
                raise DatasetError(f"{self.name} has no column {column!r}. It has {_some(table.columns, most=20)}.")
            values = list(wanted) if isinstance(wanted, list | tuple | set | pd.Index) else [wanted]
            unknown = sorted({str(v) for v in values} - set(table[column].astype(str)))
            if unknown:
                known = _some(sorted(table[column].astype(str).unique()), most=20)
                raise DatasetError(f"{self.name} has no {column} {_some(unknown)}. It has {known}.")
            keep = keep & table[column].isin(values)
        if not keep.any():
            raise DatasetError(f"{self.name}: no item is left after this filter. Ask for less at once.")
        return replace(self, manifest=table[keep])

    def map(self, step: Callable[[Any], Any], name: str) -> "Dataset":
        """The same set with ``step`` done to each item as it is loaded.

        Parameters
        ----------
        step : from an item to an item, such as (y, sr) to (y, sr)
        name : what the step does, with its settings. What is derived from the set is kept by it: another step needs
            another name
        """
        return replace(
            self,
            read=lambda row: step(self.read(row)),
            content=lambda row: f"{self.fingerprint(row.name)} {name}",
        )

    def with_split(self, split: pd.Series) -> "Dataset":
        """The same set with another column ``split``, such as one from :mod:`musiclib.splits`.

        Raises
        ------
        DatasetError
            If ``split`` does not have this set's ids.
        """
        if set(split.index) != set(self.manifest.index):
            raise DatasetError(f"{self.name}: the split is of other items. Make it from this set's manifest.")
        return replace(self, manifest=self.manifest.assign(split=split))

    def balance(self) -> pd.DataFrame:
        """How much there is of each class: index label; columns items, groups, duration, and a count for each split."""
        by_label = self.manifest.groupby("label")
        table = by_label.agg(items=("group", "size"), groups=("group", "nunique"), duration=("duration", "sum"))
        sides = [s for s in ("train", "validation", "test") if s in set(self.manifest.split)]
        counts = pd.crosstab(self.manifest.label, self.manifest.split).reindex(columns=sides, fill_value=0)
        return table.join(counts)


def _some(names, most: int = 5) -> str:
    """The first few of many names, and how many more there are."""
    names = [repr(n) for n in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def existing_folder(data_home: str | Path | None, name: str, layout: str) -> Path:
    """``data_home`` as a folder that is there.

    Raises
    ------
    DatasetError
        If none was given or there is none; the message has the ``layout`` that was expected.
    """
    if data_home is None:
        raise DatasetError(f"{name} needs data_home: a folder of yours with {layout}.")
    folder = Path(data_home).expanduser()
    if not folder.is_dir():
        what = "a file, not a folder" if folder.exists() else "not there"
        raise DatasetError(f"{name}: {folder} is {what}. Expected a folder with {layout}; check the path.")
    return folder


def content_of_file(row: pd.Series, *, root: Path, sr: int | None = None) -> str:
    """What the part of a file that a row names depends on: the file's bytes, and how they are read."""
    return f"{files.sha256(root / row['path'])} {row['start']} {row['duration']} {sr}"
