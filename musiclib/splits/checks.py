"""What a manifest must have before it can be split, and what must be said of it."""

import warnings

import pandas as pd

SIDES = ("train", "validation", "test")
_JOINED = "+"  # between the names of an item that has several, as in the manifests of mixes and IRMAS
_NAMED = 5  # classes that a message lists


class SplitError(ValueError):
    """A split that cannot be made. The message says what stands in the way and what to do."""


def check_complete(manifest: pd.DataFrame, column: str) -> None:
    """Nothing, if every item has this column; else a SplitError that says how many lack it."""
    if column not in manifest.columns:
        raise SplitError(f"The manifest has no column {column!r}. It has {list(manifest.columns)}.")
    missing = manifest.index[manifest[column].isna()]
    if len(missing):
        raise SplitError(
            f"{len(missing)} items have no {column}, the first is {missing[0]!r}. Give each one a {column}."
        )


def checked(manifest: pd.DataFrame, stratify: bool) -> pd.DataFrame:
    """The manifest, if it can be split; with one label for all where labels are of no account."""
    if len(manifest) == 0:
        raise SplitError("The manifest is empty. Expected items to split.")
    check_complete(manifest, "group")
    if not stratify:
        return manifest.assign(label="any")
    check_complete(manifest, "label")
    labels = manifest["label"]
    if isinstance(labels.dtype, pd.CategoricalDtype):
        empty = [c for c in labels.cat.categories if c not in set(labels)]
        if empty:
            raise SplitError(f"The classes {empty} have no items. Add some, or remove these categories.")
    if labels.nunique() < 2:
        raise SplitError(
            f"There is only one class, {labels.iloc[0]!r}. Expected at least two to tell apart; "
            "pass stratify=False where there is nothing to tell apart."
        )
    return manifest


def check_groups(manifest: pd.DataFrame, needed: int, what: str) -> None:
    """Nothing, if each class has at least ``needed`` groups; else a SplitError that names one that has not."""
    groups = manifest.groupby("label", observed=True)["group"].nunique()
    if groups.min() < needed:
        raise SplitError(
            f"The class {groups.idxmin()!r} has {groups.min()} groups, and {what} need at least {needed} of each "
            "class. Add recordings, ask for less, or leave the class out."
        )


def placed(manifest: pd.DataFrame) -> pd.Series:
    """Which items have a side. A name that is none of the three would hide a leak, so it is an error."""
    known = manifest["split"].isin(SIDES)
    others = manifest.loc[~known & manifest["split"].notna() & (manifest["split"] != ""), "split"]
    if len(others):
        raise SplitError(
            f"The column split holds {others.iloc[0]!r}. Expected {', '.join(SIDES)}, or nothing: rename the sides."
        )
    return known


def has_sides(manifest: pd.DataFrame) -> bool:
    """Whether the manifest names official sides."""
    if "split" not in manifest.columns:
        return False
    named = placed(manifest)
    if not named.any():
        return False
    if not named.all():
        raise SplitError(
            f"{int((~named).sum())} items have no official side and the others have one, the first is "
            f"{manifest.index[~named][0]!r}. Leave them out, or pass official=False to make new sides for all."
        )
    lacking = [side for side in ("train", "test") if side not in set(manifest["split"])]
    if lacking:
        raise SplitError(
            f"No item is officially in {' or '.join(lacking)}. Add that side, or pass official=False to make new sides."
        )
    return True


def check_learnable(manifest: pd.DataFrame) -> None:
    """Say which classes an official split asks about and never shows, or shows and never asks about.

    What is asked about and never shown is always wrong, so that every number would look worse than the model is: an
    error. What is shown and never asked about only leaves a gap in the numbers: a warning.
    """
    table = pd.DataFrame(
        {"label": manifest["label"].astype(str).str.split(_JOINED, regex=False), "split": manifest["split"]}
    )
    table = table.reset_index(drop=True).explode("label", ignore_index=True)
    counts = pd.crosstab(table["label"], table["split"]).reindex(columns=list(SIDES), fill_value=0)
    judged = counts[counts["train"] == 0]
    if len(judged):
        raise SplitError(
            f"{len(judged)} classes have nothing to train on in the official split: {_counted(judged)}. Leave these "
            "items out, pass official=False to make new sides, or stratify=False where no class is to be named."
        )
    for side in ("validation", "test"):
        unseen = counts[counts[side] == 0]
        if len(unseen) and counts[side].any():
            warnings.warn(
                f"{len(unseen)} classes have nothing in the official {side} side, so that it says nothing of them: "
                f"{_counted(unseen)}.",
                stacklevel=3,
            )


def _counted(counts: pd.DataFrame) -> str:
    rows = [
        f"{name!r} ({', '.join(f'{side} {n}' for side, n in row.items())})"
        for name, row in counts.head(_NAMED).iterrows()
    ]
    return ", ".join(rows) + (f" and {len(counts) - _NAMED} more" if len(counts) > _NAMED else "")
