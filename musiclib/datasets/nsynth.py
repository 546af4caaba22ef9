"""NSynth: 305,979 notes of four seconds, sampled from 1006 instruments of eleven families."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from musiclib.datasets.base import Dataset, DatasetError
from musiclib.datasets.download import Remote, place
from musiclib.datasets.recordings import dataset

LICENSE = "CC BY 4.0"
SIDES = {"train": "nsynth-train", "validation": "nsynth-valid", "test": "nsynth-test"}
LABELS = {"family": "instrument_family_str", "source": "instrument_source_str"}
_KEPT = (*LABELS.values(), "instrument_str", "pitch", "velocity")
_LAYOUT = "nsynth-train, nsynth-valid or nsynth-test, each with examples.json and audio/"

_URL = "https://storage.googleapis.com/download.magenta.tensorflow.org/datasets/nsynth/"
REMOTES = {
    "train": Remote(f"{_URL}nsynth-train.jsonwav.tar.gz", "md5:fde6665a93865503ba598b9fac388660", 23.6),
    "validation": Remote(f"{_URL}nsynth-valid.jsonwav.tar.gz", "md5:87e94a00a19b6dbc99cf6d4c0c0cae87", 1.1),
    "test": Remote(f"{_URL}nsynth-test.jsonwav.tar.gz", "md5:5e6f8719bf7e16ad0a00d518b78af77d", 0.4),
}


def nsynth(
    data_home: str | Path | None = None,
    *,
    side: str | None = None,
    label: str = "family",
    sr: int | None = None,
    shared: str = "leave out",
    unreadable: str = "warn",
    thorough: bool = False,
    download: bool = False,
) -> Dataset:
    """NSynth in its form of JSON and WAV files.

    Parameters
    ----------
    data_home : the folder that holds ``nsynth-train`` and its kin, or one above it
    side : ``"train"``, ``"validation"`` or ``"test"`` alone; None is what is there
    label : ``"family"``, such as brass, or ``"source"``: acoustic, electronic or synthetic
    sr : resample to this rate in Hz when loading; None keeps the files' own, 16000 Hz
    shared : the makers' validation and test sides are different notes of the same instruments. ``"leave out"`` keeps
        the test side, and leaves out the validation notes of its instruments: ``splits.train_validation_test`` then
        cuts a validation side of whole instruments from the training side. ``"keep"`` keeps all three
    unreadable : ``"warn"`` leaves damaged and missing notes out and says so once; ``"raise"`` stops
    thorough : decode every note, which takes minutes for the training side; False reads headers only
    download : fetch it, checked by MD5, into ``data_home`` or the user's cache: 0.4 GB to test, 1.1 to validate, 23.6
        to train

    Returns
    -------
    Dataset of (y, sr). A group is an instrument. The manifest's columns beyond the usual: pitch (MIDI number), velocity

    Raises
    ------
    DatasetError
        If there is no such folder, side or label, a list of notes cannot be read, or the download fails.

    References
    ----------
    Engel, Resnick, Roberts, Dieleman, Norouzi, Eck and Simonyan, "Neural Audio Synthesis of Musical Notes with WaveNet
    Autoencoders", ICML 2017, arXiv:1704.01279.
    """
    if side is not None and side not in SIDES:
        raise DatasetError(f"nsynth: side={side!r}: expected {', '.join(map(repr, SIDES))}, or None for all.")
    if label not in LABELS:
        raise DatasetError(f"nsynth: label={label!r}: expected {' or '.join(map(repr, LABELS))}.")
    wanted = [side] if side else list(SIDES)
    root = place(data_home, "nsynth", _LAYOUT, download, [REMOTES[s] for s in wanted])
    root = root.parent if root.name in SIDES.values() else root
    tables = [_side(path, root, s, label) for s in wanted if (path := _list(root, SIDES[s]))]
    if not tables:
        names = ", ".join(SIDES[s] for s in wanted)
        raise DatasetError(
            f"nsynth: no {names} with examples.json in {root} or up to two levels below. Expected {_LAYOUT}."
        )
    options: dict[str, Any] = {"sr": sr, "shared": shared, "unreadable": unreadable, "thorough": thorough}
    return dataset("nsynth", root, pd.concat(tables), source="NSynth", license=LICENSE, **options)


def _list(root: Path, folder: str) -> Path | None:
    for above in ("", "*/", "*/*/"):
        if found := sorted(root.glob(f"{above}{folder}/examples.json")):
            return found[0]
    return None


def _slim(pairs: list[tuple]) -> dict:
    """What is needed of a note: with all that a list of 289,205 says of each, it would fill the memory."""
    note = dict(pairs)
    return {key: note[key] for key in _KEPT if key in note} if "pitch" in note else note


def _side(path: Path, root: Path, side: str, label: str) -> pd.DataFrame:
    """The notes that a list names."""
    try:
        notes = json.loads(path.read_bytes(), object_pairs_hook=_slim)
        audio = (path.parent / "audio").relative_to(root).as_posix()
        columns = ["id", "label", "group", "split", "path", "pitch", "velocity"]
        rows = [
            (id, n[LABELS[label]], n["instrument_str"], side, f"{audio}/{id}.wav", int(n["pitch"]), int(n["velocity"]))
            for id, n in notes.items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"nsynth: {path} is no list of NSynth's notes ({type(error).__name__}: {error}). Get it again."
        ) from error
    return pd.DataFrame(rows, columns=columns).set_index("id")
