"""Data sets through one interface: a manifest and ``load(id)``.

>>> from musiclib import datasets
>>> music = datasets.load("folder", data_home="my_music")  # one sub-folder a class
>>> music.balance()
>>> y, sr = music.load(music.manifest.index[0])
"""

import inspect
from importlib import import_module
from pathlib import Path

from musiclib.datasets.base import NO_SPLIT, Dataset, DatasetError

__all__ = ["NO_SPLIT", "REGISTRY", "Dataset", "DatasetError", "load"]

# name → the function that loads it, imported when it is asked for
REGISTRY = {
    "chorales": "musiclib.datasets.corpora:chorales",
    "composers": "musiclib.datasets.corpora:composers",
    "genres": "musiclib.datasets.corpora:genres",
    "instruments": "musiclib.datasets.corpora:instruments",
    "mixes": "musiclib.datasets.mixes:mixes",
    "tunes": "musiclib.datasets.corpora:tunes",
    "folder": "musiclib.datasets.folder:folder",
    "gtzan": "musiclib.datasets.gtzan:gtzan",
    "irmas": "musiclib.datasets.irmas:irmas",
    "maestro": "musiclib.datasets.maestro:maestro",
    "medley_solos_db": "musiclib.datasets.medley_solos:medley_solos_db",
    "nsynth": "musiclib.datasets.nsynth:nsynth",
    "jsb_chorales": "musiclib.datasets.polyphonic:jsb_chorales",
    "nottingham": "musiclib.datasets.polyphonic:nottingham",
}


def load(name: str, *, data_home: str | Path | None = None, **options) -> Dataset:
    """The data set ``name``.

    Parameters
    ----------
    name : one of ``REGISTRY``; each has a card in ``data/``
    data_home : the folder that holds it, or that downloads go to
    options : what this data set lets one choose; see its function

    Raises
    ------
    DatasetError
        If there is no such data set or option, or the set cannot be loaded.

    Notes
    -----
    Taught in: 07_preprocessing_pipeline
    """
    if name not in REGISTRY:
        raise DatasetError(f"There is no data set {name!r}. There are {', '.join(sorted(REGISTRY))}.")
    module, function = REGISTRY[name].split(":")
    loader = getattr(import_module(module), function)
    known = [p for p in inspect.signature(loader).parameters if p != "data_home"]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise DatasetError(f"{name} has no option {', '.join(unknown)}. It has {', '.join(known) or 'none'}.")
    return loader(data_home, **options)
