"""Unpacking what was downloaded: nothing lands outside its folder, and the folder appears whole or not at all."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from musiclib import files
from musiclib.datasets.base import DatasetError
from musiclib.datasets.report import Progress

_MEMBERS = 1_000_000  # NSynth has 289,206; an archive of more is there to fill a disk
_LEAST = 10**9  # bytes that an archive of any size may unpack to
_RATIO = 100  # unpacked to packed; sound reaches 3 and tables 10, what is made to fill a disk 1000 and more
_BROKEN = (EOFError, OSError, RuntimeError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


def extract(archive: str | Path, folder: str | Path, *, limit: int | None = None) -> Path:
    """Unpack a zip or tar archive (plain, gzip, bzip2 or xz) as the folder ``folder``.

    Parameters
    ----------
    archive : the file
    folder : becomes what the archive holds, all at once; may be empty, but not hold anything yet
    limit : most bytes in all; None is 1 GB or 100 times the archive's size, whichever is more

    Returns
    -------
    ``folder``

    Raises
    ------
    DatasetError
        If it is no archive, is cut short, damaged or encrypted, holds a member that would land outside of the folder, a
        link or a device, unpacks to more than ``limit``, does not fit on the disk, or ``folder`` holds something. Then
        nothing of it is left.
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise DatasetError(f"{archive} is not there, or is no file. Expected a zip or tar archive.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder} holds something already. Move it away, or unpack {archive.name} elsewhere.")
    limit = max(_LEAST, _RATIO * archive.stat().st_size) if limit is None else limit
    try:
        with files.whole_folder(folder) as part:
            _unpack(archive, part, limit)
    except OSError as error:
        raise DatasetError(f"{archive} could not be unpacked: {error}") from error
    return folder


def _unpack(archive: Path, part: Path, limit: int) -> None:
    unpack = _zip if zipfile.is_zipfile(archive) else _tar
    try:
        with Progress(desc=f"unpacking {archive.name}", unit="B", unit_scale=True) as progress:
            for count, size in enumerate(unpack(archive, part, limit), 1):
                progress.update(size)
                if count > _MEMBERS:
                    raise DatasetError(f"{archive} has more than {_MEMBERS:,} members. It was not unpacked.")
    except _BROKEN as error:
        if getattr(error, "errno", None) is not None:
            raise  # what the disk says, not what the archive is
        raise DatasetError(
            f"{archive} is damaged or cut short ({type(error).__name__}: {error}). Get it again. Nothing was kept."
        ) from error


def _zip(archive: Path, part: Path, limit: int) -> Iterator[int]:
    """The sizes of the members, each after it was written."""
    with zipfile.ZipFile(archive) as file:
        _check_size(archive, sum(member.file_size for member in file.infolist()), limit)
        for member in file.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            _check_member(archive, member.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR))
            file.extract(member, part)
            yield member.file_size


def _tar(archive: Path, part: Path, limit: int) -> Iterator[int]:
    """As :func:`_zip`."""
    if not hasattr(tarfile, "data_filter"):
        raise DatasetError(f"{archive}: to unpack it safely takes Python 3.11.4 or later. Update Python first.")
    try:
        file = tarfile.open(archive)  # noqa: SIM115, closed by the `with` below
    except tarfile.ReadError:
        raise DatasetError(
            f"{archive} is no zip or tar archive, or its end is missing. Expected one that is complete: get it again."
        ) from None
    with file:
        total = 0
        while (member := file.next()) is not None:
            total += member.size
            _check_size(archive, total, limit)
            _check_member(archive, member.name, member.isreg() or member.isdir())
            file.extract(member, part, filter="data")
            # tarfile keeps every header it has read: hundreds of megabytes for NSynth. Its stubs lack the list.
            file.members.clear()  # type: ignore[attr-defined]
            yield member.size
        while file.fileobj.read(1 << 20):  # to the end, where the checksum of a compressed archive stands
            pass


def _check_size(archive: Path, total: int, limit: int) -> None:
    if total > limit:
        raise DatasetError(
            f"{archive} unpacks to {_gb(total)} or more, above the limit of {_gb(limit)}. It was not unpacked: check "
            "where it comes from, or pass a higher limit."
        )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"


def _check_member(archive: Path, name: str, plain: bool) -> None:
    """Both libraries keep members inside, by other names or through links; an archive that tries is refused instead."""
    if not plain:
        raise DatasetError(f"{archive} holds {name!r}, a link or a device. Nothing was unpacked: expected files only.")
    path, foreign = PurePosixPath(name), PureWindowsPath(name)
    if path.is_absolute() or foreign.drive or foreign.root or ".." in foreign.parts:
        raise DatasetError(
            f"{archive} holds {name!r}, which would land outside of its folder. Nothing was unpacked: do not trust "
            "this archive."
        )
