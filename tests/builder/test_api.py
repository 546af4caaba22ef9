"""The pages of the package: what is public stands there by itself, with links to the chapters that teach it."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from test_structure import LAYERS, public_functions, taught

from book.builder.site import api, assemble, render, sphinx_api, sphinx_pages
from musiclib import files

ROOT = Path(__file__).resolve().parents[2]
PAGES = api.pages(ROOT)
PUBLIC = [name for name, _ in public_functions()]

START = '''"""A package.

``first → second``
"""
'''
FIRST = '''"""The first layer. More on it."""


def shown(x, *args):
    """|X|² of `x`, in 2**bits steps. And more.

    Parameters
    ----------
    x : array, shape (N,); a | b
    args, other : both of
        these

    Returns
    -------
    float, shape (N,)

    Notes
    -----
    Taught in: 01_one, 02_two
    """


def _hidden():
    """Nobody's business."""


class FirstError(ValueError):
    """It went wrong."""
'''
SECOND = {
    "__init__": '''"""The second layer."""

from musiclib.second.part import offered

__all__ = ["offered"]
REGISTRY = {"a set": "musiclib.second.part:loader"}
''',
    "part": '''"""A part of it."""


def offered():
    """For everybody."""


def loader():
    """Reached by name."""


def inner():
    """For the package."""
''',
}


class Played(NamedTuple):
    """What is played."""

    rate: float  # onsets a second
    level: float = -20.0  # dB: |y|
    seed: int = 0


@pytest.fixture
def root(tmp_path):
    """A project with a package of two layers, a file and a folder."""
    folder = tmp_path / "musiclib"
    (folder / "second").mkdir(parents=True)
    (folder / "__init__.py").write_text(START)
    (folder / "first.py").write_text(FIRST)
    for name, text in SECOND.items():
        (folder / "second" / f"{name}.py").write_text(text)
    return tmp_path


def shown_on(page: str) -> list[str]:
    return re.findall(r"^\.\. auto(?:function|class|exception):: musiclib\.(\S+)$", page, flags=re.MULTILINE)


# ---------------------------------------------------------------- this package


@pytest.mark.parametrize("layer", LAYERS)
def test_everything_public_in_a_layer_has_one_entry_on_its_page(layer):
    names = [name for name in PUBLIC if name.startswith(f"{layer}.")]
    entries = shown_on(PAGES[f"api/{layer}.md"])
    assert len(entries) == len(set(entries))
    assert sorted(f"{layer}.{entry.split('.')[-1]}" for entry in entries) == sorted(names)


@pytest.mark.parametrize("name", ["audio.load", "features.stft", "datasets.load", "models.crnn", "page.player"])
def test_what_chapters_use_bears_the_name_by_which_they_use_it(name):
    page = PAGES[f"api/{name.split('.')[0]}.md"]
    assert name in shown_on(page.split(api.INSIDE)[0])


def test_the_overview_has_all_layers_in_their_order_and_their_own_words_on_each():
    page = PAGES["api/index.md"]
    assert re.findall(r":doc:`\w+ <(\w+)>`", page) == LAYERS
    assert "Sound as an array: reading, writing, resampling, levels and quantization." in page
    assert ":py:obj:`stft <musiclib.features.stft>`" in page
    assert list(PAGES) == ["api/index.md", *(f"api/{layer}.md" for layer in LAYERS)]


def test_the_contents_lead_to_every_page():
    toc = {"chapters": [{"file": "data/index"}, {"file": "api/index"}]}
    listed = assemble.with_sections(toc, api.PAGE, ["api/audio", "api/plot"])
    assert listed["chapters"][1] == {"file": "api/index", "sections": [{"file": "api/audio"}, {"file": "api/plot"}]}
    assert "sections" not in listed["chapters"][0]


@pytest.mark.parametrize("name", [*PAGES, "data/index.md", "data/gtzan.md", "notebooks/03_stft.md", "glossary.md"])
def test_the_button_that_suggests_an_edit_leads_to_a_file_that_is_there(name):
    assert (ROOT / sphinx_pages.source_path(name.removesuffix(".md"))).is_file()


# ---------------------------------------------------------------- any package


def test_a_new_function_appears_by_itself_and_changes_what_the_rendered_pages_are_kept_by(root):
    (root / "_config.yml").write_text("")
    before = render.inputs_key(root, root, [], "")
    path = root / "musiclib" / "first.py"
    path.write_text(FIRST + '\n\ndef added():\n    """Something new."""\n')
    page = api.pages(root)["api/first.md"]
    assert shown_on(page) == ["first.shown", "first.FirstError", "first.added"]
    assert ":py:obj:`added <musiclib.first.added>`\n     - Something new." in page
    assert render.inputs_key(root, root, [], "") != before
    path.write_text(FIRST)
    assert render.inputs_key(root, root, [], "") == before
    path.write_text(FIRST.replace("The first layer.", "A layer that says more."))
    assert render.inputs_key(root, root, [], "") != before


def test_what_a_layer_offers_stands_before_what_the_package_uses_inside(root):
    offered, inside = api.pages(root)["api/second.md"].split(api.INSIDE)
    assert shown_on(offered) == ["second.offered", "second.part.loader"]
    assert shown_on(inside) == ["second.part.inner"]
    assert api.INSIDE not in api.pages(root)["api/first.md"]


def test_a_layer_that_imports_when_asked_offers_its_files_functions_and_what_it_names(root):
    folder = root / "musiclib" / "second"
    (folder / "__init__.py").write_text('"""Lazy."""\n\n_ALSO = ("inner",)\n\n\ndef __getattr__(name):\n    ...\n')
    (folder / "net.py").write_text(
        '"""A net."""\n\n\ndef net():\n    """It."""\n\n\ndef helps():\n    """It helps."""\n'
    )
    offered, inside = api.pages(root)["api/second.md"].split(api.INSIDE)
    assert shown_on(offered) == ["second.net", "second.inner"]
    assert shown_on(inside) == ["second.net.helps", "second.part.offered", "second.part.loader"]


def test_a_package_that_cannot_be_shown_is_named(root):
    (root / "musiclib" / "first.py").write_text("def broken(:\n")
    with pytest.raises(api.ApiError, match=r"first\.py:1 is no Python"):
        api.pages(root)
    (root / "musiclib" / "first.py").unlink()
    with pytest.raises(api.ApiError, match=r"names the layer first, and there is no .*first\.py"):
        api.pages(root)
    (root / "musiclib" / "__init__.py").write_text('"""No order."""\n')
    with pytest.raises(api.ApiError, match="in which order"):
        api.pages(root)
    shutil.rmtree(root / "musiclib")
    assert api.pages(root) == {}


# ---------------------------------------------------------------- docstrings


@pytest.mark.parametrize(
    ("written", "rst"),
    [
        ("|X|² in 2**bits", r"\|X\|² in 2\*\*bits"),
        ("``a | b`` and :func:`a|b`", "``a | b`` and :func:`a|b`"),
        ("a `name` in *words*", "a ``name`` in *words*"),
        ("as in doi:10.1109/X.2017.1.", "as in `doi:10.1109/X.2017.1 <https://doi.org/10.1109/X.2017.1>`__."),
        ("arXiv:1706.04599", "`arXiv:1706.04599 <https://arxiv.org/abs/1706.04599>`__"),
    ],
)
def test_a_docstring_is_shown_as_it_is_written(written, rst):
    assert api.to_rst(written) == rst


def docstring(thing, *, what="function", chapters=()) -> str:
    """A docstring as Sphinx has it once this book and napoleon have read it, without what napoleon does."""
    app = SimpleNamespace(env=SimpleNamespace(found_docs={f"notebooks/{name}" for name in chapters} | {"api/audio"}))
    lines = [line.removeprefix("    ") for line in thing.__doc__.split("\n")]
    sphinx_api.before_napoleon(app, what, "name", thing, None, lines)
    text = "\n".join(lines).replace("Notes\n-----\n", ".. rubric:: Notes\n\n")
    lines = text.split("\n")
    sphinx_api.after_napoleon(app, what, "name", thing, None, lines)
    return "\n".join(lines)


def written(name: str):
    """What `FIRST` defines under this name."""
    scope: dict = {}
    exec(FIRST, scope)
    return scope[name]


def test_what_is_said_of_a_parameter_stands_below_its_name():
    text = docstring(written("shown"))
    assert "x\n    array, shape (N,); a \\| b\nargs, other\n    both of\n    these\n" in text
    assert "Returns\n-------\n:\n    float, shape (N,)\n" in text


def test_taught_in_leads_to_the_chapters_that_are_there_and_leaves_no_empty_notes():
    text = docstring(written("shown"), chapters=["01_one"])
    assert text.rstrip().endswith("Taught in: :doc:`/notebooks/01_one`, ``02_two``")
    assert "Notes" not in text


def test_every_chapter_that_the_package_names_can_be_linked():
    chapters = {path.stem for path in (ROOT / "notebooks").glob("*.md")}
    assert taught() and {chapter for _, chapter in taught()} <= chapters


def test_comments_beside_fields_are_told_and_links_lead_to_other_layers():
    text = docstring(Played, what="class")
    assert "Attributes\n----------\nrate\n    onsets a second\nlevel\n    dB: \\|y\\|\n" in text
    thing = SimpleNamespace(__doc__="As ``audio.load``, not ``other.load`` or ``audio.load(x)``.")
    assert docstring(thing) == "As :py:obj:`audio.load`, not ``other.load`` or ``audio.load(x)``."


def test_the_source_of_a_function_is_linked_with_its_line():
    assert files.home
    link = sphinx_api.source_line("py", {"module": "musiclib.files", "fullname": "home"})
    path, line = re.fullmatch(r"(musiclib/files\.py)#L(\d+)-L\d+", link).groups()
    assert (ROOT / path).read_text().splitlines()[int(line) - 1].startswith("def home(")
    assert sphinx_api.source_line("py", {"module": "musiclib.files", "fullname": "nothing"}) is None
