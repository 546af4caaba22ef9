"""Medley-solos-DB: 21,571 clips of 3 s of eight instruments playing alone, from two collections."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from musiclib.datasets import scan
from musiclib.datasets.base import Dataset, DatasetError
from musiclib.datasets.download import Remote, place
from musiclib.datasets.recordings import below, dataset, read_table

LICENSE = "CC BY 4.0"
METADATA = "Medley-solos-DB_metadata.csv"
_LAYOUT = f"{METADATA} and the clips, such as Medley-solos-DB_test-0_0e4371ac-1c6a-51ab-fdb7-f8abd5fbf1a3.wav"
_SIDES = {"training": "train", "train": "train", "validation": "validation", "test": "test"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_URL = "https://zenodo.org/records/3464194/files/"
REMOTES = [
    Remote(f"{_URL}Medley-solos-DB.tar.gz", "md5:f5facf398793ef5c1f80c013afdf3e5f", 7.9),
    Remote(f"{_URL}{METADATA}", "md5:fda6a589c56785f2195c9227809c521a", 0.0),
]


def medley_solos_db(
    data_home: str | Path | None = None,
    *,
    sr: int | None = None,
    shared: str = "leave out",
    unreadable: str = "warn",
    thorough: bool = False,
    download: bool = False,
) -> Dataset:
    """Medley-solos-DB as it is unpacked, or as mirdata downloads it.

    Parameters
    ----------
    data_home : the folder that holds the table, here or up to three levels down, and the clips at any depth
    sr : resample to this rate in Hz when loading; None keeps the files' own, 44100 Hz
    shared : what becomes of a song on two official sides; there is none in the published table
    unreadable : ``"warn"`` leaves damaged and missing clips out and says so once; ``"raise"`` stops
    thorough : decode every clip, which takes half a minute of computing; False reads headers only
    download : fetch it, checked by MD5, into ``data_home`` or the user's cache: about 8 GB

    Returns
    -------
    Dataset of (y, sr) with the official sides: training and validation from MedleyDB, test from solosDB. A group is a
    song

    Raises
    ------
    DatasetError
        If there is no such folder or table, the table names no side, or the download fails.

    References
    ----------
    Lostanlen and Cella, "Deep Convolutional Networks on the Pitch Spiral for Musical Instrument Recognition", ISMIR
    2016; doi:10.5281/zenodo.3464194.
    """
    root = place(data_home, "medley_solos_db", _LAYOUT, download, REMOTES)
    path = below(root, "medley_solos_db", _LAYOUT, "Medley-solos-DB_metadata*.csv")
    listed = read_table(path, "medley_solos_db", ["subset", "instrument", "uuid4"])
    song = next((column for column in ("song_id", "track_id") if column in listed.columns), None)
    unknown = sorted(set(listed["subset"]) - set(_SIDES))
    if song is None or unknown:
        what = f"names the subset {unknown[0]!r}" if unknown else "has no column song_id"
        raise DatasetError(f"medley_solos_db: {path} {what}. Expected {', '.join(_SIDES)} and song_id; get it again.")
    # By the identifier in their names, wherever they lie and whatever their endings: an older version has .wav.wav.
    found = scan.find(root)
    clips = {m[0]: p for p in reversed(found.files) if (m := _UUID.search(p.name.lower()))}
    paths = [clips.get(id.lower(), root / f"{id}.wav") for id in listed["uuid4"]]
    table = pd.DataFrame(
        {
            "label": listed["instrument"],
            "group": "song " + listed[song],
            "split": listed["subset"].map(_SIDES),
            "path": [path.relative_to(root).as_posix() for path in paths],
        }
    )
    table.index = pd.Index(listed["uuid4"], name="id")
    options: dict[str, Any] = {
        "sr": sr,
        "shared": shared,
        "unreadable": unreadable,
        "thorough": thorough,
        "left_out": found.passed,
    }
    return dataset("medley_solos_db", root, table, source="Medley-solos-DB", license=LICENSE, **options)
