"""Unpacking what was downloaded: nothing lands outside its folder, and the folder appears whole or not at all."""

import contextlib
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple

from musiclib.datasets.base import DatasetError
from musiclib.datasets.progress import Progress

_CHUNK = 1 << 20
_MEMBERS = 1_000_000  # NSynth has 289,206; an archive of more is there to fill a disk
_LEAST = 10**9  # bytes that an archive of any size may unpack to
_RATIO = 100  # unpacked to packed; sound reaches 3 and tables 10, what is made to fill a disk 1000 and more
_BROKEN = (EOFError, OSError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError)


class _Member(NamedTuple):
    name: str
    size: int  # bytes, as the archive declares
    kind: str  # "file", "folder", or what it is that is not unpacked
    open: object  # a function without arguments to the content


def extract(archive: str | Path, folder: str | Path, *, limit: int | None = None) -> Path:
    """Unpack a zip or tar archive (plain, gzip, bzip2 or xz) as the folder ``folder``.

    It is unpacked beside the folder and moved there in one step, so that a folder that is there is complete. Only
    plain files and folders are made, with the permissions that new files have here. That is stricter than
    ``tarfile``'s data filter, which Python 3.11.0 to 3.11.3 lack, and the same for zip and tar.

    Parameters
    ----------
    archive : the file
    folder : becomes what the archive holds; may be empty, but not hold anything yet
    limit : most bytes in all; None is 1 GB or 100 times the archive's size, whichever is more

    Returns
    -------
    ``folder``

    Raises
    ------
    DatasetError
        If it is no archive, is cut short or damaged, holds a member that would land outside of the folder, a link, a
        device or an encrypted file, unpacks to more than ``limit``, does not fit on the disk, or ``folder`` holds
        something. Then nothing of it is left.
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise DatasetError(f"{archive} is not there, or is no file. Expected a zip or tar archive.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder} holds something already. Move it away, or unpack {archive.name} elsewhere.")
    size = archive.stat().st_size
    limit = max(_LEAST, _RATIO * size) if limit is None else limit
    part = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        with _opened(archive) as (members, total):
            _unpack(archive, members, part, total, limit)
        part.chmod(0o777 & ~_umask())
        with contextlib.suppress(FileNotFoundError):
            folder.rmdir()
        os.replace(part, folder)
    except DatasetError:
        raise
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            reason = f"could not be unpacked to {folder} ({error}). Is the disk full?"
        else:
            reason = f"is damaged or cut short ({type(error).__name__}: {error}). Get it again."
        raise DatasetError(f"{archive} {reason} Nothing was kept of it.") from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unpack(archive: Path, members: Iterator[_Member], part: Path, total: int, limit: int) -> None:
    """Write all members below ``part``."""
    _check_size(archive, total, limit)
    if total > (free := shutil.disk_usage(part).free):
        raise DatasetError(f"{archive} unpacks to {_gb(total)}; {part.parent} has {_gb(free)} left. Make room first.")
    progress, written = Progress(f"unpacking {archive.name}", total), 0
    for count, member in enumerate(members, 1):
        if count > _MEMBERS:
            raise DatasetError(f"{archive} has more than {_MEMBERS:,} members. It was not unpacked.")
        path = part / _safe(archive, member)
        _check_size(archive, written + member.size, limit)
        if member.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as source, path.open("wb") as target:
            written += _copy(source, target, member.size, progress)
    progress.close()


def _copy(source: IO[bytes], target: IO[bytes], size: int, progress: Progress) -> int:
    done = 0
    while chunk := source.read(_CHUNK):
        done += len(chunk)
        if done > size:
            break
        target.write(chunk)
        progress.update(len(chunk))
    if done != size:
        raise EOFError(f"a member has {'more' if done > size else 'less'} than the {size} bytes that it declares")
    return done


def _check_size(archive: Path, total: int, limit: int) -> None:
    if total > limit:
        raise DatasetError(
            f"{archive} unpacks to {_gb(total)} or more, above the limit of {_gb(limit)}. It was not unpacked: check "
            "where it comes from, or pass a higher limit."
        )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"


def _safe(archive: Path, member: _Member) -> PurePosixPath:
    """Where a member goes below the folder, if it stays there."""
    if member.kind not in ("file", "folder"):
        raise DatasetError(
            f"{archive} holds {member.name!r}, {member.kind}. Nothing was unpacked: expected files only."
        )
    path, foreign = PurePosixPath(member.name), PureWindowsPath(member.name)
    outside = path.is_absolute() or foreign.drive or foreign.root or ".." in foreign.parts
    if outside or "\0" in member.name or (member.kind == "file" and not path.parts):
        raise DatasetError(
            f"{archive} holds {member.name!r}, which would land outside of its folder. Nothing was unpacked: do not "
            "trust this archive."
        )
    return path


# ---------------------------------------------------------------- the two kinds


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[tuple[Iterator[_Member], int]]:
    """The members of an archive, and how many bytes they declare in all: 0 where only reading it through would tell."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield _zipped(file), sum(info.file_size for info in file.infolist())
        return
    try:
        file = tarfile.open(archive, "r:*")  # noqa: SIM115, closed by the `with` below
    except tarfile.ReadError:
        raise DatasetError(
            f"{archive} is no zip or tar archive, or its end is missing. Expected one that is complete: get it again."
        ) from None
    with file:
        yield _tarred(file, archive), 0


def _zipped(file: zipfile.ZipFile) -> Iterator[_Member]:
    for info in file.infolist():
        mode = info.external_attr >> 16
        kind = "folder" if info.is_dir() else "file"
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            kind = "a link or a device"
        elif info.flag_bits & 0x1:
            kind = "an encrypted file"
        yield _Member(info.filename, info.file_size, kind, lambda info=info: file.open(info))


def _tarred(file: tarfile.TarFile, archive: Path) -> Iterator[_Member]:
    while (info := file.next()) is not None:
        kind = "folder" if info.isdir() else "file" if info.isreg() else "a link or a device"
        yield _Member(info.name, info.size, kind, lambda info=info: file.extractfile(info))
        file.members.clear()  # tarfile keeps every header it has read: hundreds of megabytes for NSynth
    while file.fileobj.read(_CHUNK):  # to the end, where the checksum of a compressed archive stands
        pass
    if file.fileobj.tell() < file.offset + tarfile.BLOCKSIZE:  # the empty block that ends every tar is not there
        raise EOFError("the end of the archive is missing")
