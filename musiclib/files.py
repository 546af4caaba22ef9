"""What is kept on disk: where it lies, that it appears whole or not at all, and what its content is made from."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def home(data_home: str | Path | None = None) -> Path:
    """The folder for downloads and for what is derived: ``data_home``, else $MUSICLIB_DATA, else the user's cache."""
    chosen = data_home or os.environ.get("MUSICLIB_DATA")
    if not chosen:
        import pooch  # half a second, which a build in which nothing changed does not have

        chosen = pooch.os_cache("musiclib")
    return Path(chosen).expanduser()


@cache
def code_of(*modules: str) -> str:
    """A fingerprint of what these modules of musiclib do: of their source text.

    ``"perform"`` is ``musiclib.perform``; a package, such as ``"audio"``, is all of its modules.
    """
    places = [Path(__file__).parent.joinpath(*name.split(".")) for name in modules]
    sources = [sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")] for place in places]
    return hashlib.sha256(b"".join(path.read_bytes() for paths in sources for path in paths)).hexdigest()


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes. A file that has not changed since is not read again.

    Raises
    ------
    OSError
        If it is not there or cannot be read.
    """
    facts = os.stat(path)
    return _sha256(os.fspath(path), facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=4096)
def _sha256(path: str, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def disk_is_full(error: BaseException | None) -> bool:
    """Whether this error, or the one it was raised from, says that nothing more can be written."""
    while error is not None and getattr(error, "errno", None) not in _FULL:
        error = error.__cause__
    return error is not None


def write_whole(path: Path, write: Callable[[str], object]) -> None:
    """Let ``write`` make a file beside ``path``, then move it there: it appears whole or not at all.

    Several processes may make the same file at once; the last to finish stays.

    Raises
    ------
    OSError
        If the folder cannot be written to or the disk is full, naming the file.
    """
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=".part-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        os.chmod(part, 0o666 & ~_umask())  # as open makes a file, which mkstemp does not
        write(part)
        os.replace(part, path)
    except OSError as error:
        raise OSError(
            f"Could not write {path} ({error}). Is the disk full? What was made before is kept; set data_home to "
            "keep it elsewhere."
        ) from error
    finally:
        if part is not None:
            Path(part).unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` in UTF-8 as :func:`write_whole` does.

    Raises
    ------
    OSError
        As :func:`write_whole`.
    """
    write_whole(path, lambda part: Path(part).write_text(text, encoding="utf-8"))


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder`` to fill; at the end of the block it takes its place: all of it, or nothing.

    What stood there before is replaced. If the block raises, it stays, and the new folder is removed.

    Raises
    ------
    OSError
        If it cannot be written to or the disk is full, naming the folder.
    """
    part = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".part-{folder.name}-", dir=folder.parent))
        part.chmod(0o777 & ~_umask())
        yield part
        old = part.with_name(f"{part.name}.old")
        with contextlib.suppress(FileNotFoundError):
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        if error.filename is not None and folder.parent not in Path(str(error.filename)).parents:
            raise  # of something that the block itself reads
        raise OSError(
            f"Could not write {folder} ({error}). Is the disk full? What was made before is kept; set data_home to "
            "keep it elsewhere."
        ) from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
