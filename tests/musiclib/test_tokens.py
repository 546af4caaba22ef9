"""musiclib.symbolic: notes as tokens of events, and any tokens as notes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclib import symbolic
from musiclib.symbolic import EventVocabulary, decode_events, encode_events

DEFAULT = EventVocabulary()
SMALL = EventVocabulary(lowest=60, keys=3, rate=8, shifts=4, velocities=5)  # few keys and short shifts: all meet often


def notes(*rows) -> np.ndarray:
    """Rows of onset and duration in s, pitch, velocity."""
    return np.array([(*row, 0) for row in rows], symbolic.NOTE)


def words(table, vocabulary=DEFAULT) -> list[str]:
    return [vocabulary.describe(token) for token in encode_events(table, vocabulary)]


def middle(velocity, vocabulary):
    """The middle of the range that holds a velocity, counted out."""
    same = [v for v in range(1, 128) if (v - 1) * vocabulary.velocities // 127 == vocabulary.level(velocity)]
    return (same[0] + same[-1]) // 2


# ---------------------------------------------------------------- the vocabulary


def test_the_sizes_are_the_published_ones():
    assert DEFAULT.size == 388  # Performance RNN, Music Transformer: 128 + 128 + 100 + 32
    assert EventVocabulary(rate=125, shifts=125).size == 413  # Oore et al.
    assert EventVocabulary(lowest=21, keys=88).size == 88 + 88 + 100 + 32


def test_each_token_has_words_of_its_own():
    piano = EventVocabulary(lowest=21, keys=88)
    said = [piano.describe(token) for token in range(piano.size)]
    assert len(set(said)) == piano.size
    assert (said[0], said[87], said[88], said[175]) == ("note on A0", "note on C8", "note off A0", "note off C8")
    assert (said[176], said[275]) == ("shift 0.01 s", "shift 1 s")
    assert (said[276], said[-1]) == ("velocity 1 to 4", "velocity 125 to 127")
    assert EventVocabulary(velocities=127).describe(256 + 100 + 79) == "velocity 80"


@pytest.mark.parametrize("velocities", [1, 5, 32, 100, 127])
def test_every_velocity_lies_in_the_range_of_its_level(velocities):
    vocabulary = EventVocabulary(velocities=velocities)
    held = [v for level in range(velocities) for v in range(*np.add(vocabulary.velocity_range(level), (0, 1)))]
    assert held == list(range(1, 128))
    for v in held:
        softest, loudest = vocabulary.velocity_range(vocabulary.level(v))
        assert softest <= v <= loudest


@pytest.mark.parametrize(
    "name, value",
    [
        ("velocities", 0),
        ("velocities", 128),
        ("lowest", -1),
        ("lowest", 128),
        ("keys", 0),
        ("keys", 129),
        ("rate", 0),
        ("rate", np.nan),
        ("shifts", 0),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(name, value):
    with pytest.raises(symbolic.ScoreError, match=f"{name}={value}.*expected"):
        EventVocabulary(**{name: value})


# ---------------------------------------------------------------- notes to tokens


def test_two_notes_in_words():
    assert words(notes((0.5, 1.25, 60, 64), (0.5, 1.25, 64, 64), (1.75, 0.01, 60, 100))) == [
        "shift 0.5 s",
        "velocity 61 to 64",
        "note on C4",
        "note on E4",
        "shift 1 s",
        "shift 0.25 s",
        "note off C4",
        "note off E4",
        "velocity 97 to 100",
        "note on C4",
        "shift 0.01 s",
        "note off C4",
    ]


@pytest.mark.parametrize("steps, shifts", [(1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (250, 3)])
def test_longer_time_takes_several_shifts(steps, shifts):
    tokens = encode_events(notes((0, steps / 100, 60, 64)), DEFAULT)
    assert tokens.dtype == np.int32 and len(tokens) == 3 + shifts
    assert decode_events(tokens, DEFAULT)["duration"] == [steps / 100]


def test_a_note_shorter_than_a_step_is_still_heard():
    got = decode_events(encode_events(notes((0.1, 0, 60, 64), (0.2, 0.001, 61, 64)), DEFAULT), DEFAULT)
    assert got["duration"].tolist() == [0.01, 0.01]


def test_a_later_stroke_takes_the_key_over_until_the_last_note_ends():
    got = decode_events(encode_events(notes((0, 2, 60, 62), (0.5, 0.5, 60, 102)), DEFAULT), DEFAULT)
    assert got.tolist() == [(0, 0.5, 60, 62, 0), (0.5, 1.5, 60, 102, 0)]


def test_of_a_unison_the_loudest_is_heard_as_long_as_the_longest():
    loud, long = (0, 1, 60, 102), (0, 2, 60, 62)
    for table in (notes(loud, long), notes(long, loud)):
        assert decode_events(encode_events(table, DEFAULT), DEFAULT).tolist() == [(0, 2, 60, 102, 0)]


@pytest.mark.parametrize(
    "row, said",
    [
        ((0, 1, 20, 64), r"Note 1 has pitch 20\. Expected 21 to 108"),
        ((0, 1, 109, 64), r"Note 1 has pitch 109\. Expected 21 to 108"),
        ((0, 1, 60, 0), r"Note 1 has velocity 0\. Expected 1 to 127"),
        ((0, 1, 60, 128), r"Note 1 has velocity 128\."),
        ((-0.5, 1, 60, 64), r"Note 1 has onset -0\.5\."),
        ((np.nan, 1, 60, 64), "Note 1 has onset nan"),
        ((0, np.inf, 60, 64), "Note 1 has duration inf"),
        ((1e300, 1, 60, 64), "Note 1 has onset 1e"),
        ((1, -1, 60, 64), r"Note 1 has duration -1\."),
    ],
)
def test_a_note_that_has_no_tokens_is_named(row, said):
    with pytest.raises(symbolic.ScoreError, match=said):
        encode_events(notes((0, 1, 60, 64), row), EventVocabulary(lowest=21, keys=88))


# ---------------------------------------------------------------- and back


@settings(max_examples=30)
@given(
    st.sampled_from(
        [SMALL, DEFAULT, EventVocabulary(rate=125, shifts=125, velocities=127), EventVocabulary(rate=29.97)]
    ),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 300), st.integers(1, 300), st.integers(1, 127))),
    st.randoms(use_true_random=False),
)
def test_notes_on_the_grid_come_back_as_they_were(vocabulary, rows, random):
    free, made, expected = {}, [], []  # each key's next free step
    for key, rest, steps, velocity in rows:
        start = free.get(key, 0) + rest
        free[key] = start + steps
        row = (start / vocabulary.rate, steps / vocabulary.rate, 60 + key)
        made.append((*row, velocity))
        expected.append((*row, middle(velocity, vocabulary)))
    random.shuffle(made)
    got = decode_events(encode_events(notes(*made), vocabulary), vocabulary)
    np.testing.assert_array_equal(got, np.sort(notes(*expected), order=["onset", "pitch"]))


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(0, 4), st.floats(0, 4), st.integers(60, 62), st.integers(1, 127)), min_size=1, max_size=12
    )
)
def test_keys_sound_as_on_a_piano_roll_wherever_notes_fall(rows):
    table = notes(*rows)
    got = decode_events(encode_events(table, SMALL), SMALL)
    want = symbolic.from_roll(symbolic.to_roll(table, rate=8, lowest=60, keys=3), rate=8, lowest=60)
    for field in ("onset", "duration", "pitch"):
        np.testing.assert_array_equal(got[field], want[field])


@settings(max_examples=60)
@given(st.lists(st.integers(0, SMALL.size - 1), max_size=60))
def test_whatever_a_model_makes_up_becomes_notes(tokens):
    made_up = decode_events(tokens, SMALL)
    assert made_up.dtype == symbolic.NOTE and (made_up["duration"] > 0).all()
    assert set(made_up["pitch"]) <= {60, 61, 62} and set(made_up["velocity"]) <= {13, 39, 64, 90, 115}
    np.testing.assert_array_equal(decode_events(encode_events(made_up, SMALL), SMALL), made_up)


def test_what_sounds_at_the_end_ends_there_and_what_does_not_sound_cannot_be_let_go():
    on, off, second = 60, DEFAULT.first_off + 60, DEFAULT.first_velocity - 1
    assert decode_events([off, second, on, second], DEFAULT).tolist() == [(1, 1, 60, 78, 0)]
    assert not len(decode_events([second, on, off, on], DEFAULT))  # no time passes
    assert not len(decode_events([], DEFAULT))
    assert encode_events(notes(), DEFAULT).shape == (0,)


@pytest.mark.parametrize(
    "tokens, said",
    [
        ([5, 388], r"Token 388 at place 1 .* Expected 0 to 387"),
        ([-1], "Token -1 at place 0"),
        ([[1, 2]], r"shape \(1, 2\)"),
        (3, r"shape \(\)"),
        ([0.5, 1.0], "dtype float64"),
    ],
)
def test_what_is_no_token_is_named(tokens, said):
    with pytest.raises(symbolic.ScoreError, match=said):
        decode_events(tokens, DEFAULT)


def test_a_token_without_words_is_named():
    with pytest.raises(symbolic.ScoreError, match="Token 388"):
        DEFAULT.describe(388)


# ---------------------------------------------------------------- real music


def test_a_chorale_comes_back_to_within_half_a_step(chorale):
    tokens = encode_events(chorale, DEFAULT)
    got = decode_events(tokens, DEFAULT)
    longest = np.sort(chorale, order=["onset", "pitch", "duration"])[::-1]  # unisons: the longer voice holds the key
    _, first = np.unique(longest[["onset", "pitch"]], return_index=True)
    assert 0 < len(first) < len(chorale)
    np.testing.assert_array_equal(got["pitch"], longest["pitch"][first])
    np.testing.assert_allclose(got["onset"], longest["onset"][first], atol=0.0051)
    np.testing.assert_allclose(got["duration"], longest["duration"][first], atol=0.0101)
    assert set(got["velocity"]) == {78}  # 77 to 80 hold the 80 of a score without marks
    assert np.sum(tokens >= DEFAULT.first_velocity) == 1


def test_the_frames_of_a_polyphonic_set_become_notes_and_tokens():
    frames = np.zeros((4, 88), np.uint8)  # as `datasets.jsb_chorales` has them: key 0 is A0, a quaver each
    frames[:, 39] = 1  # C4, held
    frames[[0, 2], 43] = 1  # E4, twice
    table = symbolic.from_roll(frames, rate=2, lowest=21)
    assert table.tolist() == [(0, 2, 60, 80, 0), (0, 0.5, 64, 80, 0), (1, 0.5, 64, 80, 0)]
    piano = EventVocabulary(lowest=21, keys=88, velocities=127)
    np.testing.assert_array_equal(decode_events(encode_events(table, piano), piano), table)
