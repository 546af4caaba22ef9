"""The shape of the house: layers, small files, docstrings that lead to chapters, and no address out of place."""

import ast
import json
import re
import subprocess
from pathlib import Path

import jupytext
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "musiclib"
LAYERS = re.split(r"\s+→\s+", re.search(r"``(files → [^`]*)``", (PACKAGE / "__init__.py").read_text())[1])
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*_*.ipynb"))

MOST_LINES = 250  # of code: neither blank, nor comment, nor docstring
LONGER_FOR_A_REASON: dict[str, str] = {}  # path → why it is one thing all the same


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def layer(path: Path) -> str:
    """The layer that a file of the package belongs to: its own name, or its folder's."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def project_files() -> list[Path]:
    """Every file that git has or would take, which is what is published."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_top_of_the_tree_holds_what_the_house_is_made_of():
    """A sound of a trial or a downloaded wheel that was left there would be published."""
    folders = ".ci .github book data musiclib notebooks tests"
    project = "Makefile README.md CONTRIBUTING.md CHANGELOG.md CITATION.cff LICENSE .gitignore"
    settings = "_config.yml environment.yml pyproject.toml requirements.lock"
    found = {path.relative_to(ROOT).parts[0] for path in project_files()}
    assert found == {*folders.split(), *project.split(), *settings.split()}


def text_files() -> dict[str, str]:
    texts = {}
    for path in project_files():
        data = path.read_bytes()
        if b"\0" not in data:
            texts[relative(path)] = data.decode()
    return texts


# ---------------------------------------------------------------- layers


def musiclib_imports(path: Path) -> set[str]:
    """The layers that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("musiclib.")}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}: import from musiclib by its full name"
            if node.module == "musiclib":
                found |= {a.name for a in node.names}
            elif node.module.startswith("musiclib."):
                found.add(node.module.split(".")[1])
    return found


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_layer_imports_one_to_its_right(path):
    assert layer(path) in LAYERS, f"musiclib/__init__.py does not say where the layer {layer(path)} stands"
    here = LAYERS.index(layer(path))
    to_the_right = {i for i in musiclib_imports(path) if LAYERS.index(i) > here}
    assert not to_the_right, f"{relative(path)} imports {to_the_right}, which stand to its right in {LAYERS}"


def test_every_layer_that_is_named_is_there():
    assert {layer(p) for p in MODULES} == set(LAYERS)


# ---------------------------------------------------------------- files and docstrings


def code_lines(text: str) -> int:
    """Lines that are neither blank, nor comment, nor docstring."""
    skipped = set()
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            skipped |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(1 for n, line in lines if line.strip() and not line.strip().startswith("#") and n not in skipped)


def test_no_file_is_longer_than_one_can_take_in():
    texts = text_files().items()
    # A test file is a list that nobody reads from top to bottom.
    lengths = {n: code_lines(text) for n, text in texts if n.endswith(".py") and not n.startswith("tests/")}
    assert len(lengths) > len(MODULES)
    too_long = {n: length for n, length in lengths.items() if length > MOST_LINES and n not in LONGER_FOR_A_REASON}
    assert not too_long, f"split these, or say in LONGER_FOR_A_REASON why not: {too_long}"
    short = [n for n in LONGER_FOR_A_REASON if lengths.get(n, 0) <= MOST_LINES]
    assert not short, f"these are short enough and need no reason: {short}"


def public_functions() -> list[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """(layer.name, node) of everything public that a file of the package defines."""
    return [
        (f"{layer(path)}.{node.name}", node)
        for path in MODULES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]


def test_every_public_function_has_a_docstring():
    assert len(public_functions()) > 40
    assert [name for name, node in public_functions() if not ast.get_docstring(node)] == []


def taught() -> list[tuple[str, str]]:
    """(layer.name, chapter) of each *Taught in:* of the package's docstrings."""
    pairs = []
    for name, node in public_functions():
        for line in re.findall(r"Taught in: (.*)", ast.get_docstring(node) or ""):
            pairs += [(name, chapter.strip(" .")) for chapter in line.split(",")]
    return pairs


@pytest.mark.parametrize(("function", "chapter"), taught())
def test_the_chapter_that_teaches_a_function_is_there_and_uses_it(function, chapter):
    path = ROOT / "notebooks" / f"{chapter}.md"
    assert path.is_file(), f"{function} says it is taught in {chapter}, and there is no {relative(path)}"
    mentioned = re.search(rf"\b{re.escape(function)}\b", path.read_text())
    assert mentioned, f"{function} says it is taught in {chapter}, which does not mention it"


def code_of(notebook: Path) -> str:
    """All code cells of a chapter, without the lines that are not Python."""
    cells = json.loads(notebook.read_text())["cells"]
    lines = [line for c in cells if c["cell_type"] == "code" for line in "".join(c["source"]).splitlines()]
    return "\n".join(re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in lines)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_all_that_a_chapter_takes_from_musiclib_is_public_and_there(chapter):
    known = {name for name, _ in public_functions()}
    for path in MODULES:
        constants = re.findall(r"^([A-Z][A-Z0-9_]*)\b.* = ", path.read_text(), flags=re.MULTILINE)
        known |= {f"{layer(path)}.{constant}" for constant in constants}
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(code_of(chapter)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in LAYERS
    }
    assert used, f"{chapter.name} uses nothing of musiclib"
    assert used <= known, f"{chapter.name} uses {sorted(used - known)}, which musiclib does not offer"


# ---------------------------------------------------------------- addresses


def outside_setup_cells(name: str, text: str) -> str:
    """A chapter without its set-up cells, the only ones that may name the repository; any other file as it is."""
    if not name.startswith("notebooks/") or not name.endswith((".md", ".ipynb")):
        return text
    cells = jupytext.reads(text, fmt=name.rsplit(".", 1)[1]).cells
    return "\n".join(c.source for c in cells if "setup" not in c.metadata.get("tags", []))


def test_the_repositorys_address_stands_in_one_place():
    """A fork changes _config.yml and runs `make sync`, which brings the chapters' set-up cells into step."""
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    slug = "/".join(url.rstrip("/").split("/")[-2:])
    texts = text_files()
    assert url in texts["_config.yml"]
    strays = [name for name, text in texts.items() if name != "_config.yml" and slug in outside_setup_cells(name, text)]
    assert strays == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapters_set_up_installs_from_this_repository(chapter):
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    cells = json.loads(chapter.read_text())["cells"]
    [setup] = ["".join(c["source"]) for c in cells if "setup" in c["metadata"].get("tags", [])]
    assert f"git+{url}" in setup, f"{chapter.name} installs from elsewhere: run make sync"


def test_no_file_names_a_package_registry():
    hosts = [f"{name}.org" for name in ("py" + "pi", "pythonhosted", "ana" + "conda")] + ["npm" + "js.com"]
    found = {name: host for name, text in text_files().items() for host in hosts if host in text}
    assert found == {}
