"""One growing array on disk that survives a kill: rows are appended, and a journal says which are whole.

A folder ``NAME.part`` is filled and then renamed, so that ``NAME`` appears whole or not at all.
"""

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from musiclib import files

try:
    import fcntl
except ImportError:  # Windows, where two programs that make the same at once are not kept apart
    fcntl = None  # type: ignore[assignment]  # what stands for a module that is not there

_ARRAY, _INDEX, _ABOUT, _JOURNAL = "array.npy", "index.csv", "about.json", "journal.jsonl"


class FeatureError(ValueError):
    """Features that cannot be computed. The message says of what and why, and what to do."""


class Entry(NamedTuple):
    """What an item comes to: rows of the array and where they start, in seconds; or the reason why there are none."""

    id: str
    rows: np.ndarray | tuple = ()
    starts: list[float] = []  # noqa: RUF012  never changed
    reason: str = ""


def make(folder: Path, shape: tuple[int, int], rest: Callable[[int], Iterator[Entry]], about: dict) -> None:
    """Fill ``folder``, unless it is there.

    Parameters
    ----------
    folder : of this array alone; named by what it is made from
    shape : of one row of the array
    rest : from the number of items that are done already to the entries of all others, in order
    about : kept with the array

    Raises
    ------
    OSError
        If a file cannot be written, naming it.
    """
    if _is_whole(folder):
        return
    part = folder.with_name(f"{folder.name}.part")
    path = part / _ARRAY
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_name(f"{folder.name}.lock")):
            if _is_whole(folder):  # another program made it while this one waited
                return
            part.mkdir(exist_ok=True)
            done = _append(path, part / _JOURNAL, shape, rest)
            _finish(part, shape, done, about)
            shutil.rmtree(folder, ignore_errors=True)  # where files were taken out of it
            part.rename(folder)
            (folder / _JOURNAL).unlink()  # not before: a run killed in between would begin anew
    except OSError as error:
        raise OSError(
            f"Could not write {path} ({error}). Is the disk full? What was done is kept: make room and call again, or "
            "set data_home to keep it elsewhere."
        ) from error


def read(folder: Path) -> tuple[np.ndarray, pd.DataFrame, dict[str, str]]:
    """(the array, mapped and read-only; a table with id and start of each row; {id: reason} of what was left out)."""
    about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    table = pd.read_csv(folder / _INDEX, dtype=str, keep_default_na=False, encoding="utf-8")
    table["start"] = table["start"].map(float)  # which is exact, as pandas's own reading need not be
    if len(table) == 0:  # nothing can be mapped
        return np.empty(about["shape"], np.float32), table, about["left_out"]
    return np.load(folder / _ARRAY, mmap_mode="r", allow_pickle=False), table, about["left_out"]


def _is_whole(folder: Path) -> bool:
    """Whether all is there. A folder appears whole, but its owner may have taken files out of it."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        expected = len(_header(tuple(about["shape"]))) + 4 * int(np.prod(about["shape"]))
        sizes = (folder / _ARRAY).stat().st_size, (folder / _INDEX).stat().st_size
        return sizes == (expected, about["index_bytes"])
    except (OSError, ValueError, KeyError):
        return False


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other program makes the same. The system lets go of the lock when a program ends, however."""
    with path.open("wb") as lock:
        if fcntl is not None:
            with suppress(OSError):  # some network drives have no locks; one program alone needs none
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    with suppress(OSError):  # Windows keeps it as long as another program waits
        path.unlink(missing_ok=True)


def _append(path: Path, journal: Path, shape: tuple[int, int], rest: Callable[[int], Iterator[Entry]]) -> list[Entry]:
    row_bytes = 4 * int(np.prod(shape))
    begin = len(_header((0, *shape)))
    space = path.stat().st_size - begin if path.is_file() else 0
    done = _read_journal(journal, space // row_bytes)
    files.write_text(journal, "".join(map(_line, done)))  # without a line cut short
    path.touch()
    with path.open("r+b") as data, journal.open("a", encoding="utf-8") as log:
        data.truncate(begin + row_bytes * sum(len(e.starts) for e in done))
        data.seek(0, os.SEEK_END)
        for entry in rest(len(done)):
            if len(entry.rows):
                data.write(np.ascontiguousarray(entry.rows, dtype="<f4").data)
                data.flush()  # the rows first: what the journal names is there
            log.write(_line(entry))
            log.flush()
            done.append(entry._replace(rows=()))
        data.seek(0)
        data.write(_header((sum(len(e.starts) for e in done), *shape)))
        data.flush()
        os.fsync(data.fileno())
    return done


def _line(entry: Entry) -> str:
    return json.dumps([entry.id, entry.starts, entry.reason]) + "\n"


def _read_journal(journal: Path, rows: int) -> list[Entry]:
    """The entries that are whole: in the journal to the end of their line, and among these rows of the array."""
    done: list[Entry] = []
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True) if journal.is_file() else []
    for line in lines:
        try:
            id, starts, reason = json.loads(line)
        except ValueError:
            break
        rows -= len(starts)
        if rows < 0 or not line.endswith("\n"):
            break
        done.append(Entry(id, (), starts, reason))
    return done


def _header(shape: tuple[int, ...]) -> bytes:
    """The first bytes of a .npy file, as many for any number of rows: NumPy leaves room for the number to grow."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return header.getvalue()


def _finish(part: Path, shape: tuple[int, int], done: list[Entry], about: dict) -> None:
    rows = [(e.id, start) for e in done for start in e.starts]
    table = pd.DataFrame(rows, columns=["id", "start"])
    left_out = {e.id: e.reason for e in done if e.reason}
    files.write_whole(part / _INDEX, partial(table.to_csv, index=False, encoding="utf-8"))
    about = about | {"shape": [len(rows), *shape], "index_bytes": (part / _INDEX).stat().st_size, "left_out": left_out}
    text = json.dumps(about, indent=1, ensure_ascii=False)
    files.write_text(part / _ABOUT, text)
