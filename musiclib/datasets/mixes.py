"""Single instruments to learn from and ensembles to be judged on, as in IRMAS: which instruments play here?"""

import hashlib
import inspect
import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.ndimage

from musiclib import perform
from musiclib.datasets import catalog, scores
from musiclib.datasets.base import Dataset, DatasetError
from musiclib.datasets.excerpts import SR, cut, sound
from musiclib.datasets.irmas import JOINED
from musiclib.datasets.sounded import performed, seed_of
from musiclib.symbolic import ScoreError

SOLO, ENSEMBLE = 3.0, 5.0  # seconds of an excerpt
SIZES = {"smoke": (2, 6), "quick": (48, 36), "full": (200, 70)}  # pieces to learn from, pieces to be judged on
PLAYERS = (1, 2, 2, 3)  # of the excerpts of each piece on the test side


class Player(NamedTuple):
    """How a class is played."""

    presets: tuple[str, ...]  # of the soundfont
    low: int  # the middle of what is played lies from here
    high: int  # to here, MIDI pitches
    chords: bool = False  # can play several voices at once
    vibrato: bool = False


ELECTRIC = ("jazz guitar", "electric guitar", "muted guitar", "overdriven guitar", "distortion guitar")
ORGANS = ("organ", "rock organ", "reed organ", "drawbar organ", "percussive organ")
# IRMAS's eleven classes in the registers where they are played.
CLASSES = {
    "cel": Player(("cello",), 43, 64, vibrato=True),
    "cla": Player(("clarinet",), 55, 76),
    "flu": Player(("flute", "recorder"), 66, 84, vibrato=True),
    "gac": Player(("guitar", "steel guitar"), 48, 68, chords=True),
    "gel": Player(ELECTRIC, 48, 70, chords=True),
    "org": Player(ORGANS, 48, 74, chords=True),
    "pia": Player(("piano", "bright piano", "honky-tonk piano"), 46, 78, chords=True),
    "sax": Player(("soprano saxophone", "tenor saxophone", "baritone saxophone"), 50, 68, vibrato=True),
    "tru": Player(("trumpet", "muted trumpet"), 57, 74, vibrato=True),
    "vio": Player(("violin", "fiddle"), 60, 84, vibrato=True),
    "voi": Player(("choir", "voice"), 52, 74, vibrato=True),
}


class Take(NamedTuple):
    """A piece as one player or several play it together; the fields as those of ``excerpts.Excerpt``."""

    id: str
    label: str  # the classes of the players in alphabetical order, joined
    piece: scores.Piece
    instruments: str  # presets, one a player, from the top voice down
    seed: int
    seconds: float
    place: float
    again: bool
    center: None
    players: tuple[str, ...]  # their classes, from the top voice down
    made_by: str


def mixes(data_home: str | Path | None = None, *, size: str = "quick", jobs: int | None = None) -> Dataset:
    """IRMAS's task in rendered sound: learn from single instruments, name all that play in an ensemble.

    The training side has excerpts of three seconds, one instrument each: phrases of dance tunes and voices of
    chorales; guitars, organs and pianos also play chorales in chords. The test side has excerpts of five seconds of
    other chorales, dealt to one, two or three instruments, none more than 6 dB under another, in one room.

    Parameters
    ----------
    data_home : keeps what is made; None is the user's cache folder
    size : ``"smoke"`` (22 and 24 excerpts), ``"quick"`` (528 and 144) or ``"full"`` (2200 and 280)
    jobs : worker processes; None is one a core

    Returns
    -------
    Dataset as of ``irmas(testing=True)``: labels cel, cla, flu, gac, gel, org, pia, sax, tru, vio, voi; those of an
    ensemble are joined, ``"gel+voi"``, and ``label.split("+")`` lists them. Split: train and test; group: the tune,
    or all that a hymn tune or a work connects

    Raises
    ------
    DatasetError
        If there is no such size.
    """
    if size not in SIZES:
        raise DatasetError(f"mixes has no size {size!r}. It has {', '.join(SIZES)}.")
    learned, judged = SIZES[size]
    chorales = _one_a_group(catalog.chorales())
    for_test = chorales[:judged]
    to_learn = [*_one_a_group(catalog.dances())[: learned - learned // 2], *chorales[judged:][: learned // 2]]
    takes = [_take(piece, (label,), SOLO, "solo") for piece in to_learn for label in CLASSES]
    for piece in for_test:
        takes += [_take(piece, _players(piece, n, k), ENSEMBLE, str(n + 1)) for n, k in enumerate(PLAYERS)]
    music = performed("mixes", takes, data_home, jobs)
    side = {piece.group: "test" for piece in for_test}
    return music.with_split(music.manifest.group.map(side).fillna("train"))


def _one_a_group(pieces) -> list[scores.Piece]:
    """The first piece of each tune or work, in the catalog's order that looks random."""
    chosen = catalog.choose([p._replace(label="any") for p in pieces], None)
    return list({p.group: p for p in reversed(chosen)}.values())[::-1]


def _players(piece: scores.Piece, number: int, count: int) -> tuple[str, ...]:
    rng = np.random.default_rng(seed_of("mixes", piece.name, str(number), "players"))
    return tuple(str(c) for c in rng.permutation(list(CLASSES))[:count])


def _take(piece: scores.Piece, players: tuple[str, ...], seconds: float, name: str) -> Take:
    seed = seed_of("mixes", piece.name, *players, name)
    presets = [CLASSES[c].presets[seed_of(str(seed), c) % len(CLASSES[c].presets)] for c in players]
    label = JOINED.join(sorted(players))
    place = seed % 1000 / 1000
    again = piece.number >= 0 or seconds > SOLO
    id = f"{label}-{piece.name}" + ("" if name == "solo" else f"@{name}")
    return Take(id, label, piece, ", ".join(presets), seed, seconds, place, again, None, players, _made_by())


@cache
def _made_by() -> str:
    """A fingerprint of how several play together; what ``excerpts`` does has its own."""
    code = "".join(map(inspect.getsource, (_together, _dealt, vibrato)))
    return hashlib.sha256(f"{code} {CLASSES}".encode()).hexdigest()


@sound.register
def _together(take: Take, score: scores.Notes) -> np.ndarray:
    """The players of a take together: float32 array, shape (round(seconds · SR),), at ``SR`` Hz."""
    rng = np.random.default_rng((take.seed, 5))
    manner = perform.draw(take.seed)
    hands = _dealt(np.unique(score.notes["part"]), take.players, rng)
    used = np.isin(score.notes["part"], np.concatenate(hands))
    onsets = math.ceil(manner.rate * take.seconds * 1.15) + 3
    notes = cut(score._replace(notes=score.notes[used]), take, onsets)
    for name, voices in zip(take.players, hands, strict=True):
        mine = np.isin(notes["part"], voices)
        if not mine.any():
            raise ScoreError(f"{take.piece.name}: a voice is silent here.")
        wanted = rng.uniform(CLASSES[name].low, CLASSES[name].high) - np.median(notes["pitch"][mine])
        # Together they keep their harmony: by octaves. Whoever is alone may be in any key.
        notes["pitch"][mine] += round(wanted) if len(take.players) == 1 else 12 * round(wanted / 12)
    played = perform.interpret(notes, score.measures, manner)
    played = played[played["onset"] < take.seconds]
    together = np.zeros(round(take.seconds * SR))
    for name, preset, voices in zip(take.players, take.instruments.split(", "), hands, strict=True):
        mine = played[np.isin(played["part"], voices)]
        if not len(mine):
            raise ScoreError(f"{take.piece.name}: a voice is silent here.")
        mine["part"] = 0
        y = perform.sound(mine, manner, preset, sr=SR)[: together.size].astype(np.float64)
        if CLASSES[name].vibrato:
            y = vibrato(y, SR, rng.uniform(4.5, 6.5), rng.uniform(0, 40), phase=rng.uniform(0, 1))
        level = rng.uniform(-6, 0) if len(take.players) > 1 else 0.0
        together[: y.size] += y * 10 ** (level / 20) / np.sqrt(np.mean(np.square(y)))
    return perform.record(together, SR, manner)


def _dealt(parts: np.ndarray, players: tuple[str, ...], rng: np.random.Generator) -> list[np.ndarray]:
    """The voices of each player: shared out from the top; alone, one voice or, on what plays chords, all of them."""
    if len(players) == 1:
        all_of_them = CLASSES[players[0]].chords and rng.uniform() < 0.6
        return [parts if all_of_them else rng.choice(parts, 1)]
    shares = np.array_split(parts, len(players))
    if min(map(len, shares)) == 0:
        raise ScoreError(f"{len(parts)} voices are too few for {len(players)} players.")
    return [share if CLASSES[p].chords else share[-1:] for p, share in zip(players, shares, strict=True)]


def vibrato(y: np.ndarray, sr: int, rate: float, depth: float, *, phase: float = 0.0) -> np.ndarray:
    """A pitch that swings as a player's hand or breath makes it, by reading the sound a little early and late.

    Parameters
    ----------
    y : float array, shape (N,)
    sr : sampling rate in Hz
    rate : swings a second
    depth : cents up and down; 0 is none
    phase : where in the swing it begins, 0 to 1

    Returns
    -------
    float array, shape (N,)
    """
    # Read at t + D sin(2π f t): the pitch is multiplied by 1 + 2π f D cos(2π f t).
    swing = (2 ** (depth / 1200) - 1) / (2 * np.pi * rate) * sr
    n = np.arange(len(y))
    at = n + swing * np.sin(2 * np.pi * (rate * n / sr + phase))
    return scipy.ndimage.map_coordinates(y, [at], order=3, mode="nearest")
