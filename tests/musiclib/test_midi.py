"""musiclib.symbolic: MIDI as performed, read and written to the tick."""

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclib import symbolic


def write(path, *tracks, division=480, type=1):
    """A MIDI file of these tracks, each a list of (tick, message)."""
    file = mido.MidiFile(type=type, ticks_per_beat=division)
    for events in tracks:
        track, last = mido.MidiTrack(), 0
        for tick, message in events:
            track.append(message.copy(time=tick - last))
            last = tick
        file.tracks.append(track)
    file.save(path)
    return path


def on(pitch, velocity=64, channel=0):
    return mido.Message("note_on", note=pitch, velocity=velocity, channel=channel)


def off(pitch, channel=0):
    return mido.Message("note_off", note=pitch, channel=channel)


def test_notes_are_where_the_keys_put_them_across_changes_of_tempo(tmp_path):
    tempo = [(0, mido.MetaMessage("set_tempo", tempo=500_000)), (961, mido.MetaMessage("set_tempo", tempo=731_237))]
    pedal = mido.Message("control_change", control=64, value=93)
    keys = [(7, on(60, 33)), (500, pedal), (1111, on(60, 0)), (1203, on(64, 99)), (1500, off(64))]
    got = symbolic.read_midi(write(tmp_path / "a.mid", tempo, keys))
    at = [7 * 0.5 / 480, (961 * 500_000 + (1203 - 961) * 731_237) / 480e6]
    np.testing.assert_array_equal(got.notes["onset"], at)
    assert got.notes["pitch"].tolist() == [60, 64] and got.notes["velocity"].tolist() == [33, 99]
    end = got.notes["onset"] + got.notes["duration"]
    assert got.tempo.nearest_ticks(end).tolist() == [1111, 1500]
    assert got.pedals[["control", "value"]].tolist() == [(64, 93)]
    assert got.tempo.nearest_ticks(got.pedals["time"]).tolist() == [500]


def test_overlapping_strokes_and_notes_that_never_end(tmp_path):
    keys = [(0, on(60)), (10, on(60)), (20, off(60)), (30, off(60)), (40, on(62)), (90, on(64)), (100, off(64))]
    with pytest.warns(UserWarning, match="1 notes never end and were ended with their track"):
        got = symbolic.read_midi(write(tmp_path / "a.mid", keys, type=0))
    ticks = got.tempo.nearest_ticks(np.stack([got.notes["onset"], got.notes["onset"] + got.notes["duration"]], 1))
    assert ticks.tolist() == [[0, 20], [10, 30], [40, 100], [90, 100]]


def test_drums_tracks_and_programs_tell_the_players(tmp_path):
    flute = [(0, mido.MetaMessage("track_name", name="flute")), (0, mido.Message("program_change", program=73))]
    got = symbolic.read_midi(
        write(tmp_path / "a.mid", [*flute, (0, on(72)), (9, off(72))], [(0, on(38, channel=9)), (5, off(38, 9))])
    )
    assert got.players == [("flute", 73, False, 0), ("", 0, True, 9)]
    assert got.notes["part"].tolist() == [1, 0]


def test_time_in_frames_of_a_film(tmp_path):
    got = symbolic.read_midi(write(tmp_path / "a.mid", [(0, on(60)), (1000, off(60))], division=-25 * 256 + 40))
    assert got.notes["duration"].tolist() == [1.0]
    with pytest.raises(symbolic.ScoreError, match="counts a film's frames"):
        got.tempo.quarters(1.0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "does not begin as a MIDI file"),
        (b"RIFF", "does not begin"),
        (b"MThd\0\0\0\6\0\1\0\1\1\0", "ends too soon"),
    ],
)
def test_what_is_no_midi_file(tmp_path, content, says):
    (tmp_path / "a.mid").write_bytes(content)
    with pytest.raises(symbolic.ScoreError, match=f"a.mid cannot be read as MIDI: it {says}"):
        symbolic.read_midi(tmp_path / "a.mid")


def test_a_score_of_a_performance_says_how_far_its_notes_moved(tmp_path):
    keys = [
        (t, m) for i in range(8) for t, m in [(480 * i + 37 * (i > 0), on(60 + i, 30)), (480 * i + 400, off(60 + i))]
    ]
    with pytest.warns(UserWarning, match=r"half of them by 39 ms or more.*symbolic.read_midi"):
        tempo = [(0, mido.MetaMessage("set_tempo", tempo=500_000))]
        symbolic.read_score(write(tmp_path / "a.mid", tempo, keys))


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 900), st.integers(0, 2)), min_size=1, max_size=20))
def test_what_is_written_is_read_back_to_the_tick(tmp_path_factory, rows):
    # One pitch a note, so that none overlap.
    table = np.array([(s / 1920, d / 1920, 40 + i, 30 + i, p) for i, (s, d, p) in enumerate(rows)], symbolic.NOTE)
    path = tmp_path_factory.mktemp("midi") / "a.mid"
    symbolic.write_midi(path, table, instruments=["piano", "flute", "violin"], meter=(6, 8))
    got = symbolic.read_midi(path)
    assert got.meters == [(0.0, 6, 8)]
    for field in ("onset", "duration", "velocity"):
        np.testing.assert_allclose(np.sort(got.notes, order="pitch")[field], table[field], atol=1e-9)
