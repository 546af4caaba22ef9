"""Every chapter has the anatomy that its readers count on, in its source and in what its run puts on the page."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.md"))
RECORD = "application/vnd.musiclib.record+json"
CHECK = "application/vnd.musiclib.check+json"
LAST_SECTIONS = ["Try it", "Quiz", "What you measured", "Take away", "Further reading"]

pytestmark = pytest.mark.parametrize("name", CHAPTERS)


@pytest.fixture
def source(name):
    return jupytext.read(ROOT / "notebooks" / f"{name}.md")


@pytest.fixture
def prose(source):
    return "\n\n".join(cell.source for cell in source.cells if cell.cell_type == "markdown")


@pytest.fixture
def executed(name, book_build):
    return nbformat.read(book_build / "executed" / f"{name}.ipynb", as_version=4)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def outputs(cells, mime):
    return [o.data[mime] for c in cells for o in c.get("outputs", []) if mime in o.get("data", {})]


def test_opens_with_what_one_will_learn(prose):
    head = prose[: prose.index("\n## ")]
    assert head.startswith("# ")
    able = re.search(r"\*\*You will be able to\*\*\n\n((?:- .+\n?)+)", head)
    assert able and 3 <= able[1].count("- ") <= 5
    assert "**You need**" in head
    assert '**Time** <span class="build-time">' in head


def test_is_heard_first_and_ends_with_practice(prose):
    sections = re.findall(r"^## (.+)$", prose, flags=re.MULTILINE)
    assert sections[0] == "Hear it first"
    assert sections[-5:] == LAST_SECTIONS
    assert re.search(r"doi\.org/10\.", prose[prose.index("## Further reading") :])


def test_first_sound_comes_before_the_first_formula(executed):
    formula = next(i for i, c in enumerate(executed.cells) if c.cell_type == "markdown" and "$$" in c.source)
    heard = next(i for i, c in enumerate(executed.cells) if any("<audio" in h for h in outputs([c], "text/html")))
    assert heard < formula


def test_set_up_is_every_chapters(source):
    first = jupytext.read(ROOT / "notebooks" / f"{CHAPTERS[0]}.md")
    assert [c.source for c in tagged(source, "setup")] == [tagged(first, "setup")[0].source]
    assert tagged(source, "setup")[0].source.count("%pip install") == 1
    code = [c for c in source.cells if c.cell_type == "code"]
    assert [c.metadata["tags"] for c in code[:2]] == [["setup"], ["parameters"]]
    assert code[1].source.startswith('profile = "quick"')
    assert "\nseed = 0" in code[1].source


def test_text_is_plain_markdown(source):
    for cell in source.cells:
        if cell.cell_type == "markdown":
            assert "```{" not in cell.source, "a MyST directive, which Colab and GitHub show as it is"


def test_links_lead_somewhere(prose):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", prose):
        made = target in ("../book/pages/results.md", "../book/pages/status.md")  # by the build
        assert made or (ROOT / "notebooks" / target).is_file(), target


def test_exercises_have_folded_solutions(source):
    stubs, solutions = tagged(source, "exercise"), tagged(source, "solution")
    assert len(stubs) == len(solutions) >= 3
    for solution in solutions:
        assert "hide-cell" in solution.metadata["tags"]  # in the book
        assert solution.metadata["jupyter"]["source_hidden"] is True  # in JupyterLab
        assert solution.metadata["cellView"] == "form"  # on Colab
        assert solution.source.startswith("# @title Solution")
    order = [t for c in source.cells for t in c.metadata.get("tags", []) if t in ("exercise", "solution")]
    assert order == ["exercise", "solution"] * len(stubs)


def test_stubs_fail_and_solutions_pass(executed):
    stubs = outputs(tagged(executed, "exercise"), CHECK)
    solutions = outputs(tagged(executed, "solution"), CHECK)
    assert [c["passed"] for c in stubs] == [False] * len(stubs)
    assert [c["passed"] for c in solutions] == [True] * len(solutions)
    assert [c["exercise"] for c in stubs] == [c["exercise"] for c in solutions]
    for cell in tagged(executed, "exercise"):
        assert "..." in cell.source, "the stub gives its answer away"


def test_quiz_explains_every_answer(prose):
    quiz = prose[prose.index("## Quiz") : prose.index("## What you measured")]
    questions = re.findall(r"^\*\*.+\?\*\*$", quiz, flags=re.MULTILINE)
    assert 2 <= len(questions) <= 3
    answers = re.findall(r"<details><summary>(.+?)</summary>(.+?)</details>", quiz)
    assert len(answers) >= 2 * len(questions)
    assert all(len(explanation) > 20 for _, explanation in answers)


def test_enough_to_hear_and_to_move(executed):
    html = outputs(executed.cells, "text/html")
    assert sum(h.count("<audio") for h in html if "dlm-player" in h or "dlm-compare" in h) >= 6
    assert sum('<div class="dlm-explore"' in h for h in html) >= 2


def test_every_recorded_figure_is_shown(executed):
    recorded = [r["name"] for r in outputs(executed.cells, RECORD)]
    assert recorded
    table = next(h for h in outputs(executed.cells, "text/html") if h.startswith('<table class="dlm-measured"'))
    assert table.count('<th scope="row">') == len(recorded)
