"""What a notebook page needs: profile, figures, players, sliders, scores, checks of exercises, findings, sources."""

from musiclib.page.exercise import case, check, exercise
from musiclib.page.explore import Frame, explore
from musiclib.page.figure import show
from musiclib.page.finding import agrees, finding
from musiclib.page.follow import follow
from musiclib.page.longer_run import keep_run, kept_model, kept_run, longer_run
from musiclib.page.profile import PROFILES, begin, choose
from musiclib.page.record import measured, record
from musiclib.page.results import results
from musiclib.page.score import score
from musiclib.page.sound import compare, player
from musiclib.page.source import source

__all__ = [
    "PROFILES",
    "Frame",
    "agrees",
    "begin",
    "case",
    "check",
    "choose",
    "compare",
    "exercise",
    "explore",
    "finding",
    "follow",
    "keep_run",
    "kept_model",
    "kept_run",
    "longer_run",
    "measured",
    "player",
    "record",
    "results",
    "score",
    "show",
    "source",
]
