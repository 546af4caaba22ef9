"""Distances of sets of sounds: closed forms, equal sets, degradations in order, and the floor of real against real."""

from functools import partial

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from musiclib import augment, datasets, evaluation, features

DISTANCES = (evaluation.frechet_distance, evaluation.kernel_distance)


def normal(count, numbers=4, shift=0.0, scale=1.0, seed=0):
    return shift + scale * np.random.default_rng(seed).standard_normal((count, numbers))


def test_frechet_distance_is_its_formula_with_a_matrix_root():
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((50, 6)) @ rng.standard_normal((6, 6)), normal(40, 6, 0.5, 2)
    S, G = np.cov(X.T), np.cov(Y.T)
    root = scipy.linalg.sqrtm(S @ G).real
    expected = np.sum((X.mean(0) - Y.mean(0)) ** 2) + np.trace(S + G - 2 * root)
    assert evaluation.frechet_distance(X, Y) == pytest.approx(expected, rel=1e-9)
    assert evaluation.frechet_distance(Y, X) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_what_is_moved_and_stretched():
    X = normal(500)
    assert evaluation.frechet_distance(X + 3, X) == pytest.approx(9 * 4)
    spread = np.trace(np.cov(X.T))
    assert evaluation.frechet_distance(2 * (X - X.mean(0)), X - X.mean(0)) == pytest.approx(spread)


@given(st.integers(2, 12), st.integers(2, 12), st.integers(1, 40))
def test_kernel_distance_is_the_mean_over_all_pairs_and_no_sound_meets_itself(n, m, numbers):
    X, Y = normal(n, numbers), normal(m, numbers, 1, seed=1)
    k = np.exp(-np.sum((np.r_[X, Y][:, None] - np.r_[X, Y]) ** 2, axis=-1) / 8)
    within = sum((part.sum() - np.trace(part)) / (len(part) * (len(part) - 1)) for part in (k[:n, :n], k[n:, n:]))
    expected = within - 2 * k[:n, n:].mean()
    assert evaluation.kernel_distance(X, Y, bandwidth=2.0) == pytest.approx(expected, abs=1e-12)


def test_kernel_distance_of_one_distribution_is_zero_on_average_at_any_size():
    for size in (5, 50):
        pairs = [(normal(size, seed=k), normal(size, seed=k + 1000)) for k in range(400)]
        found = [evaluation.kernel_distance(X, Y, bandwidth=2.0) for X, Y in pairs]
        assert abs(np.mean(found)) < 4 * np.std(found) / 20  # four standard errors
    biased = [evaluation.frechet_distance(normal(5, seed=k), normal(5, seed=k + 1000)) for k in range(50)]
    assert np.mean(biased) > 1  # which the Fréchet distance is not


def test_equal_sets_are_at_no_distance():
    X = normal(30)
    assert evaluation.frechet_distance(X, X) == pytest.approx(0, abs=1e-9)
    assert evaluation.kernel_distance(X, X[::-1]) <= 0  # unbiased: equal pairs stand in one of its three means


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_more_noise_the_farther(distance):
    music = datasets.load("tunes", size="smoke")

    def heard(snr):
        found = []
        for _, (y, sr) in music:
            noisy = y if snr is None else augment.noise(y, snr)
            found += [features.mfcc(part, sr=sr).mean(1) for part in np.array_split(noisy, 4)]
        return np.array(found)

    clean = heard(None)
    distances = [distance(heard(snr), clean) for snr in (40, 20, 0)]
    assert distances == sorted(distances) and distances[0] < 0.5 * distances[-1]


@pytest.mark.parametrize("distance", DISTANCES)
def test_what_is_no_two_sets_is_refused(distance):
    for X, Y, says in (
        (normal(1), normal(5), "at least 2"),
        (normal(5, 3), normal(5, 4), r"\(5, 3\) and \(5, 4\)"),
        (np.full((4, 2), np.nan), normal(4, 2), "NaN or infinity"),
    ):
        with pytest.raises(ValueError, match=says):
            distance(X, Y)
    with pytest.raises(ValueError, match="copies of each other"):
        evaluation.kernel_distance(normal(5), np.ones((5, 4)))


def test_the_floor_is_of_whole_groups_at_the_sizes_asked_for():
    groups = np.repeat(np.arange(12), 5)
    X = normal(60) + normal(12, 1, seed=9)[groups]
    seen = []

    def distance(one, other):
        sides = [{tuple(row) for row in side} for side in (one, other)]
        members = [{groups[i] for i, row in enumerate(X) if tuple(row) in side} for side in sides]
        assert not members[0] & members[1] and (len(one), len(other)) == (20, 15)
        seen.append(evaluation.kernel_distance(one, other))
        return seen[-1]

    floor = evaluation.real_to_real(X, groups, distance, (20, 15), repeats=30)
    assert floor.tolist() == seen and len(floor) == 30
    again = evaluation.real_to_real(X, groups, evaluation.kernel_distance, (20, 15), repeats=30)
    assert np.array_equal(floor, again)
    far = evaluation.kernel_distance(X[:20] + 3, X[20:35])
    assert far > floor.max()
    with pytest.raises(ValueError, match="60 sounds of 12 groups cannot be dealt out to sides of 40 and 30"):
        evaluation.real_to_real(X, groups, partial(distance), (40, 30), repeats=2)


def test_a_copy_is_found_and_new_music_is_farther():
    known = normal(50)
    heard = np.concatenate([known[[7]] + 1e-3, normal(1, seed=5)])
    distance, which = evaluation.nearest(heard, known)
    assert which[0] == 7 and distance[0] < 0.01 < distance[1]
    assert distance[1] == pytest.approx(np.linalg.norm(known - heard[1], axis=1).min())
