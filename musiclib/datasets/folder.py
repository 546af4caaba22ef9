"""A folder of your own music as a data set: one sub-folder a class."""

import os
import re
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

from musiclib import audio
from musiclib.datasets.base import NO_SPLIT, Dataset, DatasetError, content_of_file, existing_folder

READ = frozenset(f".{kind.lower()}" for kind in sf.available_formats() if kind != "RAW") | {
    ".aif", ".aifc", ".mp2", ".oga", ".opus", ".snd",
}  # fmt: skip
NOT_READ = frozenset({".aac", ".ape", ".m4a", ".mp4", ".mpc", ".wma", ".wv"})  # sound, but not for libsndfile
_LISTED = 50  # files that a message names
_LAYOUT = "one sub-folder a class and sound files in each"
_COLUMNS = ["id", "label", "group", "split", "duration", "source", "license", "path", "start"]


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
    data_home : the folder
    segment : cut every file into pieces of this many seconds; None keeps files whole
    min_seconds : leave out shorter files, and shorter last pieces; None means ``segment`` where there is one
    group : what is never split. ``"file"``: all pieces of a file; or a rule from a file's name without its ending to
        the name of its group, as a function or as a regular expression whose first bracket, or whole match, is the
        group: ``r"[^-]+"`` keeps together what has the same beginning up to a hyphen
    sr : resample to this rate in Hz when loading; None keeps each file's own
    license : what stands in the manifest's column
    unreadable : ``"warn"`` leaves out what cannot be used and says so once; ``"raise"`` stops
    thorough : try every piece, so that all that the manifest names can be loaded; False reads headers only

    Returns
    -------
    Dataset whose manifest has also the columns ``path``, relative to the folder, and ``start`` in seconds;
    ``manifest.attrs["left_out"]`` says what was left out, and why

    Raises
    ------
    DatasetError
        If there is no such folder, it has one class or none, a class has no usable file, or a file's name does not
        follow the rule for groups.
    """
    root = existing_folder(data_home, "folder", _LAYOUT)
    if segment is not None and segment <= 0:
        raise DatasetError(f"folder: segment={segment}: expected a positive number of seconds, or None.")
    if unreadable not in ("warn", "raise"):
        raise DatasetError(f"folder: unreadable={unreadable!r}: expected 'warn' or 'raise'.")
    shortest = (segment or 0.0) if min_seconds is None else min_seconds
    classes = _classes(root)
    files = [(label, path) for label, paths in classes.items() for path in paths]
    groups = {path: _group(path, root, group) for _, path in files}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding does not hold Python's lock
        found = list(pool.map(lambda entry: pieces(entry[1], segment, shortest, thorough), files))
    rows, left_out = [], {}
    for (label, path), (usable, problem) in zip(files, found, strict=True):
        name = path.relative_to(root).as_posix()
        if problem:
            left_out[name] = problem
        for start, duration in usable:
            id = name if segment is None else f"{name}@{start:.3f}"
            rows.append((id, label, groups[path], NO_SPLIT, duration, root.name, license, name, start))
    report(left_out, "folder", str(root), unreadable)
    manifest = pd.DataFrame(rows, columns=_COLUMNS).set_index("id")
    empty = [label for label in classes if label not in set(manifest["label"])]
    if empty:
        raise DatasetError(
            f"folder: none of the files in {root / empty[0]} can be used ({next(_of(left_out, empty[0]))}). "
            "Repair them, or take the class away."
        )
    manifest.attrs["left_out"] = left_out
    where = {"root": root, "sr": sr}
    return Dataset(root.name, manifest, partial(read_piece, **where), content=partial(content_of_file, **where))


def _of(left_out: dict[str, str], label: str):
    return (reason for name, reason in left_out.items() if name.startswith(f"{label}/"))


def _classes(root: Path) -> dict[str, list[Path]]:
    """The sound files of each sub-folder, in order."""
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))
    if len(folders) < 2:
        loose = sum(p.suffix.lower() in READ for p in root.iterdir())
        has = f"one class, {folders[0].name!r}" if folders else "no sub-folder"
        also = f" and {loose} sound files of no class" if loose else ""
        raise DatasetError(f"folder: {root} has {has}{also}. Expected two classes or more: {_LAYOUT}.")
    classes = {f.name: sorted(p for p in f.rglob("*") if _is_sound(p)) for f in folders}
    empty = [label for label, paths in classes.items() if not paths]
    if empty:
        raise DatasetError(f"folder: the classes {empty} of {root} have no sound files. Add some, or take them away.")
    return classes


def _is_sound(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.suffix.lower() in READ | NOT_READ


def _group(path: Path, root: Path, rule: str | Callable[[str], str]) -> str:
    if rule == "file":
        return path.relative_to(root).as_posix()
    if callable(rule):
        return str(rule(path.stem))
    try:
        match = re.match(rule, path.stem)
    except re.error as error:
        raise DatasetError(f"folder: group={rule!r} is no regular expression ({error}).") from None
    if not match or not match[0]:
        raise DatasetError(
            f"folder: the name {path.name!r} does not begin as group={rule!r} says. Rename it, or give another rule."
        )
    return match[1] if match.re.groups else match[0]


# ---------------------------------------------------------------- sound files, for other data sets too


def pieces(
    path: Path, segment: float | None, min_seconds: float, thorough: bool
) -> tuple[list[tuple[float, float]], str | None]:
    """([(start, duration), ...] in seconds of all that can be used of a file, what is wrong with the rest)."""
    if path.suffix.lower() in NOT_READ:
        return [], f"libsndfile does not read {path.suffix}: convert it to FLAC, WAV, OGG or MP3"
    try:
        str(path).encode()
    except UnicodeEncodeError:  # an old archive, unpacked on another system
        return [], "its name is not in UTF-8: rename it"
    try:
        total = _seconds(path)
        if total < min_seconds:
            return [], f"it is too short: {total:.3f} s, expected at least {min_seconds:g} s"
        starts = np.arange(0.0, total, segment) if segment else np.array([0.0])
        cut = [(float(a), min(float(segment or total), total - float(a))) for a in starts]
        # Half a sample at 8 kHz: the last piece is not too short for rounding alone.
        cut = [(start, length) for start, length in cut if length > 1e-4 and length >= min_seconds - 6e-5]
    except (audio.AudioError, OSError) as error:
        return [], _reason(error, path)
    if not thorough:
        return cut, None
    usable, reasons = [], []
    for start, length in cut:
        try:
            audio.load(path, offset=start, duration=length)
            usable.append((start, length))
        except (audio.AudioError, OSError) as error:
            reasons.append(_reason(error, path))
    if not reasons:
        return usable, None
    return usable, reasons[0] if segment is None else f"{len(reasons)} of {len(cut)} pieces: {reasons[0]}"


def _seconds(path: Path) -> float:
    try:
        with sf.SoundFile(path) as file:
            frames, rate = file.frames, file.samplerate
            sound = frames > 0 and "should be" not in file.extra_info  # as in audio.load: the file is cut short
    except sf.SoundFileError:
        sound = False
    if not sound:
        audio.load(path)  # which says what is wrong
        raise audio.AudioError("cannot be read as a sound: its header holds no samples")
    return frames / rate


def _reason(error: Exception, path: Path) -> str:
    return str(error).removeprefix(f"{path} ")


def report(
    left_out: dict[str, str], name: str, where: str, unreadable: str, *, count: int = 0, stacklevel: int = 4
) -> None:
    """One warning, or one error, that names all ``count`` files that were left out, or the first fifty of them."""
    if not left_out:
        return
    listed = "\n".join(f"  {file}: {reason}" for file, reason in list(left_out.items())[:_LISTED])
    if len(left_out) > _LISTED:
        listed += f"\n  and {len(left_out) - _LISTED} more; manifest.attrs['left_out'] has all"
    message = f"{name}: {count or len(left_out)} files in {where} cannot be used, or not all of them:\n{listed}"
    if unreadable == "raise":
        raise DatasetError(f"{message}\nRepair them or take them away, or pass unreadable='warn' to leave them out.")
    message = message.encode(errors="replace").decode()  # a name may hold what cannot be printed
    warnings.warn(f"{message}\nThey are left out.", stacklevel=stacklevel)


def read_piece(row: pd.Series, *, root: Path, sr: int | None) -> tuple[np.ndarray, int]:
    """(y, sr) of the piece that a row of the manifest names: float32, shape (N,)."""
    return audio.load(root / row["path"], sr=sr, offset=row["start"], duration=row["duration"])
