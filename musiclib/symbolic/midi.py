"""MIDI as it was performed: every note where the keys put it, to the tick, with its velocity and the pedals."""

import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mido
import numpy as np

from musiclib.symbolic.notes import NOTE, ScoreError
from musiclib.symbolic.tempo import TempoMap

PEDALS = {64: "sustain", 66: "sostenuto", 67: "soft"}  # by the number of their controller
PEDAL = np.dtype(
    [
        ("time", "f8"),  # s
        ("control", "i4"),  # see PEDALS
        ("value", "i4"),  # 0 up, 127 down; a switch is down from 64 on
        ("channel", "i4"),  # 0 to 15: of the instruments that it is pressed for
    ]
)
_DRUMS = 9  # the channel that General MIDI keeps for them, counted from 0
_NEAR = 0.005  # s: a note that a score has this near is where it was played, as far as one hears


class Player(NamedTuple):
    """Who plays a part: one program on one channel of one track."""

    name: str  # of the track; "" where it has none
    program: int  # General MIDI, counted from 0
    drums: bool  # then a pitch says which drum
    channel: int  # 0 to 15


class Performance(NamedTuple):
    """What a MIDI file holds, as played; made by :func:`read_midi`."""

    notes: np.ndarray  # of dtype NOTE, sorted by onset, then pitch; its part is an index into players
    pedals: np.ndarray  # of dtype PEDAL, sorted by time
    tempo: TempoMap  # from seconds to ticks and quarter notes, and back
    meters: list[tuple[float, int, int]]  # (s, beats in a measure, note value of a beat): (0.0, 6, 8) is 6/8
    keys: list[tuple[float, str]]  # (s, name): (0.0, "F#m") is F sharp minor
    players: list[Player]


def read_midi(path: str | Path) -> Performance:
    """The notes of a MIDI file exactly as performed: nothing is moved to a beat, no velocity is lost.

    Parameters
    ----------
    path : of a MIDI file of type 0 or 1, with time in ticks of a beat or of a film's frame (SMPTE)

    Returns
    -------
    Performance. A note lasts from when its key goes down to when it comes up, whatever the pedals do. Pitch bends,
    lyrics and controllers that are no pedals are left out.

    Warns
    -----
    UserWarning
        If notes never end, which are ended with their track, or have no length, which are left out.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ScoreError
        If it is no MIDI file, is cut short, is of type 2 (tracks without a common time), or has no notes.

    Notes
    -----
    Where a key is struck again before it is released, the first stroke is the first to end. Where releases are
    missing, a release ends every stroke of its key.
    """
    path = Path(path)
    file = _parse(path)
    tempo = _tempo(file)
    events = [_absolute(track) for track in file.tracks]
    rows, players, odd = _notes(events)
    if odd:
        warnings.warn(f"{path}: {'; '.join(odd)}.", stacklevel=2)
    if not rows:
        raise ScoreError(f"{path} has no notes. Choose another file.")
    start, end, pitch, velocity, part = np.array(sorted(rows, key=lambda r: (r[0], r[2], r[4])), dtype=np.int64).T
    notes = np.empty(len(rows), NOTE)
    notes["onset"], notes["duration"] = tempo.seconds(start), tempo.seconds(end) - tempo.seconds(start)
    notes["pitch"], notes["velocity"], notes["part"] = pitch, velocity, part
    merged = sorted((event for track in events for event in track), key=lambda event: event[0])
    pressed = [
        (t, m.control, m.value, m.channel) for t, m in merged if m.type == "control_change" and m.control in PEDALS
    ]
    pedals = np.array([(float(tempo.seconds(t)), *rest) for t, *rest in pressed], dtype=PEDAL)
    meters = [(float(tempo.seconds(t)), m.numerator, m.denominator) for t, m in merged if m.type == "time_signature"]
    keys = [(float(tempo.seconds(t)), m.key) for t, m in merged if m.type == "key_signature"]
    return Performance(notes, pedals, tempo, meters, keys, players)


def is_midi(path: str | Path) -> bool:
    """Whether a file begins as a MIDI file does."""
    with Path(path).open("rb") as file:
        return file.read(4) == b"MThd"


def warn_if_moved(path: str | Path, written: Callable[[], np.ndarray]) -> None:
    """A warning with the numbers, if the notes that a score has of a MIDI file are not where they were played.

    Parameters
    ----------
    path : of the MIDI file
    written : gives the score's notes, of dtype ``NOTE``
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the file itself: who reads it with read_midi is told
        played = read_midi(path)
    drums = [i for i, player in enumerate(played.players) if player.drums]
    pitched = played.notes[~np.isin(played.notes["part"], drums)]
    if not len(pitched):
        return
    score = written()
    moved = _moved(pitched, score)
    if len(score) == len(pitched) and moved.max(initial=0) <= _NEAR:
        return
    long, longer = (float(np.max(n["onset"] + n["duration"])) for n in (pitched, score))
    warnings.warn(
        f"{path} was performed, and a score moves its notes to the beat: half of them by {np.median(moved) * 1000:.0f} "
        f"ms or more, one by {moved.max() * 1000:.0f} ms; {len(score)} of {len(pitched)} notes, {longer:.1f} s of "
        f"{long:.1f} s, no velocities. symbolic.read_midi reads it as played.",
        stacklevel=3,
    )


def _moved(played: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Seconds between each note as played and as written, the nth of a pitch being the nth."""
    apart = [np.zeros(0)]
    for pitch in np.unique(played["pitch"]):
        a, b = (np.sort(n["onset"][n["pitch"] == pitch]) for n in (played, score))
        both = min(len(a), len(b))
        apart.append(np.abs(a[:both] - b[:both]))
    return np.concatenate(apart)


# ---------------------------------------------------------------- from the file


def _parse(path: Path) -> mido.MidiFile:
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Expected a MIDI file.")
    if not is_midi(path):
        raise ScoreError(f"{path} cannot be read as MIDI: it does not begin as a MIDI file. Get it again.")
    try:
        file = mido.MidiFile(path)
    except EOFError:
        raise ScoreError(f"{path} cannot be read as MIDI: it ends too soon. Get it again.") from None
    except Exception as error:  # the reader raises many kinds
        raise ScoreError(f"{path} cannot be read as MIDI ({type(error).__name__}: {error}). Get it again.") from error
    if file.type == 2:
        raise ScoreError(f"{path} is a MIDI file of type 2, whose tracks have no common time. Save it as type 1.")
    return file


def _absolute(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    """(tick since the beginning, message) of each event."""
    ticks = np.cumsum([message.time for message in track], dtype=np.int64)
    return list(zip(ticks.tolist(), track, strict=True))


def _tempo(file: mido.MidiFile) -> TempoMap:
    if file.ticks_per_beat == 0:
        raise ScoreError("The MIDI file has no ticks in a beat.")
    changes = [(t, m.tempo) for track in file.tracks for t, m in _absolute(track) if m.type == "set_tempo"]
    return TempoMap.of(file.ticks_per_beat, changes)


def _notes(tracks: list[list[tuple[int, mido.Message]]]) -> tuple[list[tuple], list[Player], list[str]]:
    """(start, end, pitch, velocity, part) in ticks of each note, who plays the parts, and what is odd."""
    players: dict[tuple[int, Player], int] = {}
    rows, unended, empty = [], 0, 0
    for number, track in enumerate(tracks):
        name = next((m.name for _, m in track if m.type == "track_name"), "")
        programs = dict.fromkeys(range(16), 0)
        keys = defaultdict(list)  # (channel, pitch) → its strokes and releases, in order
        for tick, message in track:
            if message.type == "program_change":
                programs[message.channel] = message.program
            elif message.type in ("note_on", "note_off"):
                channel, velocity = message.channel, message.velocity if message.type == "note_on" else 0
                part = -1  # a release is of whom it ends
                if velocity:
                    player = (number, Player(name, programs[channel], channel == _DRUMS, channel))
                    part = players.setdefault(player, len(players))
                keys[channel, message.note].append((tick, velocity, part))
        for (_, pitch), events in keys.items():
            found, left = _strokes(events, track[-1][0])
            unended += left
            empty += sum(start == end for start, end, *_ in found)
            rows += [(start, end, pitch, velocity, part) for start, end, velocity, part in found if end > start]
    odd = [f"{unended} notes never end and were ended with their track"] if unended else []
    odd += [f"{empty} notes have no length and were left out"] if empty else []
    return rows, [player for _, player in players], odd


def _strokes(events: list[tuple[int, int, int]], last: int) -> tuple[list[tuple[int, int, int, int]], int]:
    """(start, end, velocity, part) of each stroke of one key, and how many were never released."""
    for release_all in (False, True):
        found: list[tuple[int, int, int, int]] = []
        down: list[tuple[int, int, int]] = []
        for tick, velocity, part in events:
            if velocity:
                down.append((tick, velocity, part))
            elif down:
                # A release at the tick of a stroke belongs to what was struck before it, if there is any.
                n = max(sum(start < tick for start, *_ in down), 1) if release_all else 1
                found += [(start, tick, struck, of) for start, struck, of in down[:n]]
                del down[:n]
        if not down:
            break
    return found + [(start, last, struck, of) for start, struck, of in down], len(down)
