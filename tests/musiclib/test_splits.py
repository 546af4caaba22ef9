"""musiclib.splits: groups stay together, classes are on every side."""

import warnings

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


@pytest.mark.filterwarnings("ignore:Whole groups do not give")
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
    assert "".join(name[:2] for name in by_group) == "trtetevatevavatrtrtrtrtrvavatr"


@pytest.mark.filterwarnings("ignore:Whole groups do not give")
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


def of_sizes(**classes: list[int]) -> pd.DataFrame:
    """Groups of one class each, of these numbers of items."""
    rows = [(label, f"{label}{i}") for label, sizes in classes.items() for i, n in enumerate(sizes) for _ in range(n)]
    return pd.DataFrame(rows, columns=["label", "group"])


def shares(table: pd.DataFrame, side: pd.Series) -> pd.DataFrame:
    """What part of each class is on each side."""
    return pd.crosstab(side, table.label, normalize="columns").reindex(list(splits.SIDES))


def test_a_class_with_few_groups_does_not_bound_the_shares_of_the_others():
    table = of_sizes(few=[1] * 3, b=[1] * 100, c=[2] * 100)
    with pytest.warns(UserWarning, match=r"'few' train 0.33, validation 0.33, test 0.33 \(3 groups") as said:
        side = splits.train_validation_test(table)
    assert len(said) == 1 and "'b'" not in str(said[0].message)
    np.testing.assert_allclose(shares(table, side)[["b", "c"]], [[0.6] * 2, [0.2] * 2, [0.2] * 2])


def test_a_group_that_is_most_of_its_class_is_learned_from_and_that_is_said():
    table = of_sizes(giant=[90, 2, 2, 2, 2, 2], even=[5] * 20)
    with pytest.warns(UserWarning, match=r"train 0.60, validation 0.20, test 0.20. Of the.* the largest 0.90 of it"):
        side = splits.train_validation_test(table)
    np.testing.assert_allclose(shares(table, side).even, [0.6, 0.2, 0.2])
    assert shares(table, side).giant["train"] == pytest.approx(0.9)
    with pytest.warns(UserWarning, match=r"0.50 in a fold. Of the class's items: 'giant' 0.10 to 0.90 in a fold"):
        pairs = splits.kfold(table, 2)
    assert {len(test) for _, test in pairs} == {60, 140}


@settings(max_examples=8)
@given(st.lists(st.lists(st.integers(1, 30), min_size=8, max_size=30), min_size=2, max_size=3), st.integers(0, 9))
def test_each_class_is_as_near_to_its_shares_as_its_largest_group_allows(sizes, seed):
    table = of_sizes(**dict(zip("abc", sizes, strict=False)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        side = splits.train_validation_test(table, seed=seed)
    assert (side.groupby(table.group).nunique() == 1).all()
    assert shares(table, side).gt(0).all(axis=None)
    for label, groups in zip("abc", sizes, strict=False):
        off = (shares(table, side)[label] - [0.6, 0.2, 0.2]).abs().max()
        assert off <= 0.1 + 1e-6 or off <= max(groups) / sum(groups)


@pytest.mark.filterwarnings("ignore:Whole groups do not give")
@pytest.mark.parametrize("seed", range(3))
def test_groups_of_several_classes_are_near_their_shares_or_nearer_than_by_chance(seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(40), rng.integers(1, 12, 40) + 60 * (np.arange(40) == 0))
    table = pd.DataFrame({"label": rng.choice(list("abcd"), len(groups), p=[0.5, 0.3, 0.1, 0.1]), "group": groups})

    def distance(side):
        return float(((shares(table, pd.Series(side)).to_numpy() - [[0.6], [0.2], [0.2]]) ** 2).sum())

    side = splits.train_validation_test(table, seed=seed)
    assert (side.groupby(table.group).nunique() == 1).all() and shares(table, side).gt(0).all(axis=None)
    chance = [distance(rng.choice(splits.SIDES, 40, p=[0.6, 0.2, 0.2])[groups]) for _ in range(100)]
    near = np.abs(shares(table, side).to_numpy() - [[0.6], [0.2], [0.2]]).max() <= 0.1 + 1e-6
    assert near or distance(side) < min(chance)


def test_what_is_searched_for_does_not_depend_on_the_order_of_rows():
    table = of_sizes(giant=[90, 4, 3, 2, 2, 2, 1], even=[5] * 20)
    with pytest.warns(UserWarning, match="giant"):
        side = splits.train_validation_test(table, seed=1)
        shuffled = splits.train_validation_test(table.sample(frac=1, random_state=3), seed=1)
    pd.testing.assert_series_equal(shuffled.sort_index(), side)


def test_shares_that_are_met_are_not_talked_about():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splits.train_validation_test(manifest())
        splits.kfold(manifest(), 5)


# ---------------------------------------------------------------- official sides and their classes


def with_sides(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """(label, side, how many groups of one item)."""
    items = [(label, f"{label} {side} {i}", side) for label, side, n in rows for i in range(n)]
    return pd.DataFrame(items, columns=["label", "group", "split"])


def test_a_class_that_is_asked_about_and_never_shown_stops_the_split():
    table = with_sides(("reel", "train", 4), ("jig", "train", 4), ("reel", "test", 2), ("polka", "test", 3))
    says = r"1 classes have nothing to train on in the official split: 'polka' \(train 0, validation 0, test 3\)"
    with pytest.raises(SplitError, match=says):
        splits.train_validation_test(table)
    assert set(splits.train_validation_test(table, stratify=False)) == set(splits.SIDES)


def test_a_class_that_is_never_asked_about_is_named():
    table = with_sides(("reel", "train", 4), ("jig", "train", 4), ("reel", "test", 2))
    with pytest.warns(UserWarning, match=r"nothing in the official test side.*'jig' \(train 4, validation 0, test 0\)"):
        assert set(splits.train_validation_test(table)) == set(splits.SIDES)


def test_an_item_with_several_names_asks_about_each():
    table = with_sides(("reel", "train", 4), ("jig", "train", 4), ("jig+reel", "test", 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splits.train_validation_test(table)
    with pytest.raises(SplitError, match="'polka'"):
        splits.train_validation_test(table.replace("jig+reel", "jig+polka"))


@pytest.mark.filterwarnings("ignore:Whole groups do not give")
def test_groups_that_hold_several_classes_are_kept_whole():
    table = in_groups(reel="pqrs", jig="pqrs")
    side = splits.train_validation_test(table)
    assert pd.crosstab(table.label, side).gt(0).all(axis=None)
    assert (side.groupby(table["group"]).nunique() == 1).all()


@pytest.mark.filterwarnings("ignore:Whole groups do not give")
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
