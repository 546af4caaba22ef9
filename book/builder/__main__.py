"""Build the book: execute the chapters that changed, collect what they measured, render the pages.

    python -m book.builder --profile quick --jobs 2 --only 01 03 -p seed 7

The chapters are the entries of book/_toc.yml under notebooks/. Each runs by papermill in a process of its own, and
again only if its text, its parameters, requirements.lock or a file of musiclib or data that its last run opened has
changed. Whatever is finished is kept, so a build that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import ast
import errno
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from book.builder import pairs
from book.builder.chapters import (
    PROFILES,
    BookError,
    Chapter,
    declared_parameters,
    find_chapters,
    not_listed,
    read_cells,
    repository_url,
    select,
)
from book.builder.run import dependencies, stamps
from book.builder.run.progress import display, duration, summary
from book.builder.run.schedule import Event, longest_first, run_all

ROOT = Path(__file__).resolve().parents[2]


def command_line(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", help=f"how much to run: {', '.join(PROFILES)} (default quick)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="chapters at once (default one a core)")
    parser.add_argument("--only", nargs="+", default=[], metavar="CHAPTER", help="01, 01_name or 01_name.md")
    parser.add_argument(
        "-p", nargs=2, action="append", default=[], dest="parameters", metavar=("NAME", "VALUE"), help="as in papermill"
    )
    parser.add_argument("--timeout", type=int, default=3600, help="seconds a cell may take, 0 for any (default 3600)")
    parser.add_argument("--no-html", action="store_true", help="execute only")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project (default this repository)")
    parser.add_argument("--build-dir", type=Path, help="where everything is made (default _build)")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        raise BookError(f"--jobs {options.jobs}: a number of 1 or more was expected.")
    if options.timeout < 0:
        raise BookError(f"--timeout {options.timeout}: a number of seconds, or 0 for no limit, was expected.")
    options.root = options.root.resolve()
    options.build_dir = (options.build_dir or options.root / "_build").resolve()
    options.parameters = {name: literal(value) for name, value in options.parameters}
    given = options.parameters.pop("profile", None)  # `-p profile full` is how one says it to papermill itself
    if options.profile and given and options.profile != given:
        raise BookError(f"--profile {options.profile} and -p profile {given}: give one of the two.")
    options.profile = options.profile or given or "quick"
    if options.profile not in PROFILES:
        raise BookError(f"--profile {options.profile} is not known. The profiles are: {', '.join(PROFILES)}.")
    return options


def literal(text: str) -> Any:
    """A parameter's value as papermill's own `-p` reads it: a number, True, False or None, else the text."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, bool | int | float | None) else text


@contextmanager
def only_build(build_dir: Path) -> Iterator[None]:
    """Hold the build folder: two builds in one would write over each other."""
    build_dir.mkdir(parents=True, exist_ok=True)
    with (build_dir / ".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise BookError(
                f"Another build (process {lock.read().strip() or 'unknown'}) is using {build_dir}: "
                "wait until it has finished, or give this one another --build-dir."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def plan(chapter: Chapter, options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """The job that would execute the chapter, and whether that is needed."""
    executed = options.build_dir / "executed"
    stamp = stamps.read_stamp(executed, chapter.name)
    files = (chapter.markdown, chapter.notebook)
    pair = [dependencies.content_hash(path) for path in files]
    if not stamp or stamp.get("pair") != pair:  # otherwise both files are as they were when they were last compared
        wrong = pairs.difference(chapter)
        if wrong:
            raise BookError(wrong)
    declared = declared_parameters(read_cells(chapter.notebook))
    chosen = {"profile": options.profile, **{n: v for n, v in options.parameters.items() if n in declared}}
    before = stamp and stamp.get("inputs")
    inputs = dependencies.known_now(options.root, chapter, {**declared, **chosen}, before)
    job = {
        "name": chapter.name,
        "root": str(options.root),
        "markdown": str(chapter.markdown),
        "notebook": str(chapter.notebook),
        "executed": str(executed),
        "failed": str(options.build_dir / "failed"),
        "log": str(options.build_dir / "logs" / f"{chapter.name}.log"),
        "opened": str(options.build_dir / "logs" / f"{chapter.name}.opened"),
        "profile": options.profile,
        "parameters": chosen,
        "unusual": [name for name, value in chosen.items() if value != declared[name]],
        "timeout": options.timeout,
        "inputs": inputs,
        "pair": pair,
        "last_seconds": stamp["seconds"] if stamp and stamp.get("profile") == options.profile else None,
        "why": dependencies.reason(before, inputs),
    }
    return job, before != inputs


def check_parameter_names(chapters: list[Chapter], parameters: dict[str, Any]) -> None:
    known: set[str] = set()
    for chapter in chapters:
        try:
            known |= declared_parameters(read_cells(chapter.notebook)).keys()
        except BookError:
            continue  # reported with the chapter
    unknown = sorted(parameters.keys() - known)
    if unknown:
        raise BookError(f"-p {unknown[0]}: no chapter to be run has that parameter. Known: {', '.join(sorted(known))}.")


def red(error: str) -> Event:
    return {"event": "failed", "problems": [{"where": "", "source": "", "error": error, "details": []}]}


def execute(chapters: list[Chapter], options: argparse.Namespace) -> dict[str, Event]:
    """Execute what has changed among `chapters`; return the failures by chapter."""
    failures: dict[str, Event] = {}
    jobs: list[dict[str, Any]] = []
    for chapter in chapters:
        try:
            job, needed = plan(chapter, options)
        except BookError as error:
            failures[chapter.name] = red(str(error))
            print(f"FAIL  {chapter.name}: {error}")
            continue
        if needed:
            jobs.append(job)
    unchanged = len(chapters) - len(jobs) - len(failures)
    if unchanged:
        print(f"{unchanged} chapter{'s' * (unchanged != 1)} unchanged.")
    if not jobs:
        return failures
    jobs = longest_first(jobs)
    at_once = min(options.jobs, len(jobs))
    with display(jobs, at_once) as shown:

        def on_event(name: str, event: Event) -> None:
            if event["event"] == "failed":
                failures[name] = event
            shown.on_event(name, event)

        run_all(jobs, at_once, on_event)
    return failures


def write_results(known: list[Chapter], failures: dict[str, Event], build_dir: Path) -> list[str]:
    """Write results.json; return the chapters that have an executed copy which may be shown."""
    good = [chapter.name for chapter in known if chapter.name not in failures]
    results = stamps.collect_results(build_dir / "executed", good)
    stamps.write_json(build_dir / "results.json", results)
    return list(results)


def render_pages(root: Path, build_dir: Path, names: list[str]) -> None:
    from book.builder.site import render

    try:
        render.render(root, build_dir, names, repository_url(root))
    except render.RenderError as error:
        raise BookError(str(error)) from error


def build(options: argparse.Namespace) -> int:
    began = time.monotonic()
    known = find_chapters(options.root)
    chosen = select(known, options.only)
    check_parameter_names(chosen, options.parameters)
    for name in not_listed(options.root, known):
        print(f"note: notebooks/{name} is not in book/_toc.yml, so it is no chapter of the book.")
    with only_build(options.build_dir):
        stamps.remove_leftovers(options.build_dir / "executed")
        failures = execute(chosen, options)
        shown = write_results(known, failures, options.build_dir)
        if failures:
            print(summary(failures))
            return 1
        missing = [chapter.name for chapter in known if chapter.name not in shown]
        if options.only and len(chosen) < len(known):
            left_out = f" Not executed yet and left out: {', '.join(missing)}." if missing else ""
            print(f"A preview: only {', '.join(c.name for c in chosen)} brought up to date.{left_out}")
        if not options.no_html:
            render_pages(options.root, options.build_dir, shown)
        print(f"Built in {duration(time.monotonic() - began)}.")
        return 0


def interrupted(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    signal.signal(signal.SIGTERM, interrupted)  # ended by another program: the children go as on Ctrl-C
    try:
        return build(command_line(arguments))
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"error: {stamps.NO_SPACE.format(path=error.filename or 'the build folder')}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
