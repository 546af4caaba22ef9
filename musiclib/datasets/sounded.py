"""Pieces to data sets of sound: each excerpt performed once, in parallel, and kept by what it was made from."""

import hashlib
import math
import sys
from functools import cache, partial, singledispatch
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import soundfile as sf

from musiclib import perform, render
from musiclib.datasets import scores
from musiclib.datasets.base import NO_SPLIT, Dataset
from musiclib.files import code_of, home, write_whole
from musiclib.symbolic import ScoreError

SR = 22_050  # Hz


class Excerpt(NamedTuple):
    """What is performed: so many seconds of a piece from some place on, by these players."""

    id: str
    label: str
    piece: scores.Piece
    instruments: str  # one name for all parts, or several with commas, dealt to the parts from the top
    seed: int  # of the performance
    seconds: float
    place: float = 0.0  # where in the piece it begins: 0 its beginning, 1 as late as its length lets it
    again: bool = False  # a piece that is too short is played again, as dancers want; else it is left out
    center: int | None = None  # MIDI pitch that the excerpt is transposed to lie about


def seed_of(*names: str) -> int:
    """A seed that depends on these names alone: the same on every machine, and on no label that is not among them."""
    return int.from_bytes(hashlib.sha256("/".join(names).encode()).digest()[:4])


@cache
def _made_by() -> str:
    """A fingerprint of all that turns a score into sound."""
    score = ("symbolic.notes", "symbolic.scores", "symbolic.instruments")
    here = code_of(*score, "acoustics", "perform", "render", "datasets.scores", "datasets.sounded")
    font = hashlib.sha256(render.soundfont().read_bytes()).hexdigest()
    return f"{here} {font} {version('midirenderer')} {SR}"


def _file(excerpt: Excerpt, folder: Path) -> Path:
    recipe = (_made_by(), scores.key(excerpt.piece), excerpt[3:])
    return folder / "performed" / f"{hashlib.sha256(repr(recipe).encode()).hexdigest()[:32]}.flac"


def cut(score: scores.Notes, excerpt: Excerpt, onsets: int) -> np.ndarray:
    """So many onsets of a piece from the barline nearest to the excerpt's place, transposed as it asks.

    Raises
    ------
    ScoreError
        If the piece is too short and is not to be played again.
    """
    notes = score.notes
    moments = np.unique(np.round(notes["onset"], 4))
    if len(moments) < onsets and excerpt.again:
        notes = _again(score, math.ceil(onsets / len(moments)))
        moments = np.unique(np.round(notes["onset"], 4))
    if len(moments) < onsets:
        raise ScoreError(f"{excerpt.piece.name} has {len(moments)} onsets; {onsets} are needed to fill the time.")
    latest = moments[len(moments) - onsets]
    barlines = score.measures["onset"]
    before = barlines[barlines <= excerpt.place * latest + 1e-6]
    start = before[-1] if len(before) else 0.0
    first = int(np.searchsorted(moments, start - 1e-3))
    inside = (notes["onset"] >= moments[first] - 1e-3) & (notes["onset"] <= moments[first + onsets - 1] + 1e-3)
    chosen = notes[inside].copy()
    if excerpt.center is not None:
        chosen["pitch"] += round(excerpt.center - float(np.median(chosen["pitch"])))
    return chosen


def _again(score: scores.Notes, times: int) -> np.ndarray:
    # From its first measure's line to its last, so that an upbeat comes where the last measure leaves room for it.
    last = score.measures[-1]
    length = max(
        float(last["onset"] + last["length"] - score.measures["onset"][0]),
        float(np.max(score.notes["onset"] + score.notes["duration"])),
    )
    turns = []
    for turn in range(times):
        turns.append(score.notes.copy())
        turns[-1]["onset"] += turn * length
    return np.concatenate(turns)


@singledispatch
def sound(excerpt: Excerpt, score: scores.Notes) -> np.ndarray:
    """The performance of an excerpt: float32 array, shape (round(seconds · SR),), at ``SR`` Hz.

    What is no :class:`Excerpt`, but has its fields to begin with, is performed by the function registered for it.
    """
    if len(score.notes) == 1:
        return _single_note(excerpt, score.notes)
    rate = perform.draw(excerpt.seed).rate
    # A little more than fills the time, for the tempo wanders.
    notes = cut(score, excerpt, math.ceil(rate * excerpt.seconds * 1.15) + 3)
    names = excerpt.instruments.split(", ")
    players = [names[part % len(names)] for part in range(int(notes["part"].max()) + 1)]
    players = players[0] if len(names) == 1 else players
    return perform.perform(notes, score.measures, players, seed=excerpt.seed, sr=SR, seconds=excerpt.seconds)


def _single_note(excerpt: Excerpt, note: np.ndarray) -> np.ndarray:
    """One note, short or held, loud or soft, in an excerpt's manner; the rest of its time is the room's."""
    manner = perform.draw(excerpt.seed)
    rng = np.random.default_rng((excerpt.seed, 4))
    played = note.copy()
    played["duration"] = rng.uniform(0.2, 0.9) * excerpt.seconds
    played["velocity"] = round(manner.touch + rng.uniform(-1, 2) * manner.accent)
    samples = round(excerpt.seconds * SR)
    y = perform.sound(played, manner, excerpt.instruments, sr=SR)[:samples]
    return perform.record(np.pad(y, (0, samples - len(y))), SR, manner)


def _make(excerpts: list[Excerpt], folder: Path) -> int:
    """Perform excerpts of one piece, and keep them. One that cannot be is kept as its reason."""
    for excerpt in excerpts:
        path = _file(excerpt, folder)
        try:
            y = sound(excerpt, scores.read(excerpt.piece, folder / "notes"))
        except (ScoreError, ValueError) as error:
            write_whole(path.with_suffix(".txt"), partial(_write_text, text=str(error)))
        else:
            write_whole(path, partial(sf.write, data=y, samplerate=SR, format="FLAC"))
    return len(excerpts)


def _write_text(path: str, *, text: str) -> None:
    Path(path).write_text(text, encoding="utf-8")


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
    done = 0
    if min(jobs, len(by_piece)) == 1:
        counts = (_make(group, folder) for group in by_piece.values())
    else:
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
        counts = parallel(joblib.delayed(_make)(group, folder) for group in by_piece.values())
    for count in counts:
        done += count
        print(f"\r{name}: {done} of {total} excerpts performed", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


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
