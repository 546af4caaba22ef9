"""Which pieces of music21's corpus the default data sets are made of, with their labels and groups."""

import hashlib
import re
from collections import defaultdict
from functools import cache

import librosa

from musiclib.datasets.hymns import TUNES
from musiclib.datasets.scores import CORPUS, Piece, abc_tunes, header

# Spellings of the ABC header R: → the type of dance. What is too rare to learn from is left out.
DANCES = {
    "reel": "reel",
    "jig": "jig",
    "double jig": "jig",
    "hornpipe": "hornpipe",
    "clog": "hornpipe",  # the same dance in clogs: Ryan's names both for one tune
    "slip jig": "slip jig",
    "slipjig": "slip jig",
    "strathspey": "strathspey",
}


def _rank(text: str) -> str:
    """A place in an order that looks random and is the same on every machine and for every size."""
    return hashlib.sha256(text.encode()).hexdigest()


_LONG = 10  # by `_length`: a score of many minutes, which takes as long to read as twenty others


def _length(piece: Piece) -> int:
    """How long a score is to read, roughly: files of music21's by size, tunes all alike."""
    return 0 if piece.number >= 0 else (CORPUS / piece.path).stat().st_size // 8_000


def choose(pieces: list[Piece], per_label: int | None) -> list[Piece]:
    """At most this many pieces of each label, from as many groups as there are; None takes all.

    The choice for a smaller number is part of that for a larger one. Short scores come first, so that a small choice
    is a quick one: some quartets are in one file of a thousand measures, and they wait until each other group has
    given two.
    """
    chosen = []
    for label in sorted({p.label for p in pieces}):
        groups = defaultdict(list)
        for piece in sorted((p for p in pieces if p.label == label), key=lambda p: (_length(p), _rank(p.name))):
            groups[piece.group].append(piece)
        # The first piece of every group, then the second of every group that has one, and so on.
        turns = [
            ((turn + 2 * (_length(p) > _LONG), _length(p), _rank(g)), p)
            for g, members in groups.items()
            for turn, p in enumerate(members)
        ]
        chosen += [p for _, p in sorted(turns, key=lambda t: t[0])][:per_label]
    return chosen


@cache
def chorales() -> tuple[Piece, ...]:
    """Bach's chorales; group: all that a hymn tune or a work connects, by its first BWV number.

    A cantata or Passion has several chorales, and a tune has several settings: either would let a model recognize.
    """
    files = sorted(f for f in (CORPUS / "bach").glob("bwv*.mxl") if f.stem != "bwv846")  # which is a prelude
    group = _connected([f.stem for f in files])
    return tuple(
        Piece(f.stem, "chorale", group[f.stem], f"BWV {f.stem.removeprefix('bwv')}", f"bach/{f.name}") for f in files
    )


def _connected(names: list[str]) -> dict[str, str]:
    """Of each chorale the first work of all that are connected with it by a tune or a work."""
    links = [tune & set(names) for tune in TUNES] + [{n} for n in names]
    parts: list[set[str]] = []
    for works in ({_work(n) for n in link} for link in links if link):
        joined = [p for p in parts if p & works]
        parts = [p for p in parts if not p & works] + [works.union(*joined)]
    first = {work: min(p, key=lambda w: int(w.removeprefix("bwv"))) for p in parts for work in p}
    return {n: first[_work(n)] for n in names}


def _work(name: str) -> str:
    """ "bwv248.12-2" → "bwv248"."""
    number = re.match(r"bwv\d+", name)
    assert number is not None, name
    return number[0]


@cache
def masses() -> tuple[Piece, ...]:
    """Movements of Palestrina's masses; group: the mass, by its title."""
    found = []
    for path in sorted((CORPUS / "palestrina").glob("*.krn")):
        text = path.read_bytes()[:400].decode("latin-1")
        mass = re.search(r"^!!!OPR: *(.*?) *$", text, flags=re.MULTILINE)
        assert mass is not None, path
        # Settings that are counted (I), (II) share melodies.
        group = re.sub(r" *\([IV]+\)$", "", mass[1])
        title = f"{mass[1]}, {path.stem.split('_')[0]}"
        found.append(Piece(f"palestrina-{path.stem}", "Palestrina", group, title, f"palestrina/{path.name}"))
    return tuple(found)


@cache
def madrigals() -> tuple[Piece, ...]:
    """Madrigals of Monteverdi's third, fourth and fifth books; group: the madrigal."""
    files = sorted((CORPUS / "monteverdi").glob("madrigal.*.mxl"))
    numbers = [f.stem.removeprefix("madrigal.") for f in files if not f.stem.endswith("_old")]
    return tuple(
        Piece(f"monteverdi-{n}", "Monteverdi", f"madrigal {n}", f"Madrigal {n}", f"monteverdi/madrigal.{n}.mxl")
        for n in numbers
    )


@cache
def quartets() -> tuple[Piece, ...]:
    """Movements of string quartets by Haydn, Mozart and Beethoven; group: the quartet.

    Beethoven's opus 18 no. 1 is in the corpus in two encodings, of which one is taken; Mozart's one piano sonata is
    left out.
    """
    found = []
    for composer in ("haydn", "mozart", "beethoven"):
        for path in sorted((CORPUS / composer).rglob("*.mxl")):
            relative = path.relative_to(CORPUS).with_suffix("")
            work = relative.parts[1]
            if work == "k545":
                continue
            name = "-".join(relative.parts)
            movement = " ".join(relative.parts[2:])
            title = f"{work} {movement}".strip()
            found.append(Piece(name, composer.capitalize(), f"{composer} {work}", title, f"{relative.as_posix()}.mxl"))
    return tuple(found)


@cache
def trecento() -> tuple[Piece, ...]:
    """Songs of the Italian trecento; group: the song. Movements of masses, most of the collection, are left out."""
    sacred = re.compile(r"kyrie|gloria|credo|sanctus|agnus|benedicamus", re.IGNORECASE)
    found = []
    for path in sorted((CORPUS / "trecento").glob("*.xml")):
        if sacred.search(path.stem):
            continue
        # PMFC_06-Jacopo-03a and 03b are two versions of one song.
        title = re.sub(r"^PMFC_\d+[-_]*", "", path.stem)
        group = re.sub(r"[\d_-]+[ab]?[-_ ]", " ", title).strip().lower()
        found.append(Piece(f"trecento-{path.stem}", "trecento", group, title, f"trecento/{path.name}"))
    return tuple(found)


def _plain_title(title: str) -> str:
    """A tune's title without its type, its setting and its article, so that variants are found to be one tune."""
    title = title.lower().split(" -- ")[0]
    title = re.sub(r"\([^)]*\)|[\"“”].*?[\"“”]", " ", title)
    words = re.findall(r"[a-z0-9]+", title.replace("'", "").replace("&", " and "))
    dropped = {"the", "a", "an", "of", "o", "no", "1", "2", "3", "4", "1st", "2nd", "3rd", "setting", "version"}
    dropped |= {"favorite", "favourite", *" ".join(DANCES).split()}
    return " ".join(w for w in words if w not in dropped) or title.strip() or "untitled"


@cache
def dances() -> tuple[Piece, ...]:
    """Dance tunes of O'Neill's and Ryan's books; label: the dance by header ``R:``; group: title with variants."""
    files = sorted((CORPUS / "ryansMammoth").glob("*.abc")) + sorted((CORPUS / "oneills1850").glob("*.abc"))
    found = []
    for file in files:
        path = file.relative_to(CORPUS).as_posix()
        for number, tune in enumerate(abc_tunes(path)):
            label = DANCES.get(header(tune, "R").lower())
            if label:
                name = f"{file.stem}-{number}" if "oneills" in path else file.stem
                title = header(tune, "T")
                found.append(Piece(name, label, _plain_title(title), title, path, number))
    return tuple(found)


@cache
def folk_songs() -> tuple[Piece, ...]:
    """German songs of the Essen collection (Erk's anthology); group: the title, so that variants stay together."""
    found = []
    for file in sorted((CORPUS / "essenFolksong").glob("erk*.abc")):
        path = file.relative_to(CORPUS).as_posix()
        for number, tune in enumerate(abc_tunes(path)):
            title = header(tune, "T")
            found.append(Piece(f"essen-{file.stem}-{number}", "folk song", _plain_title(title), title, path, number))
    return tuple(found)


def single_notes(count: int) -> list[Piece]:
    """So many single notes; group: the note, with how it is played."""
    names = [f"note-{i + 1}" for i in range(count)]
    pitches = [60 + int(_rank(name)[:8], 16) % 15 for name in names]  # middle C to D5, where all eleven can play
    titles = [f"single note {librosa.midi_to_note(pitch, unicode=False)}" for pitch in pitches]
    return [Piece(n, "note", n, t, "", p) for n, t, p in zip(names, titles, pitches, strict=True)]
