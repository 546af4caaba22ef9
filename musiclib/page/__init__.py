"""What a notebook page needs: profile, figures, players, sliders, exercise checks, recorded figures."""

from musiclib.page.exercise import case, check, exercise
from musiclib.page.explore import Frame, explore
from musiclib.page.figure import show
from musiclib.page.profile import PROFILES, begin, choose
from musiclib.page.record import measured, record
from musiclib.page.sound import compare, player

__all__ = [
    "PROFILES",
    "Frame",
    "begin",
    "case",
    "check",
    "choose",
    "compare",
    "exercise",
    "explore",
    "measured",
    "player",
    "record",
    "show",
]
