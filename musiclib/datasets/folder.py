"""A folder of your own music as a data set: one sub-folder a class."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from musiclib.datasets import scan
from musiclib.datasets.base import NO_SPLIT, Dataset, DatasetError, existing_folder
from musiclib.datasets.recordings import check_options, dataset

_SHOWN = 5  # names in a message
_LAYOUT = "one sub-folder a class and sound files in each"


def folder(
    data_home: str | Path | None,
    *,
    segment: float | None = None,
    min_seconds: float | None = None,
    group: str | Callable[[str], str] = "file",
    sr: int | None = None,
    license: str = "not stated",
    unreadable: str = "warn",
    thorough: bool = True,
) -> Dataset:
    """A data set of your own: ``data_home/CLASS/.../FILE``, in any format that libsndfile reads.

    Parameters
    ----------
    data_home : the folder. Links in it are followed; what is hidden or a system's own, such as
        ``.ipynb_checkpoints``, is passed over
    segment : cut every file into pieces of this many seconds; None keeps files whole
    min_seconds : leave out shorter files, and shorter last pieces; None means ``segment`` where there is one
    group : what is never split. ``"file"``: all pieces of a file; or a rule from a file's name without its ending to
        the name of its group, as a function or as a regular expression whose first bracket, or whole match, is the
        group: ``r"[^-]+"`` keeps together what has the same beginning up to a hyphen
    sr : resample to this rate in Hz when loading; None keeps each file's own
    license : what stands in the manifest's column
    unreadable : ``"warn"`` leaves out what cannot be used and says so once; ``"raise"`` stops
    thorough : decode every file, so that all that the manifest names can be loaded; False reads headers only, and
        :func:`features.extract <musiclib.features.extract>` leaves out what turns out to be silent or damaged

    Returns
    -------
    Dataset whose manifest has also the columns ``path``, relative to the folder, and ``start`` in seconds;
    ``manifest.attrs["left_out"]`` says what was left out, and why: files, and classes of which nothing is left

    Raises
    ------
    DatasetError
        If there is no such folder, fewer than two classes have a usable file, or files' names do not follow the rule
        for groups.
    """
    root = existing_folder(data_home, "folder", _LAYOUT)
    check_options("folder", unreadable, segment=segment)
    paths, left_out = _in_classes(root)
    names = [path.relative_to(root).as_posix() for path in paths]
    labels = [name.partition("/")[0] for name in names]
    groups = names if group == "file" else _groups(paths, group)
    table = pd.DataFrame({"label": labels, "group": groups, "split": NO_SPLIT, "path": names}, index=names)
    return dataset(
        "folder",
        root,
        table,
        source=root.name,
        license=license,
        title=root.name,
        sr=sr,
        segment=segment,
        min_seconds=min_seconds,
        unreadable=unreadable,
        thorough=thorough,
        least=2,
        left_out=left_out,
    )


def _in_classes(root: Path) -> tuple[list[Path], dict[str, str]]:
    """The sound files of all sub-folders, and what is no part of a class or no class."""
    found = scan.find(root)
    loose = [path for path in found.files if path.parent == root]
    paths = [path for path in found.files if path.parent != root]
    classes = {path.relative_to(root).parts[0] for path in paths}
    if len(classes) < 2:
        has = f"one class with sound files, {classes.pop()!r}" if classes else "no sub-folder with sound files"
        also = f", and {len(loose)} sound files of no class" if loose else ""
        raise DatasetError(f"folder: {root} has {has}{also}. Expected two classes or more: {_LAYOUT}.")
    left_out = {path.name: "lies beside the classes: move it into the sub-folder of one" for path in loose}
    for path in sorted(root.iterdir()):
        named = any(name.partition("/")[0] == path.name for name in found.passed)
        if path.is_dir() and scan.is_ours(path) and path.name not in classes and not named:
            left_out[f"{path.name}/"] = "is no class: there is no sound file of its own in it"
    return paths, found.passed | left_out


def _groups(paths: list[Path], rule: str | Callable[[str], str]) -> list[str]:
    """The group of each file by a rule from its name.

    Raises
    ------
    DatasetError
        If the rule is none, or says nothing of some of the names: it has the first of them.
    """
    if not callable(rule):
        try:
            pattern = re.compile(rule)
        except re.error as error:
            raise DatasetError(f"folder: group={rule!r} is no regular expression ({error}).") from None
    groups, strange = [], []
    for path in paths:
        if callable(rule):
            try:
                groups.append(str(rule(path.stem)))
            except Exception as error:
                raise DatasetError(
                    f"folder: group(...) fails for {path.stem!r}: {error!r}. Give a rule that fits."
                ) from error
        elif (match := pattern.match(path.stem)) and match[0]:
            groups.append(match[1] if pattern.groups else match[0])
        else:
            strange.append(path.name)
    if strange:
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        raise DatasetError(
            f"folder: names that do not begin as group={rule!r} says: {', '.join(map(repr, strange[:_SHOWN]))}{more}. "
            "Rename them, or give another rule."
        )
    return groups
