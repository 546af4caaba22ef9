"""Features of a whole data set, streamed into one memory-mapped array and kept by what they were made from."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import librosa
import numba
import numpy as np
import pandas as pd
import scipy
import soxr

from musiclib import audio, files
from musiclib.datasets.base import Dataset
from musiclib.datasets.report import Progress, grouped, items, tell
from musiclib.features import segments, spectral, store
from musiclib.features.segments import Recipe
from musiclib.features.store import FeatureError


class Features(NamedTuple):
    """The features of a data set's segments.

    Attributes
    ----------
    array : read-only memory map, shape (segments, bands, frames): on disk until a part of it is used
    index : row i describes ``array[i]``: id of the item, its label, group and split, and where the segment starts, s
    left_out : {id: why it has no segments}
    parameters : what was computed; lengths in samples
    path : the folder that keeps it: ``array.npy``, which any NumPy reads, and ``index.csv``
    """

    array: np.ndarray
    index: pd.DataFrame
    left_out: dict[str, str]
    parameters: dict[str, Any]
    path: Path

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.array.shape))
        return f"Features({self.parameters['kind']}: {shape}, of {self.index.id.nunique()} items, in {self.path})"


def extract(
    dataset: Dataset,
    kind: str,
    *,
    segment: float,
    hop: float | None = None,
    sr: int = 22_050,
    pad: bool = False,
    data_home: str | Path | None = None,
    jobs: int | None = None,
    unreadable: str = "warn",
    **parameters,
) -> Features:
    """Cut every item of a data set into segments, and compute the features of each segment alone.

    Items are read one after another by several workers and written as they are done, so memory does not grow with the
    data set, and a run that was ended goes on where it was. The bytes do not depend on the number of workers. What is
    made is kept under ``data_home`` by the items' content, the parameters and the code, and found there again.

    Parameters
    ----------
    dataset : a set of sounds from :mod:`musiclib.datasets`
    kind : ``"mfcc"``; ``"mel"``, a mel spectrogram in dB; or ``"spectrogram"``, a power spectrogram in dB
    segment : how long a segment is, in seconds
    hop : from the start of one segment to the next, in seconds; None is ``segment``: they do not overlap
    sr : resample items of another rate to this one, in Hz
    pad : keep an item's last, shorter segment, followed by zeros; False drops it, and leaves out shorter items
    data_home : keep the result in its folder ``features``; None is $MUSICLIB_DATA or the user's cache folder
    jobs : workers; None is one a core. They are threads, since all that takes long lets other threads run. Another
        joblib backend around the call is used instead: ``with joblib.parallel_config(backend="dask"): ...``
    unreadable : ``"warn"`` leaves damaged items out and says so in one short warning at the end; ``"raise"`` makes an
        error of it, at the end too
    parameters : n_fft, hop_length, n_mels, n_mfcc, fmin, fmax, htk, as for :func:`mfcc`; and top_db, how far below
        its loudest a segment's levels are cut off (80 dB; None: nowhere)

    Returns
    -------
    Features, whose ``array`` is float32, shape (segments, bands, frames), items in the manifest's order

    Raises
    ------
    FeatureError
        If a parameter is unknown or out of range, the items are not sounds, no item can be used, or one cannot and
        ``unreadable`` is ``"raise"``.
    OSError
        If the disk is full, naming the file; what was done is kept.

    Notes
    -----
    Taught in: 07_preprocessing_pipeline
    """
    if unreadable not in ("warn", "raise"):
        raise FeatureError(f"unreadable={unreadable!r}: expected 'warn' or 'raise'.")
    recipe = _recipe(kind, segment, hop, sr, pad, parameters)
    ids = list(dataset.manifest.index)
    workers = joblib.Parallel(n_jobs=jobs or -1, prefer="threads", return_as="generator", batch_size=1)
    content = _contents(dataset, ids)
    code = files.code_of("audio", "features.compiled", "features.segments", "features.spectral")
    made_by = [code, *(m.__version__ for m in (librosa, numba, np, scipy, soxr))]
    key = hashlib.sha256(json.dumps([recipe, made_by, [str(i) for i in ids], content]).encode()).hexdigest()[:16]
    name = re.sub(r"[^\w.-]+", "_", dataset.name)[:40]
    folder = files.home(data_home) / "features" / f"{name}-{kind}-{key}"

    def rest(done: int) -> Iterator[store.Entry]:
        entries = _entries(dataset, recipe, ids[done:], workers)
        return iter(Progress(entries, initial=done, total=len(ids), desc=f"{dataset.name}: {kind}", unit=" items"))

    store.make(folder, recipe.shape, rest, about={"parameters": recipe._asdict(), "made_by": made_by, "ids": len(ids)})
    return _opened(dataset, folder, recipe, unreadable)


def _recipe(kind, segment, hop, sr, pad, parameters) -> Recipe:
    if kind not in segments.KINDS:
        raise FeatureError(f"There is no kind of features {kind!r}. There are {', '.join(segments.KINDS)}.")
    known = Recipe._fields[5:]
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise FeatureError(f"extract has no parameter {', '.join(unknown)}. It has {', '.join(known)}.")
    hop = segment if hop is None else hop
    if not (0 < segment < np.inf and 0 < hop < np.inf and 0 < sr < np.inf):
        raise FeatureError(f"segment={segment}, hop={hop} seconds, sr={sr} Hz: expected positive numbers.")
    parameters = {k: v.item() if isinstance(v, np.generic) else v for k, v in parameters.items()}
    recipe = Recipe(kind, int(sr), round(segment * sr), round(hop * sr), bool(pad), **parameters)
    if min(recipe.segment, recipe.hop, recipe.n_fft, recipe.hop_length, recipe.n_mels, recipe.n_mfcc) < 1:
        raise FeatureError(f"{recipe}: expected lengths and counts of at least 1.")
    if recipe.top_db is not None and not recipe.top_db > 0:
        raise FeatureError(f"top_db={recipe.top_db}: expected a positive number of decibels, or None.")
    if kind == "mfcc" and recipe.n_mfcc > recipe.n_mels:
        raise FeatureError(f"n_mfcc={recipe.n_mfcc} is more than n_mels={recipe.n_mels}: a DCT has no more values.")
    if kind != "spectrogram":
        spectral.mel_filterbank(
            sr=sr, n_fft=recipe.n_fft, n_mels=recipe.n_mels, fmin=recipe.fmin, fmax=recipe.fmax, htk=recipe.htk
        )  # which says what is wrong with the range
    return recipe


def _contents(dataset: Dataset, ids: list) -> list[str]:
    def content(id) -> str:
        try:
            return dataset.fingerprint(id)
        except Exception as error:  # it will be left out for this reason; once repaired, the result is another
            return f"unreadable: {error}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing does not hold Python's lock
        return list(pool.map(content, ids))


def _entries(dataset: Dataset, recipe: Recipe, ids: list, workers: joblib.Parallel) -> Iterator[store.Entry]:
    """What there is to write for each item, in order."""
    if not ids:
        return
    # The first is done here, before there are workers: processes that import librosa at the same moment would all
    # fill numba's cache of compiled code on disk at once, and that has crashed them.
    yield _entry(dataset, recipe, ids[0])
    yield from workers(joblib.delayed(_entry)(dataset, recipe, id) for id in ids[1:])


def _entry(dataset: Dataset, recipe: Recipe, id) -> store.Entry:
    try:
        y, sr = _sound(dataset, id)
        y = np.asarray(audio.resample(y, sr, recipe.sr), dtype=np.float32)
        if segments.starts(y.size, recipe).size == 0:
            least = recipe.segment / recipe.sr
            raise audio.AudioError(
                f"it is too short: {y.size / recipe.sr:.3f} s, expected at least one segment of {least:g} s"
            )
    except (MemoryError, FeatureError):
        raise
    except Exception as error:  # whatever a reader meets in a damaged file
        if files.disk_is_full(error):
            raise
        return store.Entry(str(id), reason=_reason(dataset, id, error))
    found, begin = segments.features(y, recipe)
    return store.Entry(str(id), found, (begin / recipe.sr).tolist())


def _reason(dataset: Dataset, id, error: Exception) -> str:
    """Why an item cannot be used, without the path of its file: what is alike in many is said once."""
    known = isinstance(error, ValueError | OSError)
    reason = str(error) if known else f"{type(error).__name__}: {error}"
    path = dataset.manifest.loc[id].get("path") or reason
    before, path, after = reason.partition(path)
    return re.sub(r"\S*[/\\].*$", "", before) + "it" + after if after else reason


def _sound(dataset: Dataset, id) -> tuple[np.ndarray, int]:
    item = dataset.load(id)
    if not (isinstance(item, tuple) and len(item) == 2 and np.ndim(item[1]) == 0):
        kind = type(item).__name__
        raise FeatureError(f"{dataset.name} is no set of sounds: expected (y, sr) from load, not {kind}.")
    y, sr = item
    return audio.check(audio.mix(np.asarray(y, dtype=np.float32), name="it"), name="it"), sr


def _opened(dataset: Dataset, folder: Path, recipe: Recipe, unreadable: str) -> Features:
    array, table, left_out = store.read(folder)
    what = f"{dataset.name}: {len(left_out)} of {items(len(dataset.manifest))} left out"
    if not len(table):
        raise FeatureError(f"{what}:\n{grouped(left_out)}\nNone is left to compute from.")
    tell(left_out, what, unreadable, all_in="Features.left_out", error=FeatureError)
    # The manifest may have got other labels or another split since: they come from the one that is given now.
    now = dataset.manifest.set_axis(dataset.manifest.index.map(str))[["label", "group", "split"]]
    index = table[["id"]].join(now, on="id").assign(start=table["start"])
    return Features(array, index, left_out, recipe._asdict(), folder)


def statistics(X: np.ndarray) -> np.ndarray:
    """Mean and standard deviation over the frames of each segment: what a classical classifier takes.

    Parameters
    ----------
    X : shape (segments, bands, frames), in memory or on disk

    Returns
    -------
    float32 array, shape (segments, 2 · bands): the means, then the deviations

    Raises
    ------
    ValueError
        If ``X`` does not have three axes.

    Notes
    -----
    Taught in: 07_preprocessing_pipeline
    """
    if X.ndim != 3:
        raise ValueError(f"X has shape {X.shape}, expected (segments, bands, frames).")
    found = np.empty((X.shape[0], 2 * X.shape[1]), np.float32)
    for first in range(0, len(X), 64):  # in parts, so that a memory map is not read whole
        some = np.asarray(X[first : first + 64], dtype=np.float64)
        found[first : first + 64] = np.hstack([some.mean(axis=2), some.std(axis=2)])
    return found
