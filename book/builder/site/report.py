"""The pages that no one writes by hand: what the build measured (`results.md`), and how it was made (`status.md`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from book.builder.site.stage import duration

Stamp = Mapping[str, Any]


def number(value: Any) -> str:
    """A recorded value as a reader wants it: four significant digits, no exponent for everyday sizes, a real minus."""
    if value is None:
        return "—"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e6):
        text = f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    elif 1e-4 <= abs(value) < 1e6:
        text = f"{value:.4g}" if abs(value) < 10_000 else f"{round(value):,}"
    else:
        mantissa, exponent = f"{value:.3e}".split("e")
        text = f"{float(mantissa):g}\u2009\u00d7\u200910<sup>{int(exponent)}</sup>"
    return text.replace("-", "\u2212")


def interval(figure: Mapping[str, Any]) -> str:
    low, high = figure.get("low"), figure.get("high")
    return "—" if low is None and high is None else f"{number(low)} … {number(high)}"


def cell(text: Any) -> str:
    """Text that cannot break out of its table cell."""
    return " ".join(str(text or "—").replace("|", "\\|").split())


def table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str = "") -> str:
    """A Markdown table; `align` has a letter a column, `r` for numbers."""
    rule = ["--:" if align[i : i + 1] == "r" else ":--" for i in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def link(name: str, titles: Mapping[str, str]) -> str:
    return f"[{titles[name].replace('[', '(').replace(']', ')')}](notebooks/{name}.ipynb)"


# book/pages/_static/dlm.js hides what does not have these words.
FILTER = (
    '<p class="dlm-filter"><label>Find a result <input type="search" autocomplete="off" spellcheck="false" '
    'placeholder="SVM, dB, accuracy …"></label> <output aria-live="polite"></output></p>'
)


def results_page(stamps: Mapping[str, Stamp], titles: Mapping[str, str], parts: Mapping[str, str]) -> str:
    """What each chapter found, in its own sentences; below them, folded, every figure that it recorded.

    `parts` says in which part of the book a chapter is.
    """
    text = [
        "# What we measured",
        "Each sentence below was made by its chapter's run from the numbers of that run, and leads to the place where "
        "they were measured. None was typed, and a run in which one of them does not hold is not published. In "
        "brackets is a 95 % interval over works, recordings or whatever else must not be split.",
    ]
    for part in dict.fromkeys(parts[name] for name in stamps):
        chapters = [name for name in stamps if parts[name] == part]
        shown = [block for name in chapters for block in found(name, stamps[name], titles)]
        folded = [block for name in chapters for block in figures(name, stamps[name], titles)]
        if shown or folded:
            text += [f"## {part}", *shown]
        if folded:
            count = sum(len(stamps[name].get("figures") or {}) for name in chapters)
            text += [f'<details class="dlm-figures"><summary>All {count} figures</summary>', *folded, "</details>"]
    if len(text) == 2:
        return "\n\n".join([text[0], "No chapter of this build has measured anything yet."]) + "\n"
    return "\n\n".join([*text[:2], FILTER, *text[2:]]) + "\n"


def found(name: str, stamp: Stamp, titles: Mapping[str, str]) -> list[str]:
    """A chapter's findings, each linked to its place, and how many of its computations agreed with another one."""
    rows = [
        f'<li><a href="notebooks/{name}.html#{row["id"]}">{row["html"]}</a>'
        + ("" if row["holds"] else " <strong>Not so in this run.</strong>")
        + "</li>"
        for row in stamp.get("findings") or []
    ]
    checks = len(stamp.get("agreements") or [])
    if checks:
        rows.append(f"<li>{checks} of its computations from scratch agree with a library's.</li>")
    if not rows:
        return []
    return [f"### {link(name, titles)}", '<ul class="dlm-found">\n' + "\n".join(rows) + "\n</ul>"]


def figures(name: str, stamp: Stamp, titles: Mapping[str, str]) -> list[str]:
    if not stamp.get("figures"):
        return []
    return [f"**{link(name, titles)}**, {stamp['profile']} profile", figures_table(stamp["figures"])]


def figures_table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of a chapter's figures, without the columns that none of them fills."""
    columns = {
        "Figure": ("l", [cell(name) for name in figures]),
        "Value": ("r", [number(entry.get("value")) for entry in figures.values()]),
        "Unit": ("l", [cell(entry.get("unit")) for entry in figures.values()]),
        "Interval": ("r", [interval(entry) for entry in figures.values()]),
        "Split by": ("l", [cell(entry.get("split")) for entry in figures.values()]),
        "How": ("l", [cell(entry.get("note")) for entry in figures.values()]),
    }
    kept = {head: column for head, column in columns.items() if set(column[1]) != {"—"}}
    rows = list(zip(*(values for _, values in kept.values()), strict=True))
    return table(list(kept), rows, "".join(align for align, _ in kept.values()))


def status_page(
    stamps: Mapping[str, Stamp], titles: Mapping[str, str], dates: Mapping[str, str], versions: Mapping[str, str]
) -> str:
    rows = [
        [
            link(name, titles),
            cell(stamp["profile"]),
            duration(stamp["seconds"]),
            f"{round(stamp['peak_mb'])} MB" if stamp.get("peak_mb") else "—",
            cell(stamp.get("backend")),
            dates[name],
        ]
        for name, stamp in stamps.items()
    ]
    total = sum(stamp["seconds"] for stamp in stamps.values())
    peak = max((stamp.get("peak_mb") or 0 for stamp in stamps.values()), default=0)
    parts = [
        "# How this book was built",
        "Each chapter is executed from its first cell to its last, in a fresh process, before its page is made. An "
        "error in any cell stops publication. These are the runs behind the pages you are reading.",
        "## Chapters",
        table(["Chapter", "Profile", "Time", "Peak memory", "Backend", "Executed"], rows, "llrrll"),
        f"Together: {duration(total)} of computing, side by side; no chapter used more than {round(peak)} MB.",
        "## Software",
        table(["", "Version"], [[name, version] for name, version in versions.items()]),
    ]
    return "\n\n".join(parts) + "\n"
