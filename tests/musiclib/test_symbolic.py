"""musiclib.symbolic: from a score, the corpus's or one's own, to notes in seconds."""

import music21 as m21
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclib import symbolic


def score(*parts: m21.stream.Part) -> m21.stream.Score:
    return m21.stream.Score(list(parts))


def part(*elements) -> m21.stream.Part:
    p = m21.stream.Part()
    for element in elements:
        p.append(element)
    return p


def read_back(s: m21.stream.Score, folder, kind: str = "musicxml") -> m21.stream.Score:
    """The score as a reader's own file gives it."""
    ending = {"musicxml": "musicxml", "midi": "mid"}[kind]
    return symbolic.read_score(s.write(kind, folder / f"own.{ending}"))


# ---------------------------------------------------------------- the corpus


def test_a_chorale_begins_as_bach_wrote_it(chorale):
    assert chorale.dtype == symbolic.NOTE
    # BWV 66.6: soprano C#5, alto E4, tenor and bass A3, a quaver each but the alto; no mark, so 100 quarters a minute.
    first = chorale[chorale["onset"] == 0]
    assert {(n["pitch"], n["part"]) for n in first} == {(73, 0), (64, 1), (57, 2), (57, 3)}
    assert set(chorale["part"]) == {0, 1, 2, 3}
    assert np.all(np.diff(chorale["onset"]) >= 0) and np.all(chorale["duration"] > 0)
    assert np.all(chorale["velocity"] == 80)


@pytest.mark.parametrize("voice", range(4))
def test_every_voice_of_a_chorale_sings_without_overlap(chorale, voice):
    sung = chorale[chorale["part"] == voice]
    assert np.all(sung["onset"][1:] >= (sung["onset"] + sung["duration"])[:-1] - 1e-9)


def test_bpm_overrides_the_scores_own():
    s = symbolic.read_score("bach/bwv66.6")
    slow, fast = symbolic.notes(s, bpm=60), symbolic.notes(s, bpm=120)
    np.testing.assert_allclose(slow["onset"], 2 * fast["onset"])
    np.testing.assert_allclose(slow["duration"], 2 * fast["duration"])
    assert (slow["onset"] + slow["duration"]).max() == pytest.approx(36)  # nine measures of four quarters


def test_reading_twice_gives_the_same_notes(chorale):
    np.testing.assert_array_equal(symbolic.notes(symbolic.read_score("bach/bwv66.6")), chorale)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bach/bwv666.6", "bach/bwv66.6"),
        ("joplin/maple_leaf_drag", "joplin/maple_leaf_rag"),
        ("?", "bach/bwv66.6, joplin/maple_leaf_rag"),
    ],
)
def test_a_misspelled_name_gets_suggestions(name, says):
    with pytest.raises(FileNotFoundError, match=f"neither a file nor in music21's corpus. Near to it: .*{says}"):
        symbolic.read_score(name)


# ---------------------------------------------------------------- one's own files


@pytest.mark.parametrize("kind", ["musicxml", "midi"])
def test_a_file_of_the_readers_own(tmp_path, kind):
    own = score(part(m21.chord.Chord(["C4", "E4", "G4"], quarterLength=2), m21.note.Rest(), m21.note.Note("A4")))
    got = symbolic.notes(read_back(own, tmp_path, kind), bpm=60)
    assert [tuple(n)[:3] for n in got] == [(0, 2, 60), (0, 2, 64), (0, 2, 67), (3, 1, 69)]


def test_an_abc_tune_of_the_readers_own(tmp_path):
    (tmp_path / "tune.abc").write_text("X:1\nT:Own\nM:4/4\nL:1/4\nK:D\nDFAd|\n")
    got = symbolic.notes(symbolic.read_score(tmp_path / "tune.abc"))
    assert got["pitch"].tolist() == [62, 66, 69, 74]  # the key makes F sharp


def test_tied_notes_sound_once(tmp_path):
    tied = part(m21.meter.TimeSignature("4/4"), m21.note.Note("C4", quarterLength=6), m21.note.Note("D4"))
    s = read_back(score(tied), tmp_path)
    assert len(s.flatten().notes) == 3  # on paper the six beats are two notes and a tie
    got = symbolic.notes(s, bpm=60)
    assert got["pitch"].tolist() == [60, 62]
    np.testing.assert_allclose(got["duration"], [6, 1])


def test_of_a_chord_each_tied_note_goes_on_by_itself():
    first, second = m21.chord.Chord(["C4", "E4"], quarterLength=4), m21.chord.Chord(["C4", "F4"], quarterLength=2)
    first.notes[0].tie = m21.tie.Tie("start")  # and no mark where it ends, as in some encodings
    got = symbolic.notes(score(part(first, second)), bpm=60)
    assert [(n["onset"], n["duration"], n["pitch"]) for n in got] == [(0, 6, 60), (0, 4, 64), (4, 2, 65)]


def test_a_note_struck_again_is_not_tied_to_one_that_ended_before():
    held, again = m21.note.Note("C4"), m21.note.Note("C4")
    held.tie = m21.tie.Tie("start")
    got = symbolic.notes(score(part(held, m21.note.Rest(), again)), bpm=60)
    assert got["duration"].tolist() == [1, 1]


def test_ties_are_joined_as_music21_joins_them():
    s = symbolic.read_score("bach/bwv66.6")
    joined = [n for p in s.toSoundingPitch().parts for n in p.stripTies().flatten().notes]
    want = sorted((float(n.offset), n.pitch.midi, float(n.duration.quarterLength)) for n in joined)
    got = symbolic.notes(s, bpm=60)
    assert sorted((n["onset"], n["pitch"], n["duration"]) for n in got) == want


def test_a_transposing_instrument_is_heard_at_its_sounding_pitch(tmp_path):
    clarinet = part(m21.instrument.Clarinet(), m21.note.Note("C4", quarterLength=4))  # in B flat: sounds a tone lower
    violin = part(m21.instrument.Violin(), m21.note.Note("C4", quarterLength=4))
    got = symbolic.notes(read_back(score(clarinet, violin), tmp_path))
    assert {(n["pitch"], n["part"]) for n in got} == {(58, 0), (60, 1)}


@pytest.mark.parametrize("kind", ["musicxml", "midi"])
def test_tempo_marks_are_followed(tmp_path, kind):
    p = part(m21.tempo.MetronomeMark(number=60), *[m21.note.Note(60 + i) for i in range(8)])
    p.insert(4, m21.tempo.MetronomeMark(number=120))
    got = symbolic.notes(read_back(score(p), tmp_path, kind))
    np.testing.assert_allclose(got["onset"], [0, 1, 2, 3, 4, 4.5, 5, 5.5], atol=1e-6)
    np.testing.assert_allclose(got["duration"], [1] * 4 + [0.5] * 4, atol=1e-6)


def test_a_note_held_across_a_change_of_tempo():
    p = part(m21.tempo.MetronomeMark(number=60), m21.note.Note("C4", quarterLength=4))
    p.insert(2, m21.tempo.MetronomeMark(number=120))
    assert symbolic.notes(score(p))["duration"].tolist() == [3.0]


def test_a_mark_in_any_part_holds_for_all():
    marked = part(m21.tempo.MetronomeMark(number=120), m21.note.Note("C3"))
    assert symbolic.notes(score(part(m21.note.Note("C5")), marked))["duration"].tolist() == [0.5, 0.5]


def test_grace_notes_chord_symbols_and_drums_are_left_out():
    drums = part(m21.note.Unpitched())
    melody = part(m21.note.Note("D5").getGrace(), m21.harmony.ChordSymbol("C"), m21.note.Note("E5"))
    assert symbolic.notes(score(drums, melody))["pitch"].tolist() == [76]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xml", b""), ("a.mid", b"not music"), ("a.musicxml", b"<html></html>"), ("a.krn", b"x"), ("a.zzz", b"x")],
)
def test_what_is_no_score(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(symbolic.ScoreError, match=rf"{name} cannot be read as a score|The score has no notes"):
        symbolic.notes(symbolic.read_score(tmp_path / name))


def test_a_score_without_notes_and_a_tempo_that_is_none():
    with pytest.raises(symbolic.ScoreError, match="The score has no notes"):
        symbolic.notes(score(part(m21.note.Rest())))
    for bpm in (0, -60, float("nan"), float("inf")):
        with pytest.raises(symbolic.ScoreError, match=f"bpm={bpm}: expected a positive number"):
            symbolic.notes(score(part(m21.note.Note())), bpm=bpm)


# ---------------------------------------------------------------- excerpts and pitches


@given(st.floats(0, 20), st.floats(2, 5))
def test_an_excerpt_is_a_window_on_the_notes(chorale, start, length):
    got = symbolic.excerpt(chorale, start, start + length)
    began = chorale[(chorale["onset"] >= start) & (chorale["onset"] < start + length)]
    np.testing.assert_array_equal(got["pitch"], began["pitch"])
    np.testing.assert_allclose(got["onset"], began["onset"] - start)
    assert np.all(got["onset"] + got["duration"] <= length + 1e-9) and np.all(got["duration"] > 0)


def test_an_excerpt_leaves_the_whole_as_it_was(chorale):
    before = chorale.copy()
    symbolic.excerpt(chorale, 1, 2)
    symbolic.transpose(chorale, 5)
    np.testing.assert_array_equal(chorale, before)


def test_an_excerpt_without_notes(chorale):
    with pytest.raises(symbolic.ScoreError, match="No note begins between 100 s and 101 s"):
        symbolic.excerpt(chorale, 100, 101)


@given(st.integers(-24, 24))
def test_transposing_multiplies_every_frequency(chorale, semitones):
    moved = symbolic.transpose(chorale, semitones)
    ratio = symbolic.frequency(moved["pitch"]) / symbolic.frequency(chorale["pitch"])
    np.testing.assert_allclose(ratio, 2 ** (semitones / 12))
    np.testing.assert_array_equal(moved["onset"], chorale["onset"])


def test_frequencies_of_known_notes():
    assert symbolic.frequency(69) == 440
    assert symbolic.frequency(60) == pytest.approx(261.6256, abs=1e-4)
    assert symbolic.frequency(69, a4=415) == 415
    np.testing.assert_allclose(symbolic.frequency(np.array([57, 81])), [220, 880])
