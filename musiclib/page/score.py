"""Notes as staff notation and as a piano roll, heard, with a cursor that moves through both."""

import base64
import json
import re
import uuid
from html import escape

import music21 as m21
import numpy as np
from IPython.display import HTML, display

from musiclib import render, symbolic
from musiclib.page import engrave, heard, piano_roll, playhead
from musiclib.page.sound import data_uri

_WIDE, _NARROW = 700, 345  # px: a desktop's column, and what a phone leaves to a staff
_HALF_A_NOTEHEAD = 113  # verovio's units
_MOST_BARS = 60  # more lines than that are a hatching


def score(
    music: np.ndarray | m21.stream.Score,
    caption: str,
    *,
    sr: int = 22_050,
    instruments: str | list[str] = "piano",
    bpm: float | None = None,
    meter: tuple[int, int] = (4, 4),
    seconds: float | None = None,
    staff: bool = True,
    roll: bool = True,
    sound: tuple[np.ndarray, float] | None = None,
) -> None:
    """Put notes on the page as staff notation and as a piano roll, with their sound and a cursor that follows it.

    A click on a note or on a place in the roll plays from there; from the keyboard the arrow keys go from note to
    note and the space bar plays. It needs no kernel and nothing from elsewhere, and the notes can be saved as MIDI.

    Parameters
    ----------
    music : notes, a structured array of dtype ``symbolic.NOTE``, or a score from ``symbolic.read_score``
    caption : what one sees and hears, and what to look for
    sr : sampling rate in Hz of the rendered sound
    instruments : one name for all parts, or a list of names, one a part; see ``render.INSTRUMENTS``
    bpm : quarter notes a minute. A score is played at this tempo, or at its own. Notes are written on a grid of
        sixteenths (and triplets, where only they fit) at this tempo, or at one at which they fit the grid; they sound
        as they are, and the page says how far they were moved in writing.
    meter : of notes, which begin with a whole measure; a score has its own
    seconds : draw and play no more than this from the beginning; a score goes on to the end of the measure
    staff, roll : which of the two are drawn
    sound : (y, sr) to play in place of the rendered notes, shape (N,) or (channels, N), in time with them

    Raises
    ------
    TypeError
        If ``music`` is neither notes nor a score.
    ValueError
        If there are no notes or more than ``MOST_NOTES``, a note or a number cannot be played, or neither staff nor
        roll is to be drawn.
    ScoreError
        If the score cannot be engraved.

    Notes
    -----
    A staff of notes has at most two voices, and a part that reaches far above and below middle C has two staves.
    Repeats are played once.

    Examples
    --------
    >>> page.score(symbolic.read_score("bach/bwv66.6"), "Four voices, one chord a beat.", instruments="choir")
    >>> page.score(notes, "What the network continued.", bpm=120, instruments="flute")
    """
    _check_options(bpm, meter, seconds, staff, roll)
    if heard.is_notes(music):
        made = heard.from_notes(music, bpm, meter, seconds, staff)
    else:
        made = heard.from_score(music, bpm, seconds)
    y, rate = sound or (render.render(made.notes, instruments, sr=sr), sr)
    length = np.shape(y)[-1] / rate
    seconds = max(float(np.max(made.notes["onset"] + made.notes["duration"])), length)
    identity = f"dlm-{uuid.uuid4().hex[:8]}"
    drawings, inside = _staff(made, identity) if staff else ([], "")
    inside += _roll(made, seconds) if roll else ""
    name = escape(caption)
    inside += (
        f'<audio controls preload="none" style="width:100%" aria-label="{name}" data-seconds="{length:.2f}" '
        f'src="{data_uri(y, rate)}"></audio>'
        f'<p class="dlm-score-line">{escape(made.says)} {_midi_link(made, instruments, caption)}</p>'
    )
    data = json.dumps(_data(made, drawings, seconds), separators=(",", ":"), ensure_ascii=False)
    script = playhead.SCRIPT.replace("ID", identity, 1).replace("DATA", data, 1)
    style = playhead.STYLE.replace("ID", identity)
    display(
        HTML(
            f'<figure class="dlm-score" id="{identity}"><style>{style}</style><figcaption>{name}</figcaption>'
            f"{inside}<script>{script}</script></figure>"
        )
    )


def _check_options(bpm: float | None, meter: tuple[int, int], seconds: float | None, staff: bool, roll: bool) -> None:
    for name, value in (("bpm", bpm), ("seconds", seconds)):
        if value is not None and not 0 < value < float("inf"):
            raise ValueError(f"{name}={value}: expected a positive number.")
    if len(meter) != 2 or meter[0] < 1 or meter[1] not in (1, 2, 4, 8, 16):
        raise ValueError(f"meter={meter}: expected (beats, unit) as in (4, 4) or (6, 8).")
    if not (staff or roll):
        raise ValueError("page.score with staff=False and roll=False draws nothing: leave one of them True.")


def _staff(made: heard.Music, prefix: str) -> tuple[list[engrave.Drawing], str]:
    """The staff drawn for a desktop and for a phone, and the HTML of both with the glyphs that they share."""
    xml, glyphs = engrave.musicxml(made.score), engrave.Glyphs(prefix)
    alt = f"Staff notation of {_described(made)}."
    wide = engrave.engrave(xml, _WIDE, glyphs, alt)
    narrow = engrave.engrave(xml, _NARROW, glyphs, alt, labels=False, growth=1.4)
    regions = "".join(
        f'<div class="dlm-staff dlm-{width}" role="region" tabindex="0" aria-label="staff notation">{drawing.svg}</div>'
        for width, drawing in (("wide", wide), ("narrow", narrow))
    )
    return [wide, narrow], glyphs.svg() + regions


def _roll(made: heard.Music, seconds: float) -> str:
    alt = f"Piano roll of {_described(made)}. Arrow keys go from note to note, the space bar plays."
    bars = made.bars if len(made.bars) <= _MOST_BARS else []
    return piano_roll.draw(made.notes, seconds, bars, alt) + piano_roll.legend(made.parts)


def _midi_link(made: heard.Music, instruments: str | list[str], caption: str) -> str:
    names = [instruments] if isinstance(instruments, str) else instruments
    players = instruments if set(names) <= set(symbolic.INSTRUMENTS) else "piano"  # of a sound that was given
    midi = base64.b64encode(symbolic.to_midi(made.notes, bpm=made.bpm, instruments=players, meter=made.meter)).decode()
    words = re.sub(r"[^a-z0-9]+", "-", caption.lower())[:40].strip("-")
    # Not audio/midi: the book takes what calls itself audio for a sound that a browser plays.
    return f'<a download="{words or "score"}.mid" href="data:application/x-midi;base64,{midi}">Save as MIDI</a>'


def _described(made: heard.Music) -> str:
    notes = made.notes
    low, high = (piano_roll.pitch_name(int(p), made.letters) for p in (notes["pitch"].min(), notes["pitch"].max()))
    parts = len(np.unique(notes["part"]))
    of = f" in {parts} parts" if parts > 1 else ""
    end = np.max(notes["onset"] + notes["duration"])
    return f"{len(notes)} notes{of} from {low} to {high}, {end:.1f} s long"


def _data(made: heard.Music, drawings: list[engrave.Drawing], seconds: float) -> dict:
    """What the script needs to know, in seconds and in the drawings' units."""
    notes = made.notes
    ends = notes["onset"] + notes["duration"]
    return {
        "seconds": round(seconds, 3),
        "head": _HALF_A_NOTEHEAD,
        "names": made.letters,
        "bars": [round(bar, 3) for bar in made.bars],
        "played": [
            [round(float(a), 3), round(float(b), 3), int(p)]
            for a, b, p in zip(notes["onset"], ends, notes["pitch"], strict=True)
        ],
        "written": [[round(t, 3) for t in made.lit[head.id]] for head in drawings[0].noteheads] if drawings else [],
        "staves": [{"systems": drawing.systems, "stops": _stops(drawing, made.lit)} for drawing in drawings],
    }


def _stops(drawing: engrave.Drawing, lit: dict[str, tuple[float, float]]) -> list[tuple[float, int, int]]:
    """Where the cursor is when: (s, x, system) of the leftmost of the noteheads that begin together."""
    stops: dict[float, tuple[int, int]] = {}
    for head in drawing.noteheads:
        start, end = lit[head.id]
        if end > start:  # a grace note has no time of its own
            place = (head.system, head.x)
            stops[round(start, 3)] = min(place, stops.get(round(start, 3), place))
    return [(time, x, system) for time, (system, x) in sorted(stops.items())]
