"""What a build shows while it runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from book.builder.run.schedule import Event, seconds_left


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


class Plain:
    """One line when a chapter starts and one when it ends."""

    def __init__(self, jobs: list[dict[str, Any]], at_once: int) -> None:
        self.jobs = {job["name"]: job for job in jobs}
        self.at_once = at_once
        self.began = time.monotonic()
        self.started: dict[str, float] = {}
        self.finished: dict[str, float] = {}

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def say(self, line: str) -> None:
        print(line, flush=True)

    def state(self) -> str:
        left = seconds_left(list(self.jobs.values()), self.finished, self.started, self.at_once)
        rest = len(self.jobs) - len(self.finished)
        estimate = f", about {duration(left)} left" if rest and left else ""
        return f"{len(self.finished)} of {len(self.jobs)}, {duration(time.monotonic() - self.began)}{estimate}"

    def on_event(self, name: str, event: Event) -> None:
        kind = event["event"]
        if kind == "launched":
            self.started[name] = time.monotonic()
            self.say(f"run   {name} ({self.jobs[name]['why']})")
        elif kind in ("done", "failed"):
            self.finished[name] = time.monotonic() - self.started[name]
            if kind == "done":
                cost = f"{duration(event['seconds'])}, {event['peak_mb']} MB"
                self.say(f"done  {name} in {cost} ({self.state()})")
            else:
                self.say(f"FAIL  {name}: {event['problems'][0]['error'].splitlines()[0][:120]} ({self.state()})")


class Live(Plain):
    """The same lines, and below them a bar for every chapter that is running and one for the whole."""

    def __init__(self, jobs: list[dict[str, Any]], at_once: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        super().__init__(jobs, at_once)
        self.console = Console(highlight=False)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            transient=True,
            refresh_per_second=4,
            get_time=time.monotonic,
        )
        self.whole = self.bars.add_task("the book", total=len(jobs), unit="chapters", note="")
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> Live:
        self.bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bars.stop()

    def say(self, line: str) -> None:
        style = {"FAIL": "bold red", "done": "green"}.get(line[:4], "dim")
        self.console.print(line, style=style, markup=False, soft_wrap=True)

    def on_event(self, name: str, event: Event) -> None:
        kind = event["event"]
        if kind == "launched":
            self.tasks[name] = self.bars.add_task(name, total=1, unit="cells", note="starting")
        elif kind == "started":
            self.bars.update(self.tasks[name], total=event["cells"], note="")
        elif kind == "cell":
            self.bars.update(self.tasks[name], completed=event["done"])
        super().on_event(name, event)
        if kind in ("done", "failed"):
            self.bars.remove_task(self.tasks.pop(name))
        left = seconds_left(list(self.jobs.values()), self.finished, self.started, self.at_once)
        note = f"about {duration(left)} left" if left else ""
        self.bars.update(self.whole, completed=len(self.finished), note=note)


def display(jobs: list[dict[str, Any]], at_once: int) -> Plain:
    return Live(jobs, at_once) if sys.stdout.isatty() else Plain(jobs, at_once)


def summary(failures: dict[str, Event]) -> str:
    """Every failure, so that none has to be looked for: chapter, cell, first line, error, end of the traceback."""
    lines = ["", f"{len(failures)} chapter{'s' * (len(failures) != 1)} failed:"]
    for name, failure in failures.items():
        for problem in failure["problems"]:
            lines.append("")
            lines.append(f"{name}, {problem['where']}:" if problem["where"] else f"{name}:")
            if problem["source"]:
                lines.append(f"    {problem['source']}")
            lines += [f"  {line}" for line in problem["error"].splitlines()]
            lines += [f"    | {line}" for line in problem["details"]]
        if failure.get("half_run"):
            lines.append(f"  The notebook as far as it came: {failure['half_run']}")
    return "\n".join(lines)
