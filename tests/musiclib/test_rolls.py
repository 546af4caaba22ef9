"""musiclib.symbolic: piano rolls of notes, and notes of piano rolls."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclib import symbolic


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(21, 108), st.integers(0, 5), st.integers(1, 9), st.integers(1, 127)), min_size=1))
def test_notes_on_the_grid_come_back_as_they_were(rows):
    free, found = {}, []  # each key's next free step
    for pitch, rest, length, velocity in rows:
        start = free.get(pitch, 0) + rest
        free[pitch] = start + length
        found.append((start / 8, length / 8, pitch, max(velocity, 2), 0))
    notes = np.sort(np.array(found, symbolic.NOTE), order=["onset", "pitch"])
    roll = symbolic.to_roll(notes, rate=8, lowest=21, keys=88)
    np.testing.assert_array_equal(symbolic.from_roll(roll, rate=8, lowest=21), notes)


def test_a_roll_of_zeros_and_ones_has_held_notes():
    roll = np.array([[1, 0], [1, 1], [0, 1], [1, 0]], np.uint8)
    got = symbolic.from_roll(roll, rate=2, lowest=60, velocity=70)
    assert got.tolist() == [(0, 1, 60, 70, 0), (0.5, 1, 61, 70, 0), (1.5, 0.5, 60, 70, 0)]
    assert not len(symbolic.from_roll(np.zeros((3, 88)), rate=2))


def test_a_note_beside_the_keys_is_named():
    low = np.array([(0, 1, 20, 64, 0)], symbolic.NOTE)
    with pytest.raises(symbolic.ScoreError, match=r"pitch 20\. Expected 21 to 108"):
        symbolic.to_roll(low, rate=4, lowest=21, keys=88)
