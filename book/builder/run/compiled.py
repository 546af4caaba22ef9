"""What numba has compiled, handed from one chapter to the next.

librosa's functions are compiled when they are first used, which costs a chapter some twenty seconds of CPU. Two
kernels that compiled them at once into numba's one cache have left it broken, so that the next to read it died of a
segmentation fault. Hence nobody runs on the shared cache: a chapter gets a copy, and what it added is put back once it
has finished.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

from book.builder.chapters import BookError
from book.builder.run.stamps import write_atomically

SHARED = "shared"  # the folder of this name beside the chapters' own


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def lend(folder: Path, name: str) -> Path:
    """The cache for one run of a chapter: a new copy of the shared one.

    Where it cannot be copied, as on a full disk, the chapter begins with none and compiles.
    """
    own = folder / name
    shutil.rmtree(own, ignore_errors=True)
    try:
        with held(folder):
            if (folder / SHARED).is_dir():
                shutil.copytree(folder / SHARED, own)
    except OSError:
        shutil.rmtree(own, ignore_errors=True)
    return own


def functions(folder: Path) -> dict[Path, list[Path]]:
    """The files of each compiled function, by its path in the cache: an index and code for each signature.

    A generalized ufunc has two such sets, "f" and "guf-f". The second calls the first by a name that another process
    may not have given it, so they are of use only together (numba's issue 10128).
    """
    found: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("[!.]*.nb[ci]")):
        stem = path.name.removesuffix(".nbi") if path.suffix == ".nbi" else path.name.rsplit(".", 2)[0]
        found.setdefault((path.parent / stem.removeprefix("guf-")).relative_to(folder), []).append(path)
    return found


def wrapper_last(path: Path) -> tuple[bool, bool]:
    """The order in which a function's files are written: code before its index, and what is called before its caller.

    Taken the other way it is the order of removal, so that whoever is stopped half-way leaves nothing that is wrong.
    """
    return path.suffix == ".nbi", path.name.startswith("guf-")


def take_back(folder: Path, name: str) -> None:
    """Put what the chapter compiled into the shared cache, and remove its own. Its kernel must have ended."""
    own, shared = folder / name, folder / SHARED
    # A cache is a comfort, and what goes wrong with it is no fault of the chapter's.
    with contextlib.suppress(OSError, BookError), held(folder):
        there = functions(shared)
        for function, files in functions(own).items():
            new = {shared / path.relative_to(own): path.read_bytes() for path in sorted(files, key=wrapper_last)}
            old = sorted(there.get(function, []), key=wrapper_last, reverse=True)
            if new.keys() == set(old) and all(path.read_bytes() == data for path, data in new.items()):
                continue
            for path in old:
                path.unlink()
            for path, data in new.items():
                write_atomically(path, data)
    shutil.rmtree(own, ignore_errors=True)
