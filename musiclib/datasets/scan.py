"""Sound files in folders, for every loader that reads them: found in one way, and each examined once."""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import soundfile as sf

from musiclib import audio
from musiclib.datasets.report import Progress

READ = frozenset(f".{kind.lower()}" for kind in sf.available_formats() if kind != "RAW") | {
    ".aif", ".aifc", ".mp2", ".oga", ".opus", ".snd",
}  # fmt: skip
NOT_READ = frozenset(  # sound, but not for libsndfile
    {".aac", ".ac3", ".amr", ".ape", ".dsf", ".m4a", ".m4b", ".mka", ".mp4", ".mpc", ".tta", ".weba", ".wma", ".wv"}
)
SOUND = READ | NOT_READ
MIDI = frozenset({".mid", ".midi"})
# Folders that systems and programs keep beside one's own; those that begin with a dot are passed over too.
_NOT_OURS = {"__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information", "lost+found"}
_STRETCH = 60.0  # s that are decoded at once where a file is cut into pieces
Checked = tuple[list[tuple[float, float]], str | None]


class Found(NamedTuple):
    """What there is below a folder."""

    files: list[Path]  # in order
    passed: dict[str, str]  # what cannot be followed or opened: {name relative to the folder: why}


def find(root: Path, endings: frozenset[str] = SOUND) -> Found:
    """The files below ``root`` with these endings, in upper or lower case; also through links, such as to another disk.

    Hidden files and what systems leave behind (``._x.wav``, ``.ipynb_checkpoints``, ``__MACOSX``) are no files of
    the set. A file that several links lead to is found once, where it lies or at the first link to it.
    """
    files, passed, links, seen = [], {}, [], set()
    real, linked = deque([root]), deque[Path]()
    while real or linked:  # what lies here first, so that it has its own name and not that of a link
        folder = real.popleft() if real else linked.popleft()
        here = os.path.realpath(folder)
        if here in seen:
            continue  # as a link that leads back
        seen.add(here)
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            passed[_name(folder, root)] = f"cannot be opened: {error.strerror}"
            continue
        for entry in filter(is_ours, listed):
            path, sounds = folder / entry.name, os.path.splitext(entry.name)[1].lower() in endings
            if entry.is_symlink():
                if os.path.isdir(path):
                    linked.append(path)
                elif sounds:
                    links.append(path)
            elif entry.is_dir():
                real.append(path)
            elif sounds:
                files.append(path)
                seen.add(os.path.join(here, entry.name))
    for path in links:
        target = os.path.realpath(path)
        if not os.path.isfile(target):
            passed[_name(path, root)] = f"is a link to what is not there: {target}"
        elif target not in seen:
            files.append(path)
            seen.add(target)
    return Found(sorted(files), passed)


def is_ours(entry: os.DirEntry | Path) -> bool:
    """Whether a file or folder is its owner's, by its name; else a system or a program has left it."""
    return not entry.name.startswith(".") and entry.name.lower() not in _NOT_OURS


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def stem(name: str) -> str:
    """A file's name without the endings of sounds and MIDI, however many: ``blues.00000.au.wav`` → ``blues.00000``."""
    while (parts := os.path.splitext(name))[1].lower() in SOUND | MIDI:
        name = parts[0]
    return name


def located(root: Path, names: Iterable[str], endings: frozenset[str] = SOUND) -> list[str]:
    """The files that a table names, where they are: with another ending or case of letters, or in another folder.

    A name of which there is no such file, or which could be several, stays as it is.
    """
    names = list(names)
    there = [(root / name).is_file() for name in names]
    if all(there):
        return names
    files: dict[str, list[str]] = {}
    for path in find(root, endings).files:
        files.setdefault(_key(path.name), []).append(_name(path, root))
    asked = Counter(map(_key, names))

    def nearest(name: str) -> str:
        folder = os.path.dirname(name).lower()
        same = [other for other in files.get(_key(name), []) if os.path.dirname(other).lower() == folder]
        elsewhere = files.get(_key(name), []) if asked[_key(name)] == 1 else []
        return min(same or elsewhere, default=name)

    return [name if is_there else nearest(name) for name, is_there in zip(names, there, strict=True)]


def _key(name: str) -> str:
    return stem(os.path.basename(name)).lower()


# ---------------------------------------------------------------- examining


def check(path: Path, segment: float | None = None, min_seconds: float = 0.0, thorough: bool = True) -> Checked:
    """What can be used of a file.

    Parameters
    ----------
    path : the file
    segment : cut it into pieces of so many seconds; None is one piece
    min_seconds : pieces may be no shorter
    thorough : decode it, once; False reads its header only

    Returns
    -------
    usable : [(start, duration), ...] in seconds
    problem : what is wrong with the rest, or None
    """
    if path.suffix.lower() in NOT_READ:
        return [], f"libsndfile does not read {path.suffix}: convert it to FLAC, WAV, OGG or MP3"
    try:
        str(path).encode()
    except UnicodeEncodeError:  # an old archive, unpacked on another system
        return [], "its name is not in UTF-8: rename it"
    try:
        facts = path.stat()
        return _checked(path, facts.st_size, facts.st_mtime_ns, segment, min_seconds, thorough)
    except Exception as error:  # whatever a reader meets in a damaged file
        return [], _reason(error, path)


def check_all(paths: Iterable[Path], name: str, checking: Callable[[Path], Checked]) -> list[Checked]:
    """``checking(path)`` for each of them, in threads: decoding does not hold Python's lock."""
    paths = list(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(Progress(pool.map(checking, paths), total=len(paths), desc=f"{name}: trying", unit=" files"))


@lru_cache(maxsize=1 << 16)
def _checked(path: Path, size: int, changed: int, segment: float | None, min_seconds: float, thorough: bool) -> Checked:
    """As :func:`check`: a file that has not changed since is not decoded again."""
    total = _seconds(path)
    if total < min_seconds:
        return [], f"it is too short: {total:.3f} s, expected at least {min_seconds:g} s"
    starts = np.arange(0.0, total, segment) if segment else np.array([0.0])
    cut = [(float(a), min(float(segment or total), total - float(a))) for a in starts]
    # Half a sample at 8 kHz: the last piece is not too short for rounding alone.
    cut = [(start, length) for start, length in cut if length > 1e-4 and length >= min_seconds - 6e-5]
    if not thorough:
        return cut, None
    usable, reasons = _tried(path, cut, max(1, int(_STRETCH // (segment or total))))
    if not reasons:
        return usable, None
    return usable, f"{len(reasons)} of {len(cut)} pieces: {reasons[0]}" if usable else reasons[0]


def _seconds(path: Path) -> float:
    """How long a file is, exactly."""
    with path.open("rb"):  # for the system's own words where it may not be read
        pass
    return audio.examine(path).seconds


def _tried(path: Path, cut: list[tuple[float, float]], together: int) -> tuple[list[tuple[float, float]], list[str]]:
    """(pieces that can be loaded, why each other cannot), decoding so many at once."""
    usable, reasons = [], []
    for first in range(0, len(cut), together):
        some = cut[first : first + together]
        try:
            _try(path, some)
            usable += some
        except (audio.AudioError, OSError) as error:
            if len(some) == 1:
                reasons.append(_reason(error, path))
            else:  # in one of them, or all: each by itself
                good, bad = _tried(path, some, 1)
                usable, reasons = usable + good, reasons + bad
    return usable, reasons


def _try(path: Path, pieces: list[tuple[float, float]]) -> None:
    """Nothing, if these pieces, one after the other in a file, can be loaded; else audio.load's error."""
    begin, end = pieces[0][0], sum(pieces[-1])
    y, sr = audio.load(path, offset=begin, duration=end - begin)
    for start, length in pieces if len(pieces) > 1 else ():
        n = round(start * sr) - round(begin * sr)
        audio.check(y[n : n + round(length * sr)], name=str(path))


def _reason(error: Exception, path: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be opened: {error.strerror}"
    known = isinstance(error, audio.AudioError | OSError)
    return str(error).removeprefix(f"{path} ") if known else f"cannot be read: {type(error).__name__}: {error}"


def read_piece(row: pd.Series, *, root: Path, sr: int | None) -> tuple[np.ndarray, int]:
    """(y, sr) of the piece that a row of the manifest names: float32, shape (N,)."""
    return audio.load(root / row["path"], sr=sr, offset=row["start"], duration=row["duration"])
