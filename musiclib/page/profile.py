"""How much a chapter does: in seconds for a test, in minutes on a laptop, or in full."""

from typing import TypeVar

import numpy as np

from musiclib import plot

PROFILES = ("smoke", "quick", "full")
T = TypeVar("T")


def begin(profile: str, *, seed: int = 0) -> np.random.Generator:
    """Start a chapter: check the profile, set the figures' style, and make the chapter's random generator.

    Parameters
    ----------
    profile : "smoke" (seconds, for tests), "quick" (two CPU cores, minutes) or "full" (a GPU, the real data set)
    seed : the same seed gives the same page

    Raises
    ------
    ValueError
        If the profile is unknown.
    """
    _known(profile)
    plot.use_style()
    return np.random.default_rng(seed)


def choose(profile: str, *, smoke: T, quick: T, full: T | None = None) -> T:
    """The value for this profile; ``full`` is ``quick``'s where it is not given.

    Raises
    ------
    ValueError
        If the profile is unknown.
    """
    _known(profile)
    return {"smoke": smoke, "quick": quick, "full": quick if full is None else full}[profile]


def _known(profile: str) -> None:
    if profile not in PROFILES:
        raise ValueError(f"profile={profile!r}: expected one of {', '.join(PROFILES)}.")
