"""Sphinx extension of this book: the docstrings of the package as the pages of `api` show them.

autodoc imports the package and finds the docstrings, napoleon reads their sections; what this course writes in its own
way is brought into their form here.
"""

from __future__ import annotations

import inspect
import re
import sys
from itertools import pairwise
from typing import Any

from docutils import nodes
from sphinx import addnodes

from book.builder.site.api import PACKAGE, short, to_rst

SAID_IN_SENTENCES = {"Parameters", "Attributes", "Returns"}
ITEM = re.compile(r"^(\S[^:]*?) : (.*)$")
FIELD = re.compile(r"^    (\w+): [^#\n]+?  # (.+)$", re.MULTILINE)
NAMED = re.compile(r"``((\w+)\.\w+)``")
TAUGHT = re.compile(r"^Taught in: (.+?)\.?$")


# ---------------------------------------------------------------- docstrings


def before_napoleon(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """What stands after `name :` is a sentence here, where napoleon expects a type; a comment documents a field."""
    text = name_links(app, to_rst("\n".join(lines))).split("\n")
    if what in {"class", "exception"} and "Attributes" not in text:
        text += fields(thing)
    lines[:] = [line for section in sections(text) for line in told(section)]


def name_links(app: Any, text: str) -> str:
    """Links where the text names something of another layer, such as ``audio.load``."""
    return NAMED.sub(lambda m: f":py:obj:`{m[1]}`" if f"api/{m[2]}" in app.env.found_docs else m[0], text)


def fields(kind: Any) -> list[str]:
    """A section on the fields of a tuple or data class, from the comments beside them."""
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):
        return []
    found = [f"{name} : {to_rst(comment)}" for name, comment in FIELD.findall(source)]
    return ["", "Attributes", "----------", *found, ""] if found else []


def sections(lines: list[str]) -> list[list[str]]:
    """The lines cut before every section's heading."""
    starts = [i for i, line in enumerate(lines[:-1]) if re.match(r"^[A-Z]\w+( \w+)*$", line) and is_rule(lines[i + 1])]
    cuts = [0, *starts, len(lines)]
    return [lines[a:b] for a, b in pairwise(cuts)]


def is_rule(line: str) -> bool:
    return re.match(r"^-{3,}$", line) is not None


def told(section: list[str]) -> list[str]:
    """A section of named things, with what is said of each below its name; what is returned may have none."""
    if len(section) < 2 or not is_rule(section[1]) or section[0] not in SAID_IN_SENTENCES:
        return section
    items = [ITEM.match(line) for line in section[2:]]
    if section[0] == "Returns" and not any(items):
        return [*section[:2], ":", *(f"    {line}".rstrip() for line in section[2:])]
    pairs = zip(section[2:], items, strict=True)
    return section[:2] + [line for plain, item in pairs for line in ([item[1], f"    {item[2]}"] if item else [plain])]


def after_napoleon(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """*Taught in* leads to the chapters, and stands last; a section of notes with nothing else in it goes."""
    found = [match for line in lines if (match := TAUGHT.match(line))]
    if not found:
        return
    chapters = [chapter.strip() for match in found for chapter in match[1].split(",")]
    left = [line for line in lines if not TAUGHT.match(line)]
    text = re.sub(r"\.\. rubric:: Notes\n\s*(?=\.\. rubric::|\Z)", "", "\n".join(left)).rstrip()
    lines[:] = [*text.split("\n"), "", f"Taught in: {', '.join(chapter_link(app, c) for c in chapters)}", ""]


def chapter_link(app: Any, chapter: str) -> str:
    """A link that bears the chapter's title; in a preview without that chapter, its name."""
    page = f"notebooks/{chapter}"
    return f":doc:`/{page}`" if page in app.env.found_docs else f"``{chapter}``"


def skip_field(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """The fields of a named tuple: Python's "Alias for field number 0" says nothing that they do not."""
    return True if type(thing).__name__ == "_tuplegetter" else None


# ---------------------------------------------------------------- names and links


def resolve(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """A link to what its page shows under another name: `musiclib.datasets.base.Dataset`, `audio.AudioError`."""
    if node.get("refdomain") != "py":
        return None
    target, domain = short(node["reftarget"]), env.get_domain("py")
    layer, _, rest = target.partition(".")
    module = node.get("py:module") or PACKAGE
    own = ".".join(module.split(".")[:2])
    for name in (f"{PACKAGE}.{target}", f"{PACKAGE}.{layer}.{rest.split('.')[-1]}", f"{own}.{target.split('.')[-1]}"):
        if name in domain.objects:
            return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, contnode)
    if node["reftype"] == "mod" and f"api/{layer}" in env.found_docs:  # a file of a layer
        uri = app.builder.get_relative_uri(node["refdoc"], f"api/{layer}")
        return nodes.reference("", "", contnode, internal=True, refuri=uri)
    return nodes.literal("", contnode.astext()) if node["reftype"] == "obj" else None  # a constant, or a file's name


def shorten(app: Any, doctree: Any) -> None:
    """Names as chapters write them: `features.stft`, without the package."""
    for node in doctree.findall(addnodes.desc_addname):
        node[:] = [nodes.Text(short(node.astext()))]


def source_line(domain: str, info: dict[str, str]) -> str | None:
    """Where in the repository the thing is defined, as a path with a line."""
    thing: Any = sys.modules.get(info["module"])
    try:
        for part in info["fullname"].split("."):
            thing = getattr(thing, part)
        thing = inspect.unwrap(thing)
        lines, first = inspect.getsourcelines(thing)
        path = inspect.getsourcefile(thing) or ""
    except (AttributeError, TypeError, OSError):
        return None
    return f"{PACKAGE}{path.rpartition(f'/{PACKAGE}')[2]}#L{first}-L{first + len(lines) - 1}"


def configure(app: Any, config: Any) -> None:
    theme = config.html_theme_options
    base = f"{theme['repository_url'].rstrip('/')}/blob/{theme['repository_branch']}"
    config.linkcode_resolve = lambda domain, info: (line := source_line(domain, info)) and f"{base}/{line}"


def setup(app: Any) -> dict[str, Any]:
    app.connect("config-inited", configure)
    app.connect("autodoc-process-docstring", before_napoleon, priority=400)  # napoleon has 500
    app.connect("autodoc-process-docstring", after_napoleon, priority=600)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("missing-reference", resolve)
    app.connect("doctree-read", shorten)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
