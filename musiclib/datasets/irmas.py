"""IRMAS: which instrument predominates, in 6705 training clips of 3 s and 2874 testing excerpts with several labels."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from musiclib.datasets import scan
from musiclib.datasets.base import NO_SPLIT, Dataset, DatasetError
from musiclib.datasets.download import Remote, place
from musiclib.datasets.recordings import dataset

CLASSES = ("cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi")
JOINED = "+"  # between the labels of an excerpt that has several, in alphabetical order
LICENSE = "CC BY-NC-SA 3.0"
_LAYOUT = "IRMAS's clips by their names, such as IRMAS-TrainingData/cel/[cel][cla]0001__1.wav"
# The number before the last "__" is the recording; some names begin with another: 031__[cel][nod][cla]0020__1
_TRAINING = re.compile(r"(?:.*__)?((?:\[[a-z_]+\])+)\s*(\d+)__(\d+)")

_URL = "https://zenodo.org/records/1290750/files/IRMAS-"
TRAINING = [Remote(f"{_URL}TrainingData.zip", "md5:4fd9f5ed5a18d8e2687e6360b5f60afe", 3.2)]
TESTING = [
    Remote(f"{_URL}TestingData-Part1.zip", "md5:5a2e65520dcedada565dff2050bb2a56", 2.1),
    Remote(f"{_URL}TestingData-Part2.zip", "md5:afb0c8ea92f34ee653693106be95c895", 3.4),
    Remote(f"{_URL}TestingData-Part3.zip", "md5:9b3fb2d0c89cdc98037121c25bd5b556", 2.0),
]

# Recordings that stand in the training set under two numbers: their clips are the same to the byte, and the three of
# 0672 to 0674 carry two labels. Found by the checksums in mirdata's index. Both numbers are one group.
TWINS = {
    "0774": "0670", "0757": "0672", "0758": "0673", "0759": "0674", "0760": "0675", "0761": "0676", "0762": "0708",
    "0763": "0709", "0765": "0711", "0766": "0712", "0767": "0713", "0768": "0714", "0769": "0715", "0770": "0716",
    "0771": "0717", "0772": "0718", "0773": "0719", "0858": "0856", "2312": "2311",
}  # fmt: skip


def irmas(
    data_home: str | Path | None = None,
    *,
    testing: bool = False,
    sr: int | None = None,
    unreadable: str = "warn",
    thorough: bool = False,
    download: bool = False,
) -> Dataset:
    """IRMAS as it is unpacked, or as mirdata downloads it.

    Parameters
    ----------
    data_home : the folder that holds it, at any depth, in folders by class or all in one
    testing : False is the training clips alone, which have one label each and no official sides among them; True adds
        the testing excerpts of 5 to 20 s as the official test side. An excerpt with several labels has them joined:
        ``"gel+voi"``, so that ``label.split("+")`` lists them
    sr : resample to this rate in Hz when loading; None keeps the files' own, 44100 Hz
    unreadable : ``"warn"`` leaves out what cannot be used and says so once; ``"raise"`` stops
    thorough : decode every clip, which takes half a minute of computing; False reads headers only
    download : fetch it, checked by MD5, into ``data_home`` or the user's cache: about 3 GB, with ``testing`` 11 GB

    Returns
    -------
    Dataset of (y, sr), mono. A group is a recording. The manifest's columns beyond the usual: genre and drums
    (``"dru"`` with, ``"nod"`` without), ``""`` where the file's name does not say

    Raises
    ------
    DatasetError
        If there is no such folder or no clip of IRMAS in it, or the download fails.

    References
    ----------
    Bosch, Janer, Fuhrmann and Herrera, "A Comparison of Sound Segregation Techniques for Predominant Instrument
    Recognition in Musical Audio Signals", ISMIR 2012; doi:10.5281/zenodo.1290750.
    """
    root = place(data_home, "irmas", _LAYOUT, download, [*TRAINING, *(TESTING if testing else [])])
    found = scan.find(root)
    rows: dict[str, tuple] = {}
    left_out, side = dict(found.passed), "train" if testing else NO_SPLIT
    among = {path.parent for path in found.files if _is_clip(path)}
    for path in found.files:
        if path.parent in among or path.parent.name.lower() in CLASSES:
            row, problem = _clip(path, root, side)
        elif testing:
            row, problem = _excerpt(path, root)
        else:
            continue  # an excerpt, or no part of the set
        if row and row[0] in rows:
            problem = f"is another copy of {rows[row[0]][4]}"
            row = None
        if row:
            rows[row[0]] = row
        elif problem:
            left_out[path.relative_to(root).as_posix()] = problem
    if not rows:
        raise DatasetError(f"irmas: there is no clip of IRMAS in {root}. Expected {_LAYOUT}.")
    columns = ["id", "label", "group", "split", "path", "genre", "drums"]
    table = pd.DataFrame(rows.values(), columns=columns).set_index("id")
    options: dict[str, Any] = {"sr": sr, "unreadable": unreadable, "thorough": thorough, "left_out": left_out}
    return dataset("irmas", root, table, source="IRMAS", license=LICENSE, **options)


def _is_clip(path: Path) -> bool:
    match = _TRAINING.fullmatch(scan.stem(path.name))
    return match is not None and match[1][1:4] in CLASSES


def _clip(path: Path, root: Path, side: str) -> tuple[tuple | None, str | None]:
    """The row of a training clip, or why there is none."""
    name = scan.stem(path.name)
    match = _TRAINING.fullmatch(name)
    if not match:
        return None, "its name is none of IRMAS's: expected tags and numbers such as [cel][cla]0001__1"
    tags, folder = re.findall(r"\[([a-z_]+)\]", match[1]), path.parent.name.lower()
    label = folder if folder in CLASSES else tags[0]
    if label not in CLASSES:
        return None, f"its first tag is no class of IRMAS: {tags[0]}"
    drums = next((tag for tag in tags if tag in ("dru", "nod")), "")
    genre = tags[-1] if len(tags) > 1 and tags[-1] != drums else ""
    recording = TWINS.get(match[2], match[2])
    where = path.relative_to(root).as_posix()
    return (f"{label}/{name}", label, f"recording {recording}", side, where, genre, drums), None


def _excerpt(path: Path, root: Path) -> tuple[tuple | None, str | None]:
    """The row of a testing excerpt, or why there is none."""
    name = scan.stem(path.name)
    notes = next((n for e in (".txt", ".TXT") if (n := path.with_name(name + e)).is_file()), None)
    if notes is None:
        return None, f"its labels are missing: there is no {name}.txt beside it"
    labels = sorted(set(notes.read_text(encoding="utf-8", errors="replace").split()))
    unknown = [label for label in labels if label not in CLASSES]
    if unknown or not labels:
        return None, f"{notes.name} names {unknown[0]!r}, no class of IRMAS" if unknown else f"{notes.name} is empty"
    song = re.sub(r"-\d+$", "", name)  # excerpts of a song are numbered
    where = path.relative_to(root).as_posix()
    return (f"test/{name}", JOINED.join(labels), f"testing: {song}", "test", where, "", ""), None
