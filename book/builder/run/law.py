"""What turns a chapter red, read from its executed notebook alone.

The outputs are the witness, not the exit status of the run: inside `%%time` IPython prints the traceback of an error
and reports that all is well.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RECORD = "application/vnd.musiclib.record+json"
CHECK = "application/vnd.musiclib.check+json"
FINDING = "application/vnd.musiclib.finding+json"
AGREES = "application/vnd.musiclib.agrees+json"
FIELDS = ("value", "low", "high", "unit", "split", "note")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class Problem:
    """One thing that is wrong with a chapter: where, the cell's first line, what, and the end of the traceback."""

    where: str
    source: str
    error: str
    details: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Failure(Exception):
    """A chapter that may not be published."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.error for problem in problems))
        self.problems = problems


def tags(cell: Any) -> list[str]:
    return cell.metadata.get("tags", [])


def own_code_cells(notebook: Any) -> list[Any]:
    """The chapter's code cells, without the one that papermill injects."""
    return [c for c in notebook.cells if c.cell_type == "code" and "injected-parameters" not in tags(c)]


def locate(notebook: Any, cell: Any, markdown: Path) -> tuple[str, str]:
    """Where a cell stands, as a maintainer looks for it, and its first line."""
    if cell is None:
        return "before the first cell", ""
    cells = own_code_cells(notebook)
    first_line = cell.source.strip().split("\n", 1)[0]
    if not any(cell is other for other in cells):
        return "in the values papermill injects", first_line
    number = next(i for i, other in enumerate(cells) if other is cell)
    text, position = markdown.read_text(encoding="utf-8"), 0
    for other in cells[: number + 1]:
        found = text.find(other.source, position)
        position = max(found, position)
    where = f"code cell {number + 1}"
    if text.startswith(cell.source, position):
        where += f" ({markdown.parent.name}/{markdown.name}, line {text.count(chr(10), 0, position) + 1})"
    return where, first_line


def errors_in(notebook: Any, markdown: Path) -> list[Problem]:
    """Every error among the outputs of every cell."""
    problems = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                traceback = ANSI.sub("", "\n".join(output.traceback)).splitlines()
                error = f"{output.ename}: {output.evalue}" if output.evalue else output.ename
                if "Errno 28" in error:
                    error += " — make room on the disk and run again; what was finished is kept."
                problems.append(Problem(*locate(notebook, cell, markdown), error, traceback[-12:]))
    return problems


def unrun_cells(notebook: Any, markdown: Path) -> list[Problem]:
    """Cells that never ran although no error was reported: a chapter that ended early is not a good one."""
    unrun = [c for c in own_code_cells(notebook) if c.source.strip() and c.get("execution_count") is None]
    return [
        Problem(*locate(notebook, cell, markdown), "This cell did not run, and no error says why: every cell must run.")
        for cell in unrun[:1]
    ]


def outputs_of_kind(cell: Any, mime: str) -> list[Any]:
    return [output.data[mime] for output in cell.get("outputs", []) if mime in output.get("data", {})]


def read_figures(notebook: Any, markdown: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The figures that the chapter recorded, by name."""
    figures: dict[str, Any] = {}
    problems: list[Problem] = []
    for cell in own_code_cells(notebook):
        for record in outputs_of_kind(cell, RECORD):
            name, error = record.get("name"), None
            numbers = [record.get(part) for part in ("value", "low", "high")]
            if not name or record.get("value") is None:
                error = f"The recorded figure {name!r} has no name or no value: {record}"
            elif name in figures:
                error = f"The figure {name!r} is recorded twice: give each figure of a chapter a name of its own."
            elif any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
                error = f"The recorded figure {name!r} is not a finite number: {record['value']}"
            if error:
                problems.append(Problem(*locate(notebook, cell, markdown), error))
            else:
                figures[name] = {part: record.get(part) for part in FIELDS}
    return figures, problems


def read_findings(notebook: Any) -> dict[str, list[dict[str, Any]]]:
    """What the chapter found, in its sentences, and which of its computations agreed with another one."""
    cells = own_code_cells(notebook)
    return {
        "findings": [row for cell in cells for row in outputs_of_kind(cell, FINDING)],
        "agreements": [row for cell in cells for row in outputs_of_kind(cell, AGREES)],
    }


def not_so(notebook: Any, markdown: Path) -> list[Problem]:
    """Each finding, and each claim of a recorded figure, that this run does not bear out; red in the book."""
    problems: list[Problem] = []
    for cell in own_code_cells(notebook):
        errors = [f"not so: {row['sentence']}" for row in outputs_of_kind(cell, FINDING) if not row["holds"]]
        errors += [
            f"{row['name']} = {row['value']:.6g} {row['unit']}".rstrip() + f", but the text claims {row['not_so']}"
            for row in outputs_of_kind(cell, RECORD)
            if row.get("not_so")
        ]
        problems += [Problem(*locate(notebook, cell, markdown), error) for error in errors]
    return problems


def twice_found(notebook: Any, markdown: Path) -> list[Problem]:
    """A sentence said twice has one place to link to."""
    problems: list[Problem] = []
    seen: set[str] = set()
    for cell in own_code_cells(notebook):
        for row in outputs_of_kind(cell, FINDING):
            if row["id"] in seen:
                error = f"This finding stands twice, so no link can lead to it: {row['sentence']}"
                problems.append(Problem(*locate(notebook, cell, markdown), error))
            seen.add(row["id"])
    return problems


def unmet_exercises(notebook: Any, markdown: Path) -> list[Problem]:
    """Stubs that pass, solutions that do not, and exercises that miss one of the two."""
    problems: list[Problem] = []
    cells = own_code_cells(notebook)
    solved = {
        check["exercise"]
        for c in cells
        if "solution" in tags(c)
        for check in outputs_of_kind(c, CHECK)
        if check["passed"]
    }
    for cell in cells:
        checks = outputs_of_kind(cell, CHECK)
        errors = []
        if "solution" in tags(cell):
            errors = [
                f"The solution of {c['exercise']!r} does not pass its own check." for c in checks if not c["passed"]
            ]
        elif "exercise" in tags(cell):
            if not checks:
                errors = ["This cell is tagged `exercise` and holds no check: call `page.check` in it."]
            for check in checks:
                if check["passed"]:
                    errors.append(f"The stub of {check['exercise']!r} passes its check, so there is nothing to solve.")
                if check["exercise"] not in solved:
                    errors.append(f"No cell tagged `solution` passes the check of {check['exercise']!r}.")
        problems += [Problem(*locate(notebook, cell, markdown), error) for error in errors]
    return problems


def dead_kernel(process: Any) -> str:
    """What to say when the kernel ended under a running cell."""
    status = process.poll() if process is not None else None
    how = "ended"
    if status is not None:
        how = f"was ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
    hint = " Signal 9 is what the system sends when memory runs out." if status == -9 else ""
    return f"DeadKernelError: the kernel {how} while this cell was running.{hint}"
