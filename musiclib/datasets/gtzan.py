"""GTZAN: a thousand clips of 30 s in ten genres, from a local folder, without its faulty files."""

import os
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd

from musiclib.datasets.base import NO_SPLIT, Dataset, DatasetError, content_of_file, existing_folder
from musiclib.datasets.folder import pieces, read_piece, report

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
CLIPS = 100  # of each genre
_ENDINGS = (".wav", ".au", ".flac", ".ogg", ".mp3")  # the first is taken where a clip is there in several
_LAYOUT = "GTZAN's ten genres as sub-folders, such as genres/blues/blues.00000.wav"

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
    """GTZAN as you have it on disk: any of the layouts that go round, as WAV, AU, FLAC, OGG or MP3.

    Parameters
    ----------
    data_home : the folder with the genres, or one above it: ``genres/``, ``genres_original/``,
        ``Data/genres_original/``, ...
    faulty : True keeps the clips that are in no fault-filtered list; they are on no side and each its own group
    sr : resample to this rate in Hz when loading; None keeps the files' own, 22050 Hz
    unreadable : ``"warn"`` leaves out what cannot be read, such as jazz.00054 in one of the copies that go round, and
        says so once; ``"raise"`` stops
    thorough : try every clip, so that all that the manifest names can be loaded; False reads headers only

    Returns
    -------
    Dataset whose column ``split`` is that of the fault-filtered lists; ``manifest.attrs["left_out"]`` names the
    faulty, unreadable and missing clips

    Raises
    ------
    DatasetError
        If there is no such folder, or it does not have at least two of the genres.

    References
    ----------
    Tzanetakis and Cook, "Musical Genre Classification of Audio Signals", IEEE Transactions on Speech and Audio
    Processing 10(5), 2002, doi:10.1109/TSA.2002.800560; Sturm, "The GTZAN dataset: Its contents, its faults, their
    effects on evaluation, and its future use", arXiv:1306.1461, 2013; Kereliuk, Sturm and Larsen, "Deep Learning and
    Music Adversaries", IEEE Transactions on Multimedia 17(11), 2015, doi:10.1109/TMM.2015.2478068.
    """
    if unreadable not in ("warn", "raise"):
        raise DatasetError(f"gtzan: unreadable={unreadable!r}: expected 'warn' or 'raise'.")
    root, clips = _clips(existing_folder(data_home, "gtzan", _LAYOUT))
    side_of = sides()
    left_out = {id: "faulty: in none of the fault-filtered lists" for id in clips if id not in side_of and not faulty}
    wanted = {id: path for id, path in clips.items() if id not in left_out}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding does not hold Python's lock
        found = list(pool.map(lambda path: pieces(path, None, 0.0, thorough), wanted.values()))
    rows, damaged = [], {}
    for (id, path), (usable, problem) in zip(wanted.items(), found, strict=True):
        if problem:
            damaged[id] = problem
        side, group = side_of.get(id, (NO_SPLIT, id))
        name = path.relative_to(root).as_posix()
        rows += [(id, id.split(".")[0], group, side, d, "GTZAN", "not stated", name, start) for start, d in usable]
    report(damaged, "gtzan", str(root), unreadable)
    if not rows:
        raise DatasetError(f"gtzan: none of the {len(clips)} clips in {root} can be used. Copy or download them again.")
    columns = ["id", "label", "group", "split", "duration", "source", "license", "path", "start"]
    manifest = pd.DataFrame(rows, columns=columns).set_index("id")
    missing = [_id(genre, n) for genre in GENRES for n in range(CLIPS) if _id(genre, n) not in clips]
    if missing:
        warnings.warn(f"gtzan: {len(missing)} of 1000 clips are not in {root}: {_short(missing)}.", stacklevel=3)
    manifest.attrs["left_out"] = left_out | damaged | dict.fromkeys(missing, "missing")
    where = {"root": root, "sr": sr}
    return Dataset("gtzan", manifest, partial(read_piece, **where), content=partial(content_of_file, **where))


def _short(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _clips(folder: Path) -> tuple[Path, dict[str, Path]]:
    """The folder that holds the genres, here or up to three levels down, and the clips in it by their ids."""
    for above in ("", "*/", "*/*/", "*/*/*/"):
        for root in sorted({p.parent for genre in GENRES for p in folder.glob(above + genre) if p.is_dir()}):
            clips = {}
            for genre in GENRES:
                here = [p for p in (root / genre).glob(f"{genre}.*") if p.suffix in _ENDINGS]
                named = [p for p in here if re.fullmatch(rf"{genre}\.000\d\d", p.stem)]
                for path in sorted(named, key=lambda p: (p.stem, -_ENDINGS.index(p.suffix))):
                    clips[path.stem] = path
            if len({id.split(".")[0] for id in clips}) > 1:
                return root, clips
    raise DatasetError(
        f"gtzan: there are no two of its genres in {folder} or up to three levels below. Expected {_LAYOUT}."
    )
