"""Pieces to data sets of sound: each excerpt performed once, in parallel, and kept by what it was made from."""

import hashlib
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import soundfile as sf

from musiclib import perform, render
from musiclib.datasets import scores
from musiclib.datasets.base import NO_SPLIT, Dataset
from musiclib.datasets.excerpts import SR, Excerpt, sound
from musiclib.datasets.report import Progress
from musiclib.files import code_of, home, write_text, write_whole
from musiclib.symbolic import ScoreError


def seed_of(*names: str) -> int:
    """A seed that depends on these names alone: the same on every machine, and on no label that is not among them."""
    return int.from_bytes(hashlib.sha256("/".join(names).encode()).digest()[:4])


@cache
def _made_by() -> str:
    """A fingerprint of all that turns a score into sound."""
    score = ("symbolic.notes", "symbolic.scores", "symbolic.instruments")
    here = code_of(*score, "acoustics", "perform", "render", "datasets.excerpts", "datasets.scores")
    font = hashlib.sha256(render.soundfont().read_bytes()).hexdigest()
    return f"{here} {font} {version('midirenderer')} {SR}"


def _file(excerpt: Excerpt, folder: Path) -> Path:
    recipe = (_made_by(), scores.key(excerpt.piece), excerpt[3:])
    return folder / "performed" / f"{hashlib.sha256(repr(recipe).encode()).hexdigest()[:32]}.flac"


def _make(excerpts: list[Excerpt], folder: Path) -> int:
    """Perform excerpts of one piece, and keep them. One that cannot be is kept as its reason."""
    for excerpt in excerpts:
        path = _file(excerpt, folder)
        try:
            y = sound(excerpt, scores.read(excerpt.piece, folder / "notes"))
        except (ScoreError, ValueError) as error:
            write_text(path.with_suffix(".txt"), str(error))
        else:
            write_whole(path, partial(sf.write, data=y, samplerate=SR, format="FLAC"))
    return len(excerpts)


def _is_made(excerpt: Excerpt, folder: Path) -> bool:
    path = _file(excerpt, folder)
    return path.is_file() or path.with_suffix(".txt").is_file()


def _make_missing(name: str, excerpts: list[Excerpt], folder: Path, jobs: int) -> None:
    by_piece: dict[str, list[Excerpt]] = {}
    for excerpt in excerpts:
        if not _is_made(excerpt, folder):
            by_piece.setdefault(excerpt.piece.name, []).append(excerpt)
    total = sum(map(len, by_piece.values()))
    if not total:
        return
    if min(jobs, len(by_piece)) == 1:
        counts = (_make(group, folder) for group in by_piece.values())
    else:
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
        counts = parallel(joblib.delayed(_make)(group, folder) for group in by_piece.values())
    with Progress(total=total, desc=f"{name}: performing", unit=" excerpts") as progress:
        for count in counts:
            progress.update(count)


def performed(
    name: str, excerpts: list[Excerpt], data_home: str | Path | None = None, jobs: int | None = None
) -> Dataset:
    """A data set of these excerpts in sound, performed now or found where they were kept.

    Parameters
    ----------
    name : of the data set
    excerpts : with ids of their own
    data_home : keep what is made in its folder ``scores``; see ``files.home``
    jobs : worker processes; None is one a core

    Returns
    -------
    Dataset whose items are (y, sr), y of shape (round(seconds · sr),). The manifest's columns beyond the usual:
    title, instruments, rate (onsets a second), tuning (cents), seed.

    Raises
    ------
    DatasetError
        If no excerpt can be performed.
    OSError
        If what is made cannot be kept.
    """
    folder = home(data_home) / "scores"
    _make_missing(name, excerpts, folder, jobs or joblib.cpu_count())
    by_id = {e.id: e for e in excerpts}
    made = [e for e in excerpts if not _file(e, folder).with_suffix(".txt").is_file()]
    manifest = pd.DataFrame([_row(e) for e in made], columns=_COLUMNS).set_index("id")
    reasons = {e.id: _file(e, folder).with_suffix(".txt") for e in excerpts if e not in set(made)}
    manifest.attrs["left_out"] = {id: path.read_text(encoding="utf-8") for id, path in reasons.items()}

    def read(row: pd.Series) -> tuple[np.ndarray, int]:
        excerpt = by_id[row.name]
        path = _file(excerpt, folder)
        try:
            return sf.read(path, dtype="float32")
        except sf.LibsndfileError:  # removed or damaged since: made again
            _make([excerpt], folder)
            return sf.read(path, dtype="float32")

    return Dataset(name, manifest, read, content=lambda row: _file(by_id[row.name], folder).stem)


_COLUMNS = (
    *("id", "label", "group", "split", "duration", "source", "license"),
    *("title", "instruments", "rate", "tuning", "seed"),
)


def _row(e: Excerpt) -> tuple:
    manner = perform.draw(e.seed)
    source = f"music21 corpus: {e.piece.path}" + (f", tune {e.piece.number}" if e.piece.number >= 0 else "")
    usual = (e.id, e.label, e.piece.group, NO_SPLIT, e.seconds, source, scores.LICENSE)
    return (*usual, e.piece.title, e.instruments, manner.rate, manner.tuning, e.seed)
