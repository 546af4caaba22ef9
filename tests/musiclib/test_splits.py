"""musiclib.splits: groups stay together, classes are on every side."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclib import splits
from musiclib.splits import SplitError


def manifest(groups: int = 60, classes: str = "abc", seed: int = 0) -> pd.DataFrame:
    """Groups of one to nine items of one class each, the last class three times as frequent as the others."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 10, groups)
    label = np.array(list(classes + classes[-1] * 2))[np.arange(groups) % (len(classes) + 2)]
    table = pd.DataFrame({"label": np.repeat(label, sizes), "group": np.repeat(np.arange(groups), sizes), "split": ""})
    table.index = pd.Index([f"item{i:04d}" for i in range(len(table))], name="id")
    return table


# ---------------------------------------------------------------- sides


@settings(max_examples=15)
@given(st.integers(15, 80), st.integers(2, 4), st.integers(0, 10**6))
def test_no_group_is_ever_on_two_sides_and_every_class_is_on_each(groups, classes, seed):
    table = manifest(groups, "abcd"[:classes], seed)
    side = splits.train_validation_test(table, seed=seed)
    assert (side.groupby(table["group"]).nunique() == 1).all()
    for name in splits.SIDES:
        assert set(table.label[side == name]) == set(table.label)


@pytest.mark.parametrize(("validation", "test"), [(0.2, 0.2), (0.1, 0.3), (0.15, 0.15), (0.25, 0.5)])
def test_the_shares_are_those_asked_for(validation, test):
    table = manifest(400)
    side = splits.train_validation_test(table, validation=validation, test=test)
    share = side.value_counts(normalize=True)
    assert share["test"] == pytest.approx(test, abs=0.02)
    assert share["validation"] == pytest.approx(validation, abs=0.02)
    shares = pd.crosstab(side, table.label, normalize="index")
    np.testing.assert_allclose(shares, [table.label.value_counts(normalize=True).sort_index()] * 3, atol=0.03)


def test_the_same_seed_splits_the_same_in_any_order_and_another_seed_otherwise():
    table = manifest()
    side = splits.train_validation_test(table, seed=1)
    shuffled = splits.train_validation_test(table.sample(frac=1, random_state=5), seed=1)
    pd.testing.assert_series_equal(shuffled.reindex(side.index), side)
    assert (splits.train_validation_test(table, seed=2) != side).any()


def test_a_split_is_the_same_with_every_version_of_scikit_learn():
    side = splits.train_validation_test(manifest(15, "ab"), seed=3)
    by_group = side.groupby(manifest(15, "ab")["group"]).first()
    assert "".join(name[:2] for name in by_group) == "trtrvatevatetetrtrtrtrvatetrte"


def test_three_groups_of_a_class_are_enough_for_three_sides():
    table = manifest(9, "abc").drop_duplicates("group")
    table = table.assign(label=["a", "b", "c"] * 3)
    for validation, test in [(0.2, 0.2), (0.1, 0.6), (0.45, 0.45)]:
        side = splits.train_validation_test(table, validation=validation, test=test)
        assert pd.crosstab(table.label, side).eq(1).all(axis=None)


def test_official_sides_are_kept():
    table = manifest()
    official = splits.train_validation_test(table, seed=9)
    pd.testing.assert_series_equal(splits.train_validation_test(table.assign(split=official)), official)
    without = splits.train_validation_test(table.assign(split=official), official=False)
    assert (without != official).any()


def test_a_validation_side_that_is_not_official_is_cut_from_the_training_side():
    table = manifest()
    official = splits.train_validation_test(table).replace("validation", "train")
    side = splits.train_validation_test(table.assign(split=official))
    assert (side[official == "test"] == "test").all()
    assert set(side[official == "train"]) == {"train", "validation"}
    assert (side.groupby(table["group"]).nunique() == 1).all()


def test_official_sides_that_leak_are_not_accepted():
    table = manifest().assign(split="train")
    table.iloc[-1, table.columns.get_loc("split")] = "test"
    assert table.group.iloc[-2] == table.group.iloc[-1]
    with pytest.raises(AssertionError, match="on two sides, train and test"):
        splits.train_validation_test(table)


def test_scores_without_classes_are_split_by_group_alone():
    table = manifest().assign(label="chorale")
    side = splits.train_validation_test(table, stratify=False)
    assert set(side) == set(splits.SIDES) and (side.groupby(table["group"]).nunique() == 1).all()
    assert len(splits.kfold(table, stratify=False)) == 5


BAD = {
    "one class": (lambda m: m.assign(label="reel"), "only one class, 'reel'.*stratify=False"),
    "empty class": (
        lambda m: m.assign(label=pd.Categorical(m.label, categories=["a", "b", "c", "polka"])),
        r"classes \['polka'\] have no items",
    ),
    "no label": (lambda m: m.assign(label=m.label.mask(m.group == 3)), "items have no label, the first is 'item0"),
    "no group": (lambda m: m.assign(group=m.group.mask(m.group == 3)), "items have no group, the first is 'item0"),
    "no column": (lambda m: m.drop(columns="group"), "no column 'group'. It has .*'label'"),
    "empty": (lambda m: m.iloc[:0], "manifest is empty"),
    "few groups": (
        lambda m: m[(m.label != "a") | m.group.isin([0, 5])],
        "class 'a' has 2 groups, and .* need at least .*Add recordings",
    ),
}


@pytest.mark.parametrize(("change", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_split_says_why(change, says):
    with pytest.raises(SplitError, match=says):
        splits.train_validation_test(change(manifest()))
    with pytest.raises(SplitError, match=says):
        splits.kfold(change(manifest()))


@pytest.mark.parametrize(("validation", "test"), [(0, 0.2), (0.2, 0), (0.5, 0.5), (-1, 0.5), (float("nan"), 0.2)])
def test_shares_that_leave_nothing(validation, test):
    with pytest.raises(SplitError, match="expected two shares above 0 that leave some to train"):
        splits.train_validation_test(manifest(), validation=validation, test=test)


def test_some_official_sides_are_neither_one_thing_nor_the_other():
    table = manifest()
    table.loc[table.group < 30, "split"] = "train"
    with pytest.raises(SplitError, match=r"items have no official side and the others have one.*official=False"):
        splits.train_validation_test(table)


@pytest.mark.parametrize(
    ("sides", "says"), [(["train"], "officially in test"), (["test", "validation"], "officially in train")]
)
def test_official_sides_without_a_test_or_training_side_are_no_split(sides, says):
    table = manifest()
    with pytest.raises(SplitError, match=rf"{says}\. Add that side, or pass official=False"):
        splits.train_validation_test(table.assign(split=np.array(sides)[table.group % len(sides)]))


def in_groups(**classes: str) -> pd.DataFrame:
    """One item for each letter: its group, under its class."""
    rows = [(label, group) for label, groups in classes.items() for group in groups]
    return pd.DataFrame(rows, columns=["label", "group"])


def test_groups_that_hold_several_classes_are_kept_whole():
    table = in_groups(reel="pqrs", jig="pqrs")
    side = splits.train_validation_test(table)
    assert pd.crosstab(table.label, side).gt(0).all(axis=None)
    assert (side.groupby(table["group"]).nunique() == 1).all()


def test_where_no_way_exists_that_is_said():
    # Three folds keep p, q, r apart and p, q, s apart, so r and s share one, and then polkas lack one.
    with pytest.raises(SplitError, match=r"No way was found to have every class in every part: .*Ask for fewer"):
        splits.kfold(in_groups(reel="pqr", jig="pqs", polka="rst"), 3)
    assert len(splits.kfold(in_groups(reel="pqr", jig="pqs", polka="rst"), 2)) == 2


# ---------------------------------------------------------------- folds


def test_every_item_is_tested_once_and_no_group_is_on_both_sides():
    table = manifest()
    pairs = splits.kfold(table, 4)
    assert sorted(np.concatenate([test for _, test in pairs])) == list(range(len(table)))
    for learn, test in pairs:
        assert not set(table.group.iloc[learn]) & set(table.group.iloc[test])
        assert set(table.label.iloc[test]) == set(table.label)


def test_folds_serve_scikit_learn():
    from sklearn.dummy import DummyClassifier
    from sklearn.model_selection import cross_val_score

    table = manifest(400)
    scores = cross_val_score(DummyClassifier(), np.zeros((len(table), 1)), table.label, cv=splits.kfold(table, 3))
    np.testing.assert_allclose(scores, (table.label == "c").mean(), atol=0.03)


@pytest.mark.parametrize("folds", [1, 0, -2, 2.5, "five"])
def test_a_number_of_folds_that_is_none(folds):
    with pytest.raises(SplitError, match="expected a whole number from 2"):
        splits.kfold(manifest(), folds)


# ---------------------------------------------------------------- disjoint


def test_a_leak_is_named():
    table = pd.DataFrame({"group": ["Kyrie", "Kyrie", "Gloria", "Gloria"], "split": ["train", "test", "", "test"]})
    with pytest.raises(AssertionError, match=r"The group 'Kyrie' is on two sides, train and test\. Keep"):
        splits.assert_disjoint(table)
    splits.assert_disjoint(table[1:])  # what is on no side leaks nothing
    with pytest.raises(AssertionError, match="and 1 more groups are on several sides"):
        splits.assert_disjoint(table.replace("", "validation"))


def test_nothing_to_assert_is_no_success():
    with pytest.raises(SplitError, match="No item has a side"):
        splits.assert_disjoint(manifest())
    with pytest.raises(SplitError, match="no column 'split'"):
        splits.assert_disjoint(manifest().drop(columns="split"))


def test_a_side_by_another_name_cannot_hide_a_leak():
    table = pd.DataFrame({"label": "ab", "group": ["Kyrie", "Kyrie"], "split": ["dev", "test"]})
    for use in (splits.assert_disjoint, splits.train_validation_test):
        with pytest.raises(SplitError, match=r"split holds 'dev'\. Expected train, validation, test, or nothing"):
            use(table)
    splits.assert_disjoint(table.assign(split=[None, "test"]))
