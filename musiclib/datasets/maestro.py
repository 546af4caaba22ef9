"""MAESTRO: 199 hours of piano competition, as sound and as the notes that the keys sent while it was played."""

import unicodedata
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from musiclib.datasets.base import Dataset, DatasetError
from musiclib.datasets.download import Remote, place
from musiclib.datasets.recordings import below, check_options, dataset, read_table
from musiclib.datasets.scan import MIDI, SOUND, Checked, find, located
from musiclib.symbolic import ScoreError, read_midi

LICENSE = "CC BY-NC-SA 4.0"
SIDES = ("train", "validation", "test")
_LAYOUT = "maestro-v3.0.0.csv and the folders of its years, such as 2018"
_COLUMNS = ["canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration"]

_URL = "https://storage.googleapis.com/magentadata/datasets/maestro/v3.0.0/maestro-v3.0.0"
REMOTES = {
    "audio": Remote(f"{_URL}.zip", "6680fea5be2339ea15091a249fbd70e49551246ddbd5ca50f1b2352c08c95291", 108),
    "notes": Remote(f"{_URL}-midi.zip", "70470ee253295c8d2c71e6d9d4a815189e35c89624b76d22fce5a019d5dde12c", 0.06),
}


def maestro(
    data_home: str | Path | None = None,
    *,
    items: str = "audio",
    segment: float | None = None,
    sr: int | None = None,
    shared: str = "leave out",
    unreadable: str = "warn",
    thorough: bool = False,
    download: bool = False,
) -> Dataset:
    """MAESTRO, version 3 or one before it that has the same table.

    Parameters
    ----------
    data_home : the folder that holds ``maestro-v3.0.0.csv``, here or up to three levels down
    items : ``"audio"`` loads (y, sr), ``"notes"`` what the keys did: an array of dtype ``symbolic.NOTE``, in seconds,
        from when a key goes down to when it comes up, whatever the pedals do
    segment : cut recordings into pieces of so many seconds; None keeps them whole; for sound only
    sr : resample to this rate in Hz when loading; None keeps the files' own, 44100 or 48000 Hz
    shared : five compositions of version 3 are on two official sides. ``"leave out"`` keeps those of the side that
        judges, test before validation before train, and leaves the other performances out; ``"keep"`` keeps all
    unreadable : ``"warn"`` leaves damaged and missing files out and says so once; ``"raise"`` stops
    thorough : decode every file, which takes long; False reads headers only
    download : fetch it, checked by SHA-256, into ``data_home`` or the user's cache: 108 GB with sound, 0.06 GB of notes

    Returns
    -------
    Dataset whose label is the composer and whose group is the composition: composer and title, spelled alike but for
    capitals, accents and punctuation. The manifest's columns beyond the usual: title, year

    Raises
    ------
    DatasetError
        If there is no such folder, table or option, or the download fails.

    References
    ----------
    Hawthorne, Stasyuk, Roberts, Simon, Huang, Dieleman, Elsen, Engel and Eck, "Enabling Factorized Piano Music Modeling
    and Generation with the MAESTRO Dataset", ICLR 2019, arXiv:1810.12247.
    """
    if items not in REMOTES:
        raise DatasetError(f"maestro: items={items!r}: expected 'audio' or 'notes'.")
    if items == "notes" and (segment is not None or sr is not None):
        raise DatasetError("maestro: segment and sr are for items='audio'. Leave them out for notes.")
    check_options("maestro", unreadable, shared, segment)
    root = place(data_home, "maestro", _LAYOUT, download, [REMOTES[items]])
    # Where the notes alone have been unpacked beside the sound, there are two tables.
    endings = SOUND if items == "audio" else MIDI
    path = below(root, "maestro", _LAYOUT, "maestro-v*.csv", lambda csv: bool(find(csv.parent, endings).files))
    table = _table(path, items)
    table["path"] = located(path.parent, table["path"], endings)
    seconds = dict(zip([path.parent / p for p in table["path"]], table.pop("seconds"), strict=True))
    options: dict[str, Any] = {
        "segment": segment,
        "sr": sr,
        "shared": shared,
        "unreadable": unreadable,
        "thorough": thorough,
    }
    options["endings"] = endings
    if items == "notes":
        options["check"] = lambda midi: _check_notes(midi, seconds[midi], thorough)
        options["read"] = partial(_read_row, root=path.parent)
    return dataset("maestro", path.parent, table, source=path.stem, license=LICENSE, **options)


def _table(path: Path, items: str) -> pd.DataFrame:
    listed = read_table(path, "maestro", _COLUMNS)
    strange = sorted(set(listed["split"]) - set(SIDES))
    seconds = pd.to_numeric(listed["duration"], errors="coerce")
    if strange or seconds.isna().any():
        what = f"the split {strange[0]!r}" if strange else "a duration that is no number"
        raise DatasetError(f"maestro: {path} has {what}. Expected {', '.join(SIDES)} and seconds; get it again.")
    table = pd.DataFrame(
        {
            "label": listed["canonical_composer"],
            "group": listed["canonical_composer"] + ": " + listed["canonical_title"].map(_spelled_alike),
            "split": listed["split"],
            "path": listed["audio_filename" if items == "audio" else "midi_filename"],
            "title": listed["canonical_title"],
            "year": pd.to_numeric(listed["year"], errors="coerce"),
            "seconds": seconds,
        }
    )
    table.index = pd.Index([name.rsplit(".", 1)[0] for name in listed["midi_filename"]], name="id")
    return table


def _spelled_alike(title: str) -> str:
    """A title without what spellings differ in: ``"L'Isle Joyeuse"`` and ``"L'isle joyeuse"`` are one."""
    plain = unicodedata.normalize("NFKD", title).casefold()
    return " ".join("".join(c for c in plain if c.isalnum() or c.isspace()).replace("complete", "").split())


# ---------------------------------------------------------------- notes


def _check_notes(path: Path, seconds: float, thorough: bool) -> Checked:
    try:
        if thorough:
            _notes(path)
        else:
            with path.open("rb") as file:
                if file.read(4) != b"MThd":
                    return [], "is no MIDI file: it does not begin as one"
    except (DatasetError, OSError) as error:
        return [], str(error)
    return [(0.0, seconds)], None


def _read_row(row: pd.Series, *, root: Path) -> np.ndarray:
    try:
        return _notes(root / row["path"])
    except DatasetError as error:
        raise DatasetError(f"maestro: {root / row['path']} {error}. Get it again.") from error


def _notes(path: Path) -> np.ndarray:
    """The notes of a MIDI file, sorted by onset, then pitch: structured array of dtype ``symbolic.NOTE``."""
    try:
        return read_midi(path).notes
    except ScoreError as error:
        raise DatasetError(f"cannot be read ({error})") from error
