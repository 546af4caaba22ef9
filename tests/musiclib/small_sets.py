"""Small folders in the layouts of the published sets: a few tones of half a second for thousands of clips."""

import csv
import json
from pathlib import Path

import numpy as np
import pretty_midi
import soundfile as sf

SR = 8000


def tone(path: Path, number: int, seconds: float = 0.5, channels: int = 1) -> Path:
    """A note with four harmonics that dies away, at a pitch of its own."""
    t = np.arange(round(seconds * SR)) / SR
    f0 = 110 * 2 ** (number / 12)
    y = np.exp(-2 * t) * sum(np.sin(2 * np.pi * f0 * h * t) / h for h in (1, 2, 3, 4)) / 4
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, np.stack([y] * channels, axis=-1), SR)
    return path


def folder(root: Path) -> list[Path]:
    names = ["hicaz/a.wav", "hicaz/b.wav", "rast/a.wav", "rast/b.wav"]
    return [tone(root / name, i) for i, name in enumerate(names)]


def gtzan(root: Path) -> list[Path]:
    clips = ["blues.00000", "blues.00012", "blues.00029", "jazz.00002", "jazz.00047", "jazz.00073"]
    return [tone(root / "genres" / clip.split(".")[0] / f"{clip}.wav", i) for i, clip in enumerate(clips)]


IRMAS_CLIPS = [
    "cel/[cel][cla]0001__1",
    "cel/[cel][cla]0001__2",
    "cel/031__[cel][nod][cla]0020__1",
    "gac/080__[gac][dru][cou_fol]0672__1",  # one recording under two numbers and two labels
    "gel/209__[gel][nod][cou_fol]0757__1",
    "voi/[voi][pop_roc]2300__1",
]
IRMAS_EXCERPTS = {
    "IRMAS-TestingData-Part1/Part1/02 - And The Body Will Die-8": "gel\t\nvoi\t\n",  # as the publisher writes them
    "IRMAS-TestingData-Part1/Part1/02 - And The Body Will Die-9": "voi\t\n",
    "IRMAS-TestingData-Part2/IRTestingData-Part2/Debussy - Arabesque-2": "pia",
}


def irmas(root: Path) -> list[Path]:
    paths = []
    for i, name in enumerate(IRMAS_CLIPS):
        paths.append(tone(root / "IRMAS-TrainingData" / f"{name}.wav", i, channels=2))
    for i, (name, labels) in enumerate(IRMAS_EXCERPTS.items()):
        path = tone(root / f"{name}.wav", 10 + i, channels=2)
        path.with_suffix(".txt").write_text(labels)
    return paths


MAESTRO = [
    ("Alban Berg", "Sonata Op. 1", "train", 2018, "b1"),
    ("Alban Berg", "Sonata, Op. 1 (Complete)", "train", 2017, "b2"),
    ("Claude Debussy", "L'Isle Joyeuse", "test", 2011, "d1"),
    ("Claude Debussy", "L'isle joyeuse", "train", 2014, "d2"),  # on two sides: as five of the real ones are
    ("Joseph Haydn", "Sonata in D Major", "validation", 2006, "h1"),
    ("Joseph Haydn", "Sonata in F Major", "test", 2006, "h2"),
]


def maestro(root: Path) -> list[Path]:
    root, sounds = root / "maestro-v3.0.0", []
    rows = []
    for i, (composer, title, side, year, name) in enumerate(MAESTRO):
        sounds.append(tone(root / f"{year}/{name}.wav", i, channels=2))
        midi(root / f"{year}/{name}.midi", i)
        rows.append((composer, title, side, year, f"{year}/{name}.midi", f"{year}/{name}.wav", 0.5))
    columns = ["canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration"]
    write_csv(root / "maestro-v3.0.0.csv", columns, rows)
    return sounds


def midi(path: Path, number: int) -> Path:
    piano = pretty_midi.Instrument(program=0)
    for start, pitch in ((0.25, 64 + number), (0.0, 60 + number), (0.0, 67 + number)):
        piano.notes.append(pretty_midi.Note(velocity=70, pitch=pitch, start=start, end=start + 0.25))
    score = pretty_midi.PrettyMIDI()
    score.instruments.append(piano)
    path.parent.mkdir(parents=True, exist_ok=True)
    score.write(str(path))
    return path


MEDLEY = [
    ("training", "clarinet", 0, 139),
    ("training", "clarinet", 0, 139),
    ("validation", "clarinet", 0, 200),
    ("test", "clarinet", 0, 0),
    ("training", "violin", 7, 150),
    ("test", "violin", 7, 12),
]


def uuid(number: int) -> str:
    return f"{number:08x}-ad41-5079-ed9d-688a86e78ec9"


def medley_solos_db(root: Path) -> list[Path]:
    paths, rows = [], []
    for i, (subset, instrument, code, song) in enumerate(MEDLEY):
        # Old copies have the ending twice.
        name = f"Medley-solos-DB_{subset}-{code}_{uuid(i)}.wav" + (".wav" if i == 1 else "")
        paths.append(tone(root / "audio" / name, i))
        rows.append((subset, instrument, code, song, uuid(i)))
    columns = ["subset", "instrument", "instrument_id", "song_id", "uuid4"]
    write_csv(root / "annotation" / "Medley-solos-DB_metadata.csv", columns, rows)
    return paths


NSYNTH = {
    "nsynth-train": ["brass_acoustic_006-060-025", "brass_acoustic_006-061-025", "organ_electronic_001-060-127"],
    "nsynth-valid": ["brass_acoustic_046-060-050", "reed_acoustic_037-060-050"],
    "nsynth-test": ["brass_acoustic_046-084-025", "organ_electronic_113-081-127"],
}


def nsynth(root: Path) -> list[Path]:
    paths = []
    for side, names in NSYNTH.items():
        notes = {}
        for name in names:
            instrument, pitch, velocity = name.rsplit("-", 2)
            family, source, _ = instrument.split("_")
            notes[name] = {
                "instrument_str": instrument,
                "instrument_family_str": family,
                "instrument_source_str": source,
                "pitch": int(pitch),
                "velocity": int(velocity),
                "qualities_str": [],
            }
            paths.append(tone(root / side / "audio" / f"{name}.wav", len(paths)))
        (root / side / "examples.json").write_text(json.dumps(notes))
    return paths


def write_csv(path: Path, columns: list[str], rows: list[tuple]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


# Each set that reads a folder of sound: its builder, and the options that make it try every file.
SETS = {
    "folder": (folder, {}),
    "gtzan": (gtzan, {}),
    "irmas": (irmas, {"thorough": True}),
    "maestro": (maestro, {"thorough": True}),
    "medley_solos_db": (medley_solos_db, {"thorough": True}),
    "nsynth": (nsynth, {"thorough": True}),
}
