"""Files from where their publishers keep them: downloaded once, checked each time, unpacked whole."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import pooch

from musiclib.datasets.archive import extract
from musiclib.datasets.base import DatasetError, existing_folder
from musiclib.datasets.report import Progress
from musiclib.files import home


class Remote(NamedTuple):
    """A file that the publisher gives out, often an archive."""

    url: str
    checksum: str  # as in `verify`
    gigabytes: float  # packed


def place(data_home: str | Path | None, name: str, layout: str, download: bool, remotes: list[Remote]) -> Path:
    """The folder to look in: ``data_home``, or where ``download`` puts the set.

    Raises
    ------
    DatasetError
        If there is no such folder and nothing is to be downloaded, or a download fails.
    """
    if not download:
        if data_home is None:
            size = sum(remote.gigabytes for remote in remotes)
            raise DatasetError(
                f"{name} needs data_home: a folder of yours with {layout}. Or pass download=True, which fetches "
                f"about {size:.2g} GB into {home() / name}."
            )
        return existing_folder(data_home, name, layout)
    root = Path(data_home).expanduser() if data_home else home() / name
    for remote in remotes:
        file = remote.url.rsplit("/", 1)[1]
        stem = re.sub(r"(\.jsonwav)?\.(zip|tar\.gz)$", "", file)
        if stem == file:
            fetch(remote.url, remote.checksum, root)
        elif not (root / stem).is_dir():  # extract makes it in one step: what is there is whole
            brought = (root / file).is_file()  # by the reader, who may want to keep it
            packed = fetch(remote.url, remote.checksum, root)
            extract(packed, root / stem)
            if not brought:
                packed.unlink()
    return root


def verify(path: Path, checksum: str) -> Path:
    """``path``, if its content has this checksum: a SHA-256, or ``"md5:..."`` where the publisher gives no other.

    Raises
    ------
    DatasetError
        If it has another. The file stays as it is.
    """
    kind, _, expected = _known_hash(checksum).partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != expected:
        name = {"sha256": "SHA-256", "md5": "MD5"}[kind]
        raise DatasetError(
            f"{path} does not have the expected checksum: {name} {found}, expected {expected}. It is incomplete or "
            "another version: move it away and load again."
        )
    return path


def _known_hash(checksum: str) -> str:
    return checksum if checksum.startswith("md5:") else f"sha256:{checksum}"


def fetch(url: str, checksum: str, folder: Path) -> Path:
    """The file at ``url`` in ``folder``: downloaded once, and checked each time; ``checksum`` as in :func:`verify`.

    Raises
    ------
    DatasetError
        If it is there with another content, which is left alone, or cannot be downloaded.
    """
    path = folder / url.rsplit("/", 1)[1]
    if path.is_file():
        return verify(path, checksum)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        progress = Progress(total=1, desc=path.name, unit="B", unit_scale=True)  # pooch sets the total
        loader = pooch.HTTPDownloader(progressbar=progress, chunk_size=1 << 20)
        pooch.retrieve(url, known_hash=_known_hash(checksum), fname=path.name, path=folder, downloader=loader)
    except Exception as error:  # whatever the download meets: no network, a changed file, a full disk
        raise DatasetError(
            f"{path.name} could not be downloaded from {url} ({type(error).__name__}: {error}). "
            f"It needs network once; or put the file into {folder} yourself."
        ) from error
    return path
