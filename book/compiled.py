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

from chapters import BookError
from stamps import write_atomically

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


def take_back(folder: Path, name: str) -> None:
    """Put what the chapter compiled into the shared cache, and remove its own. Its kernel must have ended."""
    own, shared = folder / name, folder / SHARED
    # A cache is a comfort, and what goes wrong with it is no fault of the chapter's.
    with contextlib.suppress(OSError, BookError), held(folder):
        for index in sorted(own.rglob("*.nbi")):
            place = shared / index.relative_to(own)
            if place.is_file() and place.read_bytes() == index.read_bytes():
                continue
            # A function's index names the files of its code by number, so they are replaced together: the index goes
            # first and comes last, for without it numba looks at none of the others.
            place.unlink(missing_ok=True)
            for old in place.parent.glob(f"{place.stem}.*.nbc"):
                old.unlink()
            for code in index.parent.glob(f"{index.stem}.*.nbc"):
                write_atomically(place.with_name(code.name), code.read_bytes())
            write_atomically(place, index.read_bytes())
    shutil.rmtree(own, ignore_errors=True)
