"""Pieces of music21's corpus: which there are, and their notes, parsed once and kept."""

import hashlib
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import music21 as m21
import numpy as np

from musiclib import symbolic
from musiclib.files import code_of, write_whole

CORPUS = Path(m21.__file__).parent / "corpus"
LICENSE = "music in the public domain; encodings by the terms of music21's corpus/license.txt"


class Piece(NamedTuple):
    """One movement or tune of the corpus."""

    name: str  # unique in its corpus: the id of what is made from it
    label: str
    group: str
    title: str
    path: str  # relative to music21's corpus; "" is no score but one note
    number: int = -1  # which tune of an ABC file, counted from 0; -1 is the whole file; of one note its MIDI pitch


class Notes(NamedTuple):
    """What a piece says: `symbolic.notes` with times in quarter notes, and `symbolic.measures`."""

    notes: np.ndarray
    measures: np.ndarray


@cache
def abc_tunes(path: str) -> tuple[str, ...]:
    """The tunes of an ABC file, in the file's order, each with its header."""
    text = (CORPUS / path).read_bytes().decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    return tuple("X:" + tune.strip() + "\n" for tune in re.split(r"^X:", text, flags=re.MULTILINE)[1:])


def header(tune: str, field: str) -> str:
    """The first line of an ABC tune's header that begins with this letter, without it; "" where there is none."""
    found = re.search(rf"^{field}:[ \t]*(.*?)[ \t]*$", tune, flags=re.MULTILINE)
    return found[1] if found else ""


def _content(piece: Piece) -> bytes:
    if not piece.path:
        return f"note {piece.number}".encode()
    return (CORPUS / piece.path).read_bytes() if piece.number < 0 else abc_tunes(piece.path)[piece.number].encode()


@cache
def key(piece: Piece) -> str:
    """A name for the notes of a piece: another score, parser or reading has another."""
    made_by = (version("music21"), code_of("symbolic.notes", "symbolic.scores"))
    return hashlib.sha256(repr(made_by).encode() + _content(piece)).hexdigest()[:32]


def read(piece: Piece, folder: Path) -> Notes:
    """The notes of a piece, from ``folder`` where they were kept; else parsed, and kept there.

    Raises
    ------
    symbolic.ScoreError
        If music21 cannot read it, or it has no notes.
    """
    if not piece.path:
        one = np.array([(0.0, 4.0, piece.number, 80, 0)], dtype=symbolic.NOTE)
        return Notes(one, np.array([(0.0, 4.0, 1.0)], dtype=symbolic.MEASURE))
    path = folder / f"{key(piece)}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            return Notes(kept["notes"], kept["measures"])
    except Exception:  # not there, or cut short by whatever ended the machine: made again below
        found = _parse(piece)
    write_whole(path, lambda part: np.savez_compressed(part, notes=found.notes, measures=found.measures))
    return found


def _parse(piece: Piece) -> Notes:
    try:
        if piece.number < 0:
            score = symbolic.read_score(CORPUS / piece.path)
        else:
            score = m21.converter.parse(_content(piece).decode(), format="abc", forceSource=True)
        return Notes(symbolic.notes(score, bpm=60), symbolic.measures(score))
    except symbolic.ScoreError:
        raise
    except Exception as error:  # each of music21's readers raises its own kind
        raise symbolic.ScoreError(f"{piece.name} cannot be read ({type(error).__name__}: {error}).") from error
