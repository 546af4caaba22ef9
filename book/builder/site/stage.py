"""What the renderer reads: book pages, executed chapters and their media, made into the files of one staged site.

Everything here is a pure function from what was read to the files to write, so each transform can be tested by itself.
"""

from __future__ import annotations

import ast
import base64
import binascii
import copy
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from book.builder.chapters import BookError
from book.builder.site.links import Links

PRIVATE_MIME = "application/vnd.musiclib."
AUDIO_SUFFIX = {
    "mpeg": "mp3",
    "mp3": "mp3",
    "flac": "flac",
    "x-flac": "flac",
    "wav": "wav",
    "x-wav": "wav",
    "wave": "wav",
    "ogg": "ogg",
}
AUDIO_URI = re.compile(r"data:audio/([\w.+-]+)(?:;[\w=.-]+)*;base64,([A-Za-z0-9+/=]+)")
BUILD_TIME = re.compile(r"<span class=\"build-time\">.*?</span>", re.DOTALL)
TRANSCLUSION = re.compile(r"^<!--\s*output:\s*(\S+)\s+(\S+)\s*-->[ \t]*$", re.MULTILINE)
OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)[^\n]*\n?")
PROMPT = {"code_prompt_show": "Show a solution", "code_prompt_hide": "Hide the solution"}


class StageError(BookError):
    """Something in the sources cannot be made into a page; the message says what, where and what to do."""


def tags(cell: Mapping[str, Any]) -> set[str]:
    return set(cell.get("metadata", {}).get("tags", []))


def source(cell: Mapping[str, Any]) -> str:
    text = cell.get("source", "")
    return text if isinstance(text, str) else "".join(text)


def assignments(code: str) -> dict[str, ast.Assign]:
    """The plain `name = value` statements of a cell."""
    try:
        body = ast.parse(code).body
    except SyntaxError:
        return {}
    return {
        node.targets[0].id: node
        for node in body
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }


def unparse(node: ast.AST) -> str:
    """The code of a value, its strings in double quotes where that is as good."""
    code = ast.unparse(node)
    return code if '"' in code else code.replace("'", '"')


def with_values(declared: str, injected: str) -> str:
    """The parameters cell as written, comments and all, with the values that papermill injected."""
    values = {name: unparse(node.value) for name, node in assignments(injected).items()}
    lines = declared.splitlines(keepends=True)
    for name, node in sorted(assignments(declared).items(), key=lambda item: -item[1].lineno):
        value = node.value
        if name not in values or unparse(value) == values[name]:
            continue
        assert value.end_lineno is not None  # whatever is parsed from text has it
        first, last = value.lineno - 1, value.end_lineno - 1
        # ast counts columns in bytes of UTF-8
        before = lines[first].encode()[: value.col_offset].decode()
        after = lines[last].encode()[value.end_col_offset :].decode()
        lines[first : last + 1] = [before + values[name] + after]
    return "".join(lines)


def merge_parameters(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cells without papermill's injected one; the parameters cell shows the values in force instead."""
    injected = "\n".join(source(cell) for cell in cells if "injected-parameters" in tags(cell))
    kept = [cell for cell in cells if "injected-parameters" not in tags(cell)]
    for cell in kept:
        if injected and "parameters" in tags(cell):
            cell["source"] = with_values(source(cell), injected)
    return kept


def visible_outputs(outputs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Outputs without the data that `musiclib.page` leaves for the build, and without progress."""
    kept = []
    for output in without_progress(outputs):
        if "data" in output:
            output["data"] = {
                mime: value for mime, value in output["data"].items() if not mime.startswith(PRIVATE_MIME)
            }
            if not output["data"]:
                continue
        if "execution_count" in output:
            output["execution_count"] = None
        kept.append(output)
    return kept


def without_progress(outputs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Outputs without lines that were written over, as progress is: only the first run of a cell has them."""
    kept: list[dict[str, Any]] = []
    for output in outputs:
        output = dict(output)
        if output.get("name") == "stderr":
            text = output["text"] if isinstance(output["text"], str) else "".join(output["text"])
            if kept and kept[-1].get("name") == "stderr":  # a line comes in as many parts as it was written in
                text = kept.pop()["text"] + text
            output["text"] = text
        kept.append(output)
    for output in kept:
        if output.get("name") == "stderr":
            output["text"] = OVERWRITTEN.sub("", output["text"])
    return [output for output in kept if output.get("name") != "stderr" or output["text"].strip()]


def move_audio(html: str, folder: str, media: dict[str, bytes]) -> str:
    """`html` with each embedded sound replaced by a link to a file in `folder`; the files are added to `media`."""

    def to_file(match: re.Match[str]) -> str:
        kind = match[1].lower()
        try:
            sound = base64.b64decode(match[2], validate=True)
        except binascii.Error as error:
            raise StageError(f"an embedded audio/{kind} is not valid base64: {error}; run the chapter again") from error
        if kind not in AUDIO_SUFFIX:
            raise StageError(f"an embedded sound is audio/{kind}; the book carries {', '.join(sorted(AUDIO_SUFFIX))}")
        name = f"{hashlib.sha256(sound).hexdigest()[:20]}.{AUDIO_SUFFIX[kind]}"
        media[name] = sound
        return f"{folder}/{name}"

    return AUDIO_URI.sub(to_file, html)


def duration(seconds: float) -> str:
    seconds = round(seconds) if seconds >= 10 else round(seconds, 1)
    if seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def with_build_time(text: str, stamp: Mapping[str, Any], cores: int) -> str:
    """`text` with what the last build measured in place of what the author guessed."""
    machine = f"{stamp.get('cores') or cores} CPU cores"
    time = f"{duration(stamp['seconds'])} on {machine}, {stamp['profile']} profile, last build"
    return BUILD_TIME.sub(lambda _: f'<span class="build-time">{time}</span>', text)


def chapter(
    notebook: Mapping[str, Any], stamp: Mapping[str, Any], links: Links, cores: int, media: dict[str, bytes]
) -> dict[str, Any]:
    """An executed chapter as the site shows it."""
    shown = copy.deepcopy(dict(notebook))
    cells = merge_parameters(shown["cells"])
    for cell in cells:
        cell["metadata"] = {
            key: value for key, value in cell["metadata"].items() if key not in {"execution", "papermill"}
        }
        if cell["cell_type"] == "markdown":
            cell["source"] = links.rewrite(with_build_time(source(cell), stamp, cores), "notebooks")
        if cell["cell_type"] == "code":
            prepare_code(cell, links, media)
    shown["cells"] = cells
    # Widget state would make the page ask a CDN for a widget manager, papermill's record would change at every run.
    shown["metadata"] = {
        key: shown["metadata"][key] for key in ("kernelspec", "language_info") if key in shown["metadata"]
    }
    return shown


def prepare_code(cell: dict[str, Any], links: Links, media: dict[str, bytes]) -> None:
    cell["execution_count"] = None
    # In the book nobody has answered: what the check said of the empty stub is left out.
    cell["outputs"] = [] if "exercise" in tags(cell) else visible_outputs(cell["outputs"])
    for output in cell["outputs"]:
        for mime in ("text/html", "image/svg+xml"):
            if mime in output.get("data", {}):
                value = output["data"][mime]
                html = value if isinstance(value, str) else "".join(value)
                output["data"][mime] = links.rewrite_html(move_audio(html, "../_static/media", media), "notebooks")
    if "setup" in tags(cell):  # it installs the package on Colab; in the book it has nothing to say
        cell["metadata"]["tags"] = sorted(tags(cell) | {"remove-cell"})
    if "solution" in tags(cell):
        cell["metadata"]["tags"] = sorted(tags(cell) | {"hide-cell"})
        cell["metadata"]["mystnb"] = PROMPT


def tagged_html(notebook: Mapping[str, Any], tag: str) -> str | None:
    """The HTML that the cells tagged `tag` have shown, or None if there is none."""
    shown = [
        html if isinstance(html, str) else "".join(html)
        for cell in notebook["cells"]
        if tag in tags(cell) and cell["cell_type"] == "code"
        for output in cell["outputs"]
        if (html := output.get("data", {}).get("text/html"))
    ]
    return "\n".join(shown) or None


def transclude(
    page: str, text: str, chapters: Mapping[str, Mapping[str, Any]], known: Iterable[str], files: dict[str, bytes]
) -> str:
    """A book page with each `<!-- output: chapter tag -->` replaced by what that cell has shown.

    The HTML goes into a file of its own, because a blank line inside it would end an HTML block of Markdown.
    """

    def shown(match: re.Match[str]) -> str:
        name, tag = match[1], match[2]
        if name not in known:
            raise StageError(f"book/pages/{page} shows the output of {name}, which is not a chapter in book/_toc.yml")
        if name not in chapters:
            return f'<p class="dlm-absent">Chapter {name} is not in this preview.</p>'
        html = tagged_html(chapters[name], tag)
        if html is None:
            raise StageError(
                f"book/pages/{page} shows the cell tagged {tag} of {name}, but no such cell has HTML output; "
                f"tag one in notebooks/{name}.md"
            )
        place = f"_shown/{name}-{tag}.html"
        files[place] = html.replace("../_static/", "_static/").encode()
        return f"```{{raw}} html\n:file: {place}\n```"

    return TRANSCLUSION.sub(shown, text)
