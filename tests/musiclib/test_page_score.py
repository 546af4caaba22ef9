"""musiclib.page.score: notes as staff notation and piano roll, with their sound and their MIDI file."""

import base64
import io
import json
import re

import hypothesis
import hypothesis.strategies as st
import music21 as m21
import numpy as np
import pretty_midi
import pytest
import verovio

from book.builder.site import stage
from musiclib import audio, page, symbolic
from musiclib.page import beats, engrave, heard, notation

SILENCE = (np.zeros(8000, dtype=np.float32), 8000)


def table(*rows: tuple) -> np.ndarray:
    """Notes from (onset, duration, pitch) or (onset, duration, pitch, part), in quarter notes at 120 a minute."""
    return np.array([(r[0] / 2, r[1] / 2, r[2], 80, r[3] if len(r) > 3 else 0) for r in rows], dtype=symbolic.NOTE)


MELODY = table((0, 1, 67), (1, 0.5, 69), (1.5, 0.5, 70), (2, 1.5, 72), (3.5, 0.5, 70), (4, 0.5, 69), (4.5, 1.5, 66))


@pytest.fixture(scope="module")
def bach() -> m21.stream.Score:
    return symbolic.read_score("bach/bwv66.6")


def drawn(shown) -> str:
    return shown[-1]["text/html"]


def data(html: str) -> dict:
    return json.loads(re.search(r"data = (\{.*?\});\n", html)[1])


def staves(html: str) -> list[str]:
    return re.findall(r'<div class="dlm-staff[^>]*>(<svg.*?</svg>)', html)


# ---------------------------------------------------------------- what is drawn


def test_both_drawings_and_the_roll_have_every_note(shown):
    page.score(MELODY, "A melody.", sound=SILENCE)
    html = drawn(shown)
    assert [svg.count('class="note"') for svg in staves(html)] == [len(MELODY)] * 2
    roll = re.search(r'<g class="dlm-notes">(.*?)</g>', html)[1]
    assert roll.count("<rect") == len(MELODY)


def test_a_score_has_its_sounding_notes_and_one_head_more_for_each_tie(shown, bach, chorale):
    page.score(bach, "Bach.", sound=SILENCE)
    ties = sum(n.tie is not None and n.tie.type != "start" for n in bach.recurse().notes)
    assert ties > 0
    assert [svg.count('class="note"') for svg in staves(drawn(shown))] == [len(chorale) + ties] * 2


def test_a_chorale_is_light(shown, bach):
    page.score(bach, "Bach.", sound=SILENCE)
    assert len(re.sub(r'src="data:audio[^"]*"', "", drawn(shown))) < 120_000


def test_two_scores_share_no_id_and_refer_to_their_own(shown):
    page.score(MELODY, "A melody.", sound=SILENCE)
    page.score(MELODY, "A melody.", sound=SILENCE)
    named = []
    for output in shown:
        html = output["text/html"]
        ids = re.findall(r' id="([^"]*)"', html)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'<use href="#([^"]+)"', html)) < set(ids)
        assert set(re.findall(r"\n#([\w-]+)", html)) <= set(ids)  # rules for nothing but this figure
        named.append(set(ids))
    assert named[0].isdisjoint(named[1])


def test_nothing_is_asked_of_anyone(shown, bach):
    page.score(bach, "Bach.", sound=SILENCE)
    html = re.sub(r'"data:[^"]*"', '""', drawn(shown))
    assert not re.search(r"//\w|url\(|@import|@font-face|<link|<img|font-family:", html)
    assert [kind.partition(";")[0] for kind in re.findall(r'(?:src|href)="(data:[^"]*)', drawn(shown))] == [
        "data:audio/mpeg",
        "data:application/x-midi",
    ]


def test_every_drawing_says_in_words_what_it_shows_and_ink_is_the_pages(shown, bach):
    page.score(bach, 'Bach\'s "<1>" & more', sound=SILENCE)
    html = drawn(shown)
    images = re.findall(r"<svg[^>]*>", html)
    assert all('aria-hidden="true"' in svg or 'role="img" aria-label="' in svg for svg in images)
    assert html.count('aria-label="Staff notation of 163 notes in 4 parts from F♯2 to E5, 22.5 s long."') == 2
    assert html.count('aria-label="Piano roll of 163 notes in 4 parts from F♯2 to E5, 22.5 s long.') == 1
    assert "<figcaption>Bach&#x27;s &quot;&lt;1&gt;&quot; &amp; more</figcaption>" in html
    assert "Soprano</p>" not in html and re.findall(r"■</span> (\w+)", html) == ["Soprano", "Alto", "Tenor", "Bass"]
    assert all('fill="currentColor" stroke="currentColor"' in svg and "black" not in svg for svg in staves(html))


@pytest.mark.parametrize(("staff", "roll"), [(True, False), (False, True)])
def test_one_of_the_two_can_be_left_out(shown, staff, roll):
    page.score(MELODY, "A melody.", sound=SILENCE, staff=staff, roll=roll)
    html = drawn(shown)
    assert len(staves(html)) == 2 * staff and html.count('class="dlm-roll"') == roll


# ---------------------------------------------------------------- when it sounds


def test_noteheads_are_lit_when_verovio_says_that_they_sound(bach):
    made = heard.from_score(bach, None, None)
    toolkit = verovio.toolkit()
    toolkit.loadData(engrave.musicxml(made.score))
    begins = {name: moment["tstamp"] for moment in toolkit.renderToTimemap() for name in moment.get("on", [])}
    assert set(begins) == set(made.lit)
    for name, milliseconds in begins.items():
        assert 1000 * made.lit[name][0] == pytest.approx(milliseconds, abs=1)


def test_noteheads_of_notes_are_lit_to_the_millisecond_while_those_sound(shown):
    played = MELODY.copy()
    played["onset"] += np.linspace(0, 0.02, len(played))
    page.score(played, "A melody, played.", bpm=120, sound=SILENCE)
    expected = np.stack([played["onset"], played["onset"] + played["duration"]], axis=1)
    made = data(drawn(shown))
    np.testing.assert_allclose(made["written"], expected, atol=0.0006)
    np.testing.assert_allclose([note[:2] for note in made["played"]], expected, atol=0.0006)
    assert [note[2] for note in made["played"]] == played["pitch"].tolist()


def test_the_cursor_moves_to_the_right_and_down_and_stops_at_every_onset(shown, bach, chorale):
    page.score(bach, "Bach.", sound=SILENCE)
    for staff in data(drawn(shown))["staves"]:
        assert set(np.round(chorale["onset"], 3)) <= {stop[0] for stop in staff["stops"]}
        places = [(system, x) for _, x, system in staff["stops"]]
        assert places == sorted(places) and len(set(places)) == len(places)
        assert places[-1][0] == len(staff["systems"]) - 1
        for _, x, system in staff["stops"]:
            left, _, right, _ = staff["systems"][system]
            assert left < x < right


def test_a_tempo_of_ones_own_and_an_excerpt_to_the_end_of_its_measure(shown, bach):
    page.score(bach, "Bach.", bpm=60, seconds=6, sound=SILENCE)
    played = data(drawn(shown))["played"]
    assert max(end for _, end, _ in played) == 9  # an upbeat of one beat and two measures of four
    assert "Played at 60 quarter notes a minute." in drawn(shown)
    page.score(MELODY, "A melody.", seconds=1, sound=SILENCE)
    assert data(drawn(shown))["played"] == [[0, 0.5, 67], [0.5, 0.75, 69], [0.75, 1, 70]]


def test_the_sound_is_rendered_or_the_one_given(shown):
    page.score(MELODY, "A melody.", instruments="flute")
    page.score(MELODY, "A melody.", sound=(np.sin(np.arange(2 * 8000)), 8000))
    lengths = []
    for output in shown:
        source = re.search(r'src="data:audio/mpeg;base64,([^"]*)"', output["text/html"])[1]
        y, sr = audio.decode(base64.b64decode(source))
        assert np.abs(y).max() > 0.02
        lengths.append(y.size / sr)
    assert lengths == [pytest.approx(4, abs=0.01), pytest.approx(2, abs=0.01)]


def test_the_midi_file_has_the_same_notes(shown, chorale):
    page.score(chorale, "Bach & Sons: a chorale!", bpm=96, sound=SILENCE, staff=False)
    name, encoded = re.search(
        r'<a download="([^"]*)" href="data:application/x-midi;base64,([^"]*)"', drawn(shown)
    ).groups()
    assert name == "bach-sons-a-chorale.mid"
    midi = pretty_midi.PrettyMIDI(io.BytesIO(base64.b64decode(encoded)))
    got = sorted((n.start, n.pitch, n.end, part) for part, i in enumerate(midi.instruments) for n in i.notes)
    expected = sorted((n["onset"], n["pitch"], n["onset"] + n["duration"], n["part"]) for n in chorale)
    np.testing.assert_allclose(got, expected, atol=0.002)


def test_the_book_takes_the_sound_out_of_the_page_and_leaves_the_midi_file(shown):
    page.score(MELODY, "A melody.", sound=SILENCE)
    files = {}
    html = stage.move_audio(drawn(shown), "media", files)
    assert [name.rpartition(".")[2] for name in files] == ["mp3"]
    assert "data:application/x-midi;base64," in html and "data:audio" not in html


def test_repeats_are_played_once_and_the_page_says_so(shown):
    tune = m21.stream.Score([m21.converter.parse("tinyNotation: 4/4 g4 a b c' d'2 d'2")])
    page.score(tune, "A tune.", sound=SILENCE)
    assert "Repeats" not in drawn(shown)
    tune[m21.stream.Measure].last().rightBarline = m21.bar.Repeat(direction="end")
    page.score(tune, "A tune.", sound=SILENCE)
    assert len(data(drawn(shown))["played"]) == 6 and "Repeats are played once." in drawn(shown)


def test_a_score_without_bar_lines_gets_them(shown):
    loose = m21.stream.Score([m21.stream.Part([m21.note.Rest(), *[m21.note.Note(60 + k) for k in range(8)]])])
    page.score(loose, "A scale after a rest.", bpm=60, seconds=3, sound=SILENCE)
    assert data(drawn(shown))["bars"] == [0]
    assert data(drawn(shown))["played"] == [[1, 2, 60], [2, 3, 61], [3, 4, 62]]


# ---------------------------------------------------------------- notes made into a score


def written(notes: np.ndarray, bpm: float | None = 120, meter: tuple[int, int] = (4, 4)) -> list[list]:
    """Each staff as [(measure, beat, length, names, tie)], rests without names."""
    staves = []
    for part in notation.write(notes, bpm, meter).score.parts:
        staff = []
        for measure in part[m21.stream.Measure]:
            for element in measure.recurse().notesAndRests:
                names = " ".join(pitch.nameWithOctave for pitch in getattr(element, "pitches", ()))
                tie = element.tie.type if element.tie else ""
                beat = float(element.getOffsetInHierarchy(measure))
                staff.append((measure.number, beat, float(element.quarterLength), names, tie))
        staves.append(staff)
    return staves


def test_a_note_over_the_bar_line_is_tied_and_silence_is_a_rest():
    assert written(table((0, 1, 67), (3, 2, 69), (6, 2, 71))) == [
        [
            (1, 0, 1, "G4", ""),
            (1, 1, 2, "", ""),
            (1, 3, 1, "A4", "start"),
            (2, 0, 1, "A4", "stop"),
            (2, 1, 1, "", ""),
            (2, 2, 2, "B4", ""),
        ]
    ]


@pytest.mark.parametrize(
    ("length", "pieces"), [(1.25, [1, 0.25]), (2.5, [2, 0.5]), (3.5, [3, 0.5]), (1.5, [1.5]), (3, [3]), (0.75, [0.75])]
)
def test_a_length_that_no_note_has_is_tied_together(length, pieces):
    assert [row[2] for row in written(table((0, length, 67)))[0] if row[3]] == pieces


def test_notes_that_begin_and_end_together_are_a_chord_and_others_are_voices():
    chord = written(table((0, 4, 64), (0, 4, 67), (0, 4, 72)))
    assert chord == [[(1, 0, 4, "E4 G4 C5", "")]]
    voices = written(table((0, 4, 60), (0, 1, 72), (1, 1, 74), (2, 2, 76)))
    assert sorted(voices[0]) == [(1, 0, 1, "C5", ""), (1, 0, 4, "C4", ""), (1, 1, 1, "D5", ""), (1, 2, 2, "E5", "")]


def test_a_wide_part_has_two_staves_and_several_parts_have_one_each():
    wide = table((0, 4, 48), (0, 4, 60), (0, 4, 76))
    assert [[row[3] for row in staff] for staff in written(wide)] == [["C4 E5"], ["C3"]]
    parts = table((0, 4, 72, 0), (0, 4, 64, 1), (0, 4, 43, 2))
    assert [[row[3] for row in staff] for staff in written(parts)] == [["C5"], ["E4"], ["G2"]]
    clefs = [part[m21.clef.Clef].first().sign for part in notation.write(parts, 120, (4, 4)).score.parts]
    assert clefs == ["G", "G", "F"]


def test_triplets_are_written_where_only_they_fit():
    rows = written(table((0, 1, 67), (1, 1 / 3, 67), (4 / 3, 1 / 3, 69), (5 / 3, 1 / 3, 71), (2, 2, 72)))[0]
    assert [round(row[2], 4) for row in rows] == [1, 0.3333, 0.3333, 0.3333, 2]


def test_other_meters_fill_their_measures():
    jig = written(table(*[(k / 2, 0.5, 67 + k % 3) for k in range(9)]), meter=(6, 8))[0]
    assert [row[0] for row in jig if row[3]] == [1] * 6 + [2] * 3
    assert sum(row[2] for row in jig) == 6


@pytest.mark.parametrize(
    ("pitches", "names"),
    [
        ([67, 69, 70, 72, 74, 66, 67, 70, 67], "G A B- C D F# G B- G"),  # G minor, its leading note a sharp
        ([68, 70, 72, 73, 75, 77, 79, 80], "A- B- C D- E- F G A-"),
        ([64, 66, 68, 69, 71, 73, 75, 76], "E F# G# A B C# D# E"),
    ],
)
def test_pitches_are_spelled_as_in_their_key(pitches, names):
    rows = written(table(*[(k, 1, pitch) for k, pitch in enumerate(pitches)]))[0]
    assert [m21.pitch.Pitch(row[3]).midi for row in rows if row[3]] == pitches
    assert " ".join(row[3][:-1] for row in rows if row[3]) == names


@pytest.mark.parametrize("bpm", [80, 90, 100, 120, 132])
def test_the_tempo_is_found_from_the_notes(bpm):
    quarters = np.array([0, 1, 1.5, 2, 3, 4, 4.5, 5, 5.5, 6, 8, 9, 9.75, 10])
    assert beats.tempo(quarters * 60 / bpm) == bpm
    assert beats.tempo(quarters * 60 / bpm + np.random.default_rng(0).normal(0, 0.004, 14)) == pytest.approx(bpm, abs=1)
    assert beats.tempo(quarters * 30 / bpm) in (bpm, 2 * bpm)  # which of the two nobody can tell from the notes


def test_the_page_says_how_far_the_grid_moved_the_notes(shown):
    page.score(MELODY, "As written.", bpm=120, sound=SILENCE)
    assert (
        "Written on a grid of sixteenth notes at 120 quarter notes a minute; all notes begin where they stand."
        in drawn(shown)
    )
    late = MELODY.copy()
    late["onset"][3] += 0.03
    page.score(late, "Played.", bpm=120, sound=SILENCE)
    assert "notes begin at most 30 ms from where they stand." in drawn(shown)
    page.score(table((0, 4, 60), (1, 3, 64), (2, 2, 67)), "Three voices.", bpm=120, sound=SILENCE)
    assert "1 of them sound longer than they are written." in drawn(shown)


@hypothesis.settings(max_examples=15)
@hypothesis.given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20), st.integers(30, 90)), min_size=1, max_size=25),
    st.sampled_from([(4, 4), (3, 4), (6, 8)]),
)
def test_whatever_the_notes_each_is_written_and_measures_are_full(rows, meter):
    notes = table(*[(start / 4, length / 4, pitch) for start, length, pitch in rows])
    made = notation.write(notes, 120, meter)
    bar = meter[0] * 4 / meter[1]
    heads = [head for element in made.score.recurse().notes for head in getattr(element, "notes", [element])]
    assert {head.id for head in heads} == set(made.lit)
    begun = [head for head in heads if head.tie is None or head.tie.type == "start"]
    starts = {(head.pitch.midi, round(2e3 * made.lit[head.id][0])) for head in begun}
    assert starts == {(int(n["pitch"]), round(2e3 * n["onset"])) for n in notes}
    for measure in made.score[m21.stream.Measure]:
        for voice in measure.voices or [measure]:
            assert sum(element.quarterLength for element in voice.notesAndRests) == bar


# ---------------------------------------------------------------- what cannot be drawn


@pytest.mark.parametrize(
    ("music", "options", "error", "says"),
    [
        ([60, 62], {}, TypeError, "got a list: expected notes of dtype symbolic.NOTE, or a score"),
        (m21.stream.Part(), {}, TypeError, "got a Part"),
        (np.zeros(3), {}, TypeError, "got an array of dtype float64"),
        (MELODY[:0], {}, ValueError, "There are no notes"),
        (MELODY, {"bpm": 0}, ValueError, "bpm=0: expected a positive number"),
        (MELODY, {"seconds": float("nan")}, ValueError, "seconds=nan: expected a positive number"),
        (MELODY, {"meter": (4, 3)}, ValueError, r"meter=\(4, 3\): expected \(beats, unit\)"),
        (MELODY, {"staff": False, "roll": False}, ValueError, "draws nothing"),
        (np.repeat(MELODY, 400), {}, ValueError, "would draw 2800 notes, more than 2000. Choose fewer with seconds="),
        (m21.stream.Score(), {}, symbolic.ScoreError, "has no notes"),
    ],
)
def test_what_no_page_can_show(shown, music, options, error, says):
    with pytest.raises(error, match=says):
        page.score(music, "Nothing.", sound=SILENCE, **options)
    assert shown == []


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("onset", np.nan, "NaN"),
        ("onset", -1, "before 0 s"),
        ("duration", 0, "does not last"),
        ("pitch", 200, "pitch 200"),
    ],
)
def test_notes_that_nobody_can_play(field, value, says):
    broken = MELODY.copy()
    broken[field][2] = value
    with pytest.raises(ValueError, match=says):
        page.score(broken, "Nothing.", sound=SILENCE)


def test_a_score_that_verovio_cannot_draw():
    with pytest.raises(symbolic.ScoreError, match="verovio cannot draw this score"):
        engrave.engrave("<not-a-score/>", 700, engrave.Glyphs("x"), "nothing at all")
