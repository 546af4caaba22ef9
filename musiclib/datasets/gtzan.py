"""GTZAN: a thousand clips of 30 s in ten genres, from a local folder, without its faulty files."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from musiclib.datasets import scan
from musiclib.datasets.base import NO_SPLIT, Dataset, DatasetError, existing_folder
from musiclib.datasets.recordings import check_options, dataset

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
CLIPS = 100  # of each genre
_ENDINGS = (".wav", ".au", ".flac", ".ogg", ".mp3")  # the first is taken where a clip is there in several
_NAME = re.compile(rf"({'|'.join(GENRES)})[._ -]?(000\d\d)")
_LAYOUT = "GTZAN's clips by their names, such as genres/blues/blues.00000.wav"

# The clips in which no fault was found, each artist on one side: 443, 197 and 290 (Kereliuk, Sturm and Larsen 2015).
# They stand here and not in data/, which does not come along where only the package is installed.
FAULT_FILTERED = {
    "train": {
        "blues": "29-49 73-97",
        "classical": "30-33 43-48 50-67 80-99",
        "country": "19-26 28-29 65-99",
        "disco": "5 15-20 22-37 39-45 47 49 53-54 56-57 59 61 70 73-74 89",
        "hiphop": "2-25 28-29 31-38 41-42 55-61 77-80",
        "jazz": "0-1 11-24 41 47-72",
        "metal": "2-3 5 21 24 35 46-57 59-66 69 71-72 79-80 84 86 89-99",
        "pop": "2-9 11-12 16-20 23-29 31-36 38-42 44 46 49-50 80 97-99",
        "reggae": "0-2 4 6 9 11-12 14-32 42-45 49-51 54-60 63 69",
        "rock": "0-9 16-26 57-70 91-99",
    },
    "validation": {
        "blues": "0-11 50-60",
        "classical": "0-10 68-76",
        "country": "0-7 9-18 27 41-42 45 49",
        "disco": "0 2-4 6-14 46 48 52 67-68 72 75 90 95",
        "hiphop": "81-98",
        "jazz": "2-10 25-32",
        "metal": "0-1 6-11 16-20 36-37 68 76-77 81-82",
        "pop": "10 53 55 58-62 81 83-86",
        "reggae": "61-62 70 72 74 76-78 85 92-99",
        "rock": "38 49-56 71-85",
    },
    "test": {
        "blues": "12-28 61-72 98-99",
        "classical": "11-29 34-41 49 77-79",
        "country": "30-40 43-44 46-48 50-51 53-64",
        "disco": "1 21 58 62-66 69 76-88 91-94 96-97 99",
        "hiphop": "0 26-27 30 40 43-45 51-54 62-75 99",
        "jazz": "73-99",
        "metal": "12-15 22-23 25-33 38-39 67 70 73-75 78 83 85 87-88",
        "pop": "0-1 13-14 43 63-66 69-79 82 88-96",
        "reggae": "34-40 46-48 52-53 64-68 71 79 82-84 87-90",
        "rock": "10-15 27-37 39-48 86-90",
    },
}


def sides() -> dict[str, tuple[str, str]]:
    """Of each clip in the fault-filtered lists its side and its group: ``{"blues.00000": ("validation", ...)}``.

    The lists do not name artists. Neighboring numbers are often one artist's, so a group is a run of neighbors on one
    side that only clips in no list interrupt.
    """
    listed = {
        (genre, number): side
        for side, genres in FAULT_FILTERED.items()
        for genre, runs in genres.items()
        for number in _numbers(runs)
    }
    found = {}
    for genre in GENRES:
        before, first = None, 0
        for number in sorted(n for g, n in listed if g == genre):
            side = listed[genre, number]
            first, before = (first if side == before else number), side
            found[_id(genre, number)] = (side, f"{_id(genre, first)} and its neighbors")
    return found


def _numbers(runs: str) -> list[int]:
    """ "2-4 7" → [2, 3, 4, 7]."""
    bounds = [[int(n) for n in run.split("-")] for run in runs.split()]
    return [n for run in bounds for n in range(run[0], run[-1] + 1)]


def _id(genre: str, number: int) -> str:
    return f"{genre}.{number:05d}"


def gtzan(
    data_home: str | Path | None,
    *,
    faulty: bool = False,
    sr: int | None = None,
    unreadable: str = "warn",
    thorough: bool = True,
) -> Dataset:
    """GTZAN as you have it on disk: any of the layouts that go round, in any format that libsndfile reads.

    Parameters
    ----------
    data_home : the folder with the clips, at any depth: ``genres/``, ``genres_original/``, ``Data/genres_original/``,
        or all of them in one folder. A clip is known by its name: ``blues.00000.wav``, ``blues.00000.au.wav``
    faulty : True keeps the clips that are in no fault-filtered list; they are on no side and each its own group
    sr : resample to this rate in Hz when loading; None keeps the files' own, 22050 Hz
    unreadable : ``"warn"`` leaves out what is missing or cannot be read, such as jazz.00054 in one of the copies that
        go round, and says so once; ``"raise"`` stops
    thorough : decode every clip, so that all that the manifest names can be loaded; False reads headers only

    Returns
    -------
    Dataset whose column ``split`` is that of the fault-filtered lists; ``manifest.attrs["left_out"]`` names the
    faulty, unreadable and missing clips, and files beside them that are none

    Raises
    ------
    DatasetError
        If there is no such folder, or it does not have clips of at least two genres.

    References
    ----------
    Tzanetakis and Cook, "Musical Genre Classification of Audio Signals", IEEE Transactions on Speech and Audio
    Processing 10(5), 2002, doi:10.1109/TSA.2002.800560; Sturm, "The GTZAN dataset: Its contents, its faults, their
    effects on evaluation, and its future use", arXiv:1306.1461, 2013; Kereliuk, Sturm and Larsen, "Deep Learning and
    Music Adversaries", IEEE Transactions on Multimedia 17(11), 2015, doi:10.1109/TMM.2015.2478068.
    """
    root = existing_folder(data_home, "gtzan", _LAYOUT)
    check_options("gtzan", unreadable)
    clips, left_out = _clips(root)
    side_of = sides()
    missing = [id for id in (_id(g, n) for g in GENRES for n in range(CLIPS)) if id not in clips]
    left_out |= {id: "missing: not in the folder" for id in missing if faulty or id in side_of}
    known = {id: "faulty: in none of the fault-filtered lists" for id in clips if not faulty and id not in side_of}
    rows = [
        (id, id.split(".")[0], *side_of.get(id, (NO_SPLIT, id))[::-1], _best(paths).relative_to(root).as_posix())
        for id, paths in clips.items()
        if id not in known
    ]
    table = pd.DataFrame(rows, columns=["id", "label", "group", "split", "path"]).set_index("id")
    options: dict[str, Any] = {
        "sr": sr,
        "unreadable": unreadable,
        "thorough": thorough,
        "left_out": left_out,
        "known": known,
    }
    return dataset("gtzan", root, table, source="GTZAN", license="not stated", **options)


def _clips(root: Path) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """The files of each clip by its id, the best first; and what lies among them and is no clip."""
    clips: dict[str, list[Path]] = {}
    strange = []
    found = scan.find(root)
    for path in found.files:
        match = _NAME.fullmatch(scan.stem(path.name).lower())
        if match:
            clips.setdefault(f"{match[1]}.{match[2]}", []).append(path)
        else:
            strange.append(path)
    if len({id.split(".")[0] for id in clips}) < 2:
        raise DatasetError(f"gtzan: there are no clips of two of its genres in {root}. Expected {_LAYOUT}.")
    among = {path.parent for paths in clips.values() for path in paths}
    reasons = {path: "its name is none of a clip, such as blues.00000" for path in strange if path.parent in among}
    for paths in clips.values():
        paths.sort(key=lambda p: (_ENDINGS.index(e) if (e := p.suffix.lower()) in _ENDINGS else len(_ENDINGS), p))
    named = {path.relative_to(root).as_posix(): why for path, why in reasons.items()}
    return dict(sorted(clips.items())), found.passed | named


def _best(paths: list[Path]) -> Path:
    """Of the files of a clip, the first that can be used; else the first."""
    return paths[0] if len(paths) == 1 else next((p for p in paths if scan.check(p)[0]), paths[0])
