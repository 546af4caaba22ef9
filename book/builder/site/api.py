"""The pages of the package: for each layer what it offers, and one page with all layers in their order.

What there is to show is read from the source files, so that a new function appears by itself and nothing is imported
here. The pages hold Sphinx directives; `sphinx_api` is the extension that has the docstrings put in their places.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from book.builder.chapters import BookError

PACKAGE = "musiclib"
PAGE = "api/index"  # the page with all layers
ORDER = re.compile(r"``(\w+ → [^`]*)``")  # how musiclib/__init__.py says in which order its layers stand
ENTRY_POINT = re.compile(rf"\"({PACKAGE}[\w.]*):(\w+)\"")  # how a layer names a function that it imports when asked to
SENTENCE = re.compile(r"(?<=[.!?])\s")
IDENTIFIER = re.compile(r"\b(doi:10\.\S+?|arXiv:\d{4}\.\d{4,5})(?=[.,;:)]*(?:\s|$))")  # of a publication
RESOLVERS = {"doi": "https://doi.org/", "arXiv": "https://arxiv.org/abs/"}
CODE_OR_ROLE = re.compile(r"(:[\w:]+:`[^`]*`|``.+?``)", re.DOTALL)

INTRODUCTION = """# The package

What more than one chapter needs is in `musiclib`, one layer for each step that music takes from a file to a result.
They stand here in their order: none uses one below it. `from musiclib import audio` brings a layer in.
"""
INSIDE = """
## Inside the package

Used by other parts of the package.
"""


class ApiError(BookError):
    """A package that cannot be shown; the message says which file and what it lacks."""


@dataclass(frozen=True)
class Entry:
    """A public function or class."""

    name: str  # in full, as a reader reaches it: musiclib.features.stft
    directive: str  # of Sphinx, which shows it
    summary: str  # the first sentence of its docstring
    offered: bool  # by its layer to everybody, or only used inside the package

    def rst(self) -> str:
        options = "   :members:\n" if self.directive == "autoclass" else "   :show-inheritance:\n"
        return f".. {self.directive}:: {self.name}\n{'' if self.directive == 'autofunction' else options}"


@dataclass(frozen=True)
class Layer:
    """A file of the package, or a folder of files, with what is public in it."""

    name: str
    summary: str
    entries: list[Entry]

    @property
    def offered(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.offered]

    @property
    def inside(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.offered]


def sources(root: Path) -> list[Path]:
    """The files of the package."""
    return sorted((root / PACKAGE).rglob("*.py"))


def pages(root: Path) -> dict[str, str]:
    """The pages of the site that are made from the package, as Markdown: that with all layers first."""
    found = layers(root)
    if not found:
        return {}
    return {f"{PAGE}.md": overview(found)} | {f"api/{layer.name}.md": layer_page(layer) for layer in found}


def layers(root: Path) -> list[Layer]:
    """The layers in the order in which the package says that they stand."""
    start = root / PACKAGE / "__init__.py"
    if not start.is_file():
        return []
    order = ORDER.search(parse(start)[1])
    if not order:
        raise ApiError(f"{start} does not say in which order the layers stand: ``first → second``.")
    return [layer(root / PACKAGE, name) for name in re.split(r"\s+→\s+", order[1])]


def layer(package: Path, name: str) -> Layer:
    folder = package / name
    start = folder / "__init__.py" if folder.is_dir() else package / f"{name}.py"
    if not start.is_file():
        raise ApiError(f"{package / '__init__.py'} names the layer {name}, and there is no {start}.")
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [start]
    return Layer(name, first_sentence(parse(start)[1]), [entry for path in files for entry in entries(start, path)])


def entries(start: Path, path: Path) -> list[Entry]:
    """What is public in the file `path` of the layer whose first file is `start`."""
    module, layer_name = module_name(path), module_name(start)
    exported, lazy = exports(parse(start)[0])
    registered = ENTRY_POINT.findall(start.read_text(encoding="utf-8"))
    found = []
    for node in parse(path)[0].body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        here = path == start or node.name in exported or (lazy and node.name == path.stem)
        name = f"{layer_name if here else module}.{node.name}"
        summary = first_sentence(ast.get_docstring(node) or "")
        found.append(Entry(name, directive(node), summary, here or (module, node.name) in registered))
    return found


def parse(path: Path) -> tuple[ast.Module, str]:
    """A file's syntax tree and its docstring."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise ApiError(f"{path}:{error.lineno} is no Python ({error.msg}): mend it and run make book again.") from error
    return tree, ast.get_docstring(tree) or ""


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    parts = parts[len(parts) - 1 - parts[::-1].index(PACKAGE) :]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def exports(tree: ast.Module) -> tuple[set[str], bool]:
    """The names that a layer's first file lists, and whether it imports what it has only when asked (`__getattr__`)."""
    lazy = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
    lists = [node for node in tree.body if isinstance(node, ast.Assign) and (lazy or sets_all(node))]
    parts = (part for node in lists for part in ast.walk(node.value))
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}, lazy


def sets_all(node: ast.Assign) -> bool:
    return [getattr(target, "id", "") for target in node.targets] == ["__all__"]


def directive(node: ast.FunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.FunctionDef):
        return "autofunction"
    return "autoexception" if node.name.endswith(("Error", "Warning")) else "autoclass"


def first_sentence(docstring: str) -> str:
    return SENTENCE.split(" ".join(docstring.split("\n\n")[0].split()), maxsplit=1)[0]


def to_rst(text: str) -> str:
    """A docstring's words so that Sphinx shows them as written: |X|², 2**bits, and `code` with one backtick or two."""
    parts = CODE_OR_ROLE.split(text)
    for i in range(0, len(parts), 2):  # between code and roles
        plain = re.sub(r"(?<!\w)`([^`\n]+)`(?!_)", r"``\1``", parts[i])
        parts[i] = "".join(
            part if part.startswith("``") else linked(part.replace("|", r"\|").replace("**", r"\*\*"))
            for part in re.split(r"(``.+?``)", plain)
        )
    return "".join(parts)


def linked(text: str) -> str:
    """Words with links where they name a publication."""

    def link(match: re.Match[str]) -> str:
        scheme, _, number = match[1].partition(":")
        return f"`{match[1]} <{RESOLVERS[scheme]}{number}>`__"

    return IDENTIFIER.sub(link, text)


def short(name: str) -> str:
    """A name as chapters write it, with the layer and without the package."""
    return name.removeprefix(f"{PACKAGE}.")


def overview(found: list[Layer]) -> str:
    """The page with all layers: each with a sentence and the names that it offers."""
    items = []
    for one in found:
        names = ", ".join(f":py:obj:`{short(entry.name).split('.')[-1]} <{entry.name}>`" for entry in one.offered)
        items.append(f":doc:`{one.name} <{one.name}>`\n   {to_rst(one.summary)}\n\n   {names}\n")
    return INTRODUCTION + "\n" + rst(".. container:: dlm-api\n", indent("\n".join(items), "   "))


def layer_page(one: Layer) -> str:
    """The page of a layer: what it is, a table of what it offers, and then each in full."""
    page = f"# {one.name}\n\n"
    rows = [
        f"   * - :py:obj:`{entry.name.split('.')[-1]} <{entry.name}>`\n     - {to_rst(entry.summary)}"
        for entry in one.offered
    ]
    table = ".. list-table::\n   :widths: auto\n   :class: dlm-api\n\n" + "\n".join(rows) + "\n"
    page += rst(f".. automodule:: {PACKAGE}.{one.name}\n", table, *(entry.rst() for entry in one.offered))
    return page + (INSIDE + "\n" + rst(*(entry.rst() for entry in one.inside)) if one.inside else "")


def rst(*blocks: str) -> str:
    return "```{eval-rst}\n" + "\n".join(blocks) + "```\n"
