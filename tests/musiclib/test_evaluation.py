"""Evaluation: scores that equal a count by hand, intervals over groups, answers in batches."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from musiclib import evaluation, features, models, training

CLASSES = ["jig", "reel", "waltz"]


@pytest.fixture
def table():
    """Twelve recordings of two segments, six groups of two recordings, two groups a class."""
    recording = np.repeat(np.arange(12), 2)
    return pd.DataFrame(
        {
            "id": [f"r{r}" for r in recording],
            "label": [CLASSES[r // 4] for r in recording],
            "group": [f"g{r // 2}" for r in recording],
        }
    )


@pytest.fixture
def P(table):
    return np.random.default_rng(2).dirichlet(np.ones(3), len(table)).astype(np.float32)


def truth_of(table):
    return np.array([CLASSES.index(label) for label in table.label])


def test_one_hot_names_an_unknown_class():
    np.testing.assert_array_equal(evaluation.one_hot(["reel", "jig"], CLASSES), [[0, 1, 0], [1, 0, 0]])
    with pytest.raises(ValueError, match=r"polka: no such class. There are jig, reel, waltz"):
        evaluation.one_hot(["reel", "polka"], CLASSES)


def test_answers_do_not_depend_on_the_batch():
    X = np.random.default_rng(0).standard_normal((11, 16, 40)).astype(np.float32)
    model = training.build(models.genre_cnn, X, 3, filters=8, dense=8)
    whole = keras.ops.convert_to_numpy(model(X, training=False))
    for batch_size in (1, 4, 64):
        np.testing.assert_allclose(evaluation.answers(model, X, batch_size=batch_size), whole, atol=1e-6)
    backwards = evaluation.answers(model, X[::-1], batch_size=4)[::-1]
    np.testing.assert_allclose(backwards, whole, atol=1e-6)


def test_whole_is_the_mean_over_a_recordings_segments_in_any_order(P, table):
    means, sheet = evaluation.whole(P, table)
    assert list(sheet.id) == [f"r{k}" for k in range(12)]
    np.testing.assert_allclose(means[3], P[6:8].mean(0), atol=1e-6)
    order = np.random.default_rng(1).permutation(len(table))
    mixed, other = evaluation.whole(P[order], table.iloc[order])
    back = [list(other.id).index(id) for id in sheet.id]
    np.testing.assert_allclose(mixed[back], means, atol=1e-6)
    runs, _ = evaluation.whole(np.stack([P, P[::-1]]), table)
    np.testing.assert_allclose(runs[0], means, atol=1e-6)


def test_scores_are_those_of_a_count(P, table):
    truth, said = truth_of(table), P.argmax(1)
    found = evaluation.scores(P, table, CLASSES)
    assert found["segment accuracy"].value == pytest.approx((truth == said).mean())
    means, sheet = evaluation.whole(P, table)
    assert found["recording accuracy"].value == pytest.approx((means.argmax(1) == truth_of(sheet)).mean())
    assert found["balanced accuracy"].value == pytest.approx(balanced_accuracy_score(truth_of(sheet), means.argmax(1)))
    for interval in found.values():
        assert interval.low <= interval.value <= interval.high and interval.groups == 6


def test_scores_of_several_runs_are_their_mean(P, table):
    other = P[::-1].copy()
    both = evaluation.scores(np.stack([P, other]), table, CLASSES)
    each = [evaluation.scores(p, table, CLASSES) for p in (P, other)]
    for name, interval in both.items():
        assert interval.value == pytest.approx(np.mean([scores[name].value for scores in each]))


def test_compare_has_a_row_for_each_model_and_score(P, table):
    sure = np.eye(3, dtype=np.float32)[truth_of(table)]
    found = evaluation.compare({"chance": P, "oracle": sure}, table, CLASSES)
    assert len(found) == 6 and set(found.model) == {"chance", "oracle"}
    assert (found[found.model == "oracle"].value == 1).all()


def test_a_difference_is_paired(P, table):
    sure = np.eye(3, dtype=np.float32)[truth_of(table)]
    same = evaluation.difference(P, P, table, CLASSES)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert evaluation.difference(sure, P, table, CLASSES).low > 0


def test_the_trivial_baseline_says_the_commonest_class():
    P = evaluation.most_frequent(np.array(["reel", "reel", "jig"]), CLASSES, 4)
    np.testing.assert_allclose(P, np.tile([1 / 3, 2 / 3, 0], (4, 1)), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_classical_baseline_tells_apart_what_is_apart(classes):
    rng = np.random.default_rng(0)
    labels = np.array(CLASSES)[np.arange(60) % classes]
    X = rng.standard_normal((60, 12, 30)) + 3 * (np.arange(60) % classes)[:, None, None]
    S = features.statistics(X)
    P = evaluation.classical(S[:40], labels[:40], S[40:], CLASSES)
    assert (np.array(CLASSES)[P.argmax(1)] == labels[40:]).all()
    np.testing.assert_allclose(P.sum(1), 1, atol=1e-6)
    if classes == 2:
        assert (P[:, 2] == 0).all()  # a class that it never met


def test_confusion_is_scikit_learns_by_rows(P, table):
    expected = confusion_matrix(truth_of(table), P.argmax(1), normalize="true")
    np.testing.assert_allclose(evaluation.confusion(P, table.label, CLASSES), expected)


def test_calibration_of_an_oracle_that_doubts():
    rng = np.random.default_rng(0)
    right = rng.random(20_000) < 0.7
    P = np.where(right[:, None], [0.7, 0.3, 0.0], [0.3, 0.7, 0.0])  # says 0.7, and is right as often
    labels = np.array(["jig"] * len(P))
    table, error = evaluation.calibration(P, labels, CLASSES)
    assert len(table) == 1 and table["count"].sum() == len(P)
    assert table.confidence[0] == pytest.approx(0.7) and error < 0.015
    _, error = evaluation.calibration(np.where(P == 0.7, 1.0, 0.0), labels, CLASSES)
    assert error == pytest.approx(0.3, abs=0.015)  # too sure by 0.3


def test_the_worst_come_first(P, table):
    found = evaluation.worst(P, table, CLASSES)
    assert len(found) == (P.argmax(1) != truth_of(table)).sum()
    assert found.confidence.is_monotonic_decreasing and (found.said != found.label).all()
    assert found.confidence.iloc[0] == pytest.approx(P[P.argmax(1) != truth_of(table)].max())


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_f1_is_scikit_learns(average):
    rng = np.random.default_rng(0)
    truth, said = rng.integers(0, 2, (2, 60, 5))
    found = evaluation.f1(truth, said, np.arange(60) // 3, average=average)
    assert found.value == pytest.approx(f1_score(truth, said, average=average))
    assert found.low < found.value < found.high


def test_f1_names_bad_input():
    Y = np.ones((6, 2))
    with pytest.raises(ValueError, match=r"truth \(6, 2\) and said \(5, 2\)"):
        evaluation.f1(Y, Y[1:], np.arange(6))
    with pytest.raises(ValueError, match="average='weighted': expected micro or macro"):
        evaluation.f1(Y, Y, np.arange(6), average="weighted")
