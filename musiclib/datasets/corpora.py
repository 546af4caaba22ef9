"""The default corpora: real scores of music21's corpus, performed on sampled instruments, without any network."""

from pathlib import Path
from typing import Any

from musiclib.datasets import catalog
from musiclib.datasets.base import Dataset, DatasetError
from musiclib.datasets.scores import Piece
from musiclib.datasets.sounded import Excerpt, performed, seed_of

SIZES = ("smoke", "quick", "medium", "full")

# Players that share a repertoire: whatever the label, they are drawn from one of these lists.
CONSORTS = ("choir", "organ", "strings", "violin, violin, viola, cello", "recorder", "piano")
SOLOISTS = ("violin", "flute", "accordion", "recorder", "clarinet", "harp", "piano")
# For genres, few and clear, so that a small model has texture to learn and not the voices of a whole orchestra.
PLAYERS = ("piano", "harpsichord", "recorder", "strings")

# IRMAS's eleven classes, and the General MIDI programs that play each.
IRMAS = {
    "cel": ("cello",),
    "cla": ("clarinet",),
    "flu": ("flute", "recorder"),
    "gac": ("guitar", "steel guitar"),
    "gel": ("jazz guitar", "electric guitar", "overdriven guitar"),
    "org": ("organ", "rock organ", "reed organ"),
    "pia": ("piano", "bright piano"),
    "sax": ("soprano saxophone", "tenor saxophone"),
    "tru": ("trumpet", "muted trumpet"),
    "vio": ("violin",),
    "voi": ("choir", "voice"),
}


def _of_size(corpus: str, size: str, counts: tuple[Any, Any, Any, Any]) -> Any:
    if size not in SIZES:
        raise DatasetError(f"{corpus} has no size {size!r}. It has {', '.join(SIZES)}.")
    return counts[SIZES.index(size)]


def _excerpts(
    corpus: str,
    pieces: list[Piece],
    players: tuple[str, ...],
    seconds: float,
    clips: int = 1,
    *,
    spread: bool = True,
    again: bool = False,
) -> list[Excerpt]:
    """``clips`` excerpts of each piece, spread over it or all from its beginning, each in a performance of its own."""
    found = []
    for piece in pieces:
        for clip in range(clips):
            id = piece.name if clips == 1 else f"{piece.name}@{clip + 1}"
            seed = seed_of(corpus, id)
            player = players[seed_of(corpus, id, "players") % len(players)]
            place = (clip + seed % 1000 / 1000) / clips if spread else 0.0
            found.append(Excerpt(id, piece.label, piece, player, seed, seconds, place, again))
    return found


def chorales(data_home: str | Path | None = None, *, size: str = "quick", jobs: int | None = None) -> Dataset:
    """Bach's four-part chorales, ten seconds each, on choir, organ, strings, a quartet, recorders or the piano.

    Parameters
    ----------
    data_home : keeps what is made; None is the user's cache folder
    size : ``"smoke"`` (4), ``"quick"`` (16), ``"medium"`` (100) or ``"full"`` (all)
    jobs : worker processes; None is one a core

    Returns
    -------
    Dataset; one label; group: all that a hymn tune or a work connects, by its first BWV number

    Raises
    ------
    DatasetError
        If there is no such size.
    """
    count = _of_size("chorales", size, (4, 16, 100, None))
    pieces = catalog.choose(list(catalog.chorales()), count)
    return performed("chorales", _excerpts("chorales", pieces, CONSORTS, 10.0), data_home, jobs)


def tunes(data_home: str | Path | None = None, *, size: str = "quick", jobs: int | None = None) -> Dataset:
    """Irish and Scottish dance tunes (O'Neill, Ryan), eight seconds each, on one melody instrument.

    Parameters
    ----------
    data_home, jobs : as for :func:`chorales`
    size : ``"smoke"`` (2 a label), ``"quick"`` (10), ``"medium"`` (49) or ``"full"`` (all: from 49
        strathspeys to 715 reels)

    Returns
    -------
    Dataset; labels hornpipe, jig, reel, slip jig, strathspey; group: the tune by its title, with its variants

    Raises
    ------
    DatasetError
        If there is no such size.
    """
    pieces = catalog.choose(list(catalog.dances()), _of_size("tunes", size, (2, 10, 49, None)))
    return performed("tunes", _excerpts("tunes", pieces, SOLOISTS, 8.0, spread=False, again=True), data_home, jobs)


def composers(data_home: str | Path | None = None, *, size: str = "quick", jobs: int | None = None) -> Dataset:
    """Palestrina, Monteverdi, Bach, Haydn, Mozart and Beethoven, all on one piano.

    Parameters
    ----------
    data_home, jobs : as for :func:`chorales`
    size : ``"smoke"`` (2 movements a composer, two excerpts of each) or ``"quick"`` (6), of ten seconds an excerpt;
        ``"medium"`` (up to 40 movements, two excerpts of each) or ``"full"`` (up to 100, four of each), of twenty

    Returns
    -------
    Dataset; group: the work, not the movement. Haydn has two works: more than two folds cannot all test on him.

    Raises
    ------
    DatasetError
        If there is no such size.
    """
    count = _of_size("composers", size, (2, 6, 40, 100))
    bach = [p._replace(label="Bach") for p in catalog.chorales()]
    pieces = catalog.choose([*catalog.masses(), *catalog.madrigals(), *bach, *catalog.quartets()], count)
    clips = _of_size("composers", size, (2, 2, 2, 4))
    seconds = _of_size("composers", size, (10.0, 10.0, 20.0, 20.0))
    # A short chorale is sung again: left out, it would leave the slow performances, and tempo would tell the composer.
    excerpts = _excerpts("composers", pieces, ("piano",), seconds, clips, again=True)
    return performed("composers", excerpts, data_home, jobs)


def instruments(data_home: str | Path | None = None, *, size: str = "quick", jobs: int | None = None) -> Dataset:
    """The same phrases and single notes on IRMAS's eleven instruments, three seconds each.

    Every phrase and note is played eleven times in one manner, tuning and room, and lies about the same pitch, so that
    nothing but the instrument tells the eleven apart. The instruments are those of one small soundfont: a model that is
    perfect here is not so on recordings.

    Parameters
    ----------
    data_home, jobs : as for :func:`chorales`
    size : ``"smoke"`` (1 phrase, 1 note), ``"quick"`` (10 and 6), ``"medium"`` (40 and 10) or
        ``"full"`` (200 and 60)

    Returns
    -------
    Dataset; labels cel, cla, flu, gac, gel, org, pia, sax, tru, vio, voi; group: the tune or note with its player's
    settings; the manifest's ``title`` is the tune's, or ``single note E4``

    Raises
    ------
    DatasetError
        If there is no such size.
    """
    phrases, notes = _of_size("instruments", size, ((1, 1), (10, 6), (40, 10), (200, 60)))
    tunes = catalog.choose([p._replace(label="tune") for p in catalog.dances()], phrases)
    excerpts = []
    for piece in [*tunes, *catalog.single_notes(notes)]:
        seed = seed_of("instruments", piece.name)
        for label, programs in IRMAS.items():
            program = programs[seed_of(piece.name, label) % len(programs)]
            center = 64 + seed % 7  # where each of the eleven can play
            excerpts.append(Excerpt(f"{label}-{piece.name}", label, piece, program, seed, 3.0, 0.0, True, center))
    return performed("instruments", excerpts, data_home, jobs)


def genres(data_home: str | Path | None = None, *, size: str = "quick", jobs: int | None = None) -> Dataset:
    """Eight traditions, thirty seconds an excerpt, all on players drawn from one list.

    Five are in parts: trecento song, Renaissance mass, madrigal, chorale and string quartet. Three are one melody: jig,
    reel (with its cousins hornpipe and strathspey) and folk song.

    Parameters
    ----------
    data_home, jobs : as for :func:`chorales`
    size : ``"smoke"`` (1 a genre), ``"quick"`` (5), ``"medium"`` (up to 40) or ``"full"`` (up to 300; where there are
        fewer pieces, up to six excerpts of each)

    Returns
    -------
    Dataset; group: the work or tune, as in the other corpora

    Raises
    ------
    DatasetError
        If there is no such size.
    """
    count = _of_size("genres", size, (1, 5, 40, 300))
    in_parts = {
        "trecento song": catalog.trecento(),
        "mass": catalog.masses(),
        "madrigal": catalog.madrigals(),
        "chorale": catalog.chorales(),
        "string quartet": catalog.quartets(),
    }
    kinds = {"jig": "jig", "slip jig": "jig", "reel": "reel", "hornpipe": "reel", "strathspey": "reel"}
    dances = {kind: [p for p in catalog.dances() if kinds[p.label] == kind] for kind in ("jig", "reel")}
    melodies = dances | {"folk song": catalog.folk_songs()}
    excerpts = []
    for genres, spread in ((in_parts, True), (melodies, False)):
        for label, pieces in genres.items():
            chosen = catalog.choose([p._replace(label=label) for p in pieces], count)
            # Where there are few pieces, more of each: the trecento songs are 33.
            clips = min(6, round(count / len(chosen))) if spread else 1
            excerpts += _excerpts("genres", chosen, PLAYERS, 30.0, clips, spread=spread, again=True)
    return performed("genres", excerpts, data_home, jobs)
