"""Several chapters at once, each in a process of its own, none of which outlives the build."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]  # where `book.builder` is imported from
Event = dict[str, Any]


class Child:
    """The process that executes one chapter. It stops by itself when its standard input closes."""

    def __init__(self, job: dict[str, Any], events: queue.Queue[tuple[str, Event]]) -> None:
        self.name = job["name"]
        self.events = events
        log = Path(job["log"])
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "book.builder.run.execute"],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,  # Ctrl-C reaches the build alone, which then ends its children in order
            )
        assert self.process.stdin is not None and self.process.stdout is not None  # both are pipes
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        with contextlib.suppress(BrokenPipeError):  # a child that could not start is reported by its missing last word
            self.stdin.write(json.dumps(job, default=repr) + "\n")
            self.stdin.flush()
        self.reader = threading.Thread(target=self.read, args=(log,), daemon=True)
        self.reader.start()

    def read(self, log: Path) -> None:
        """Pass the child's events on; the last one is always `done` or `failed`."""
        last: Event = {}
        for line in self.stdout:
            with contextlib.suppress(ValueError):  # a library that prints while it is imported
                last = json.loads(line)
                self.events.put((self.name, last))
        status = self.process.wait()
        if last.get("event") not in ("done", "failed"):
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            error = f"The process that executed it ended with {how} and said nothing more. Its log: {log}"
            tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:] if log.is_file() else []
            problem = {"where": "", "source": "", "error": error, "details": tail}
            self.events.put((self.name, {"event": "failed", "problems": [problem], "half_run": None}))

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def run_all(jobs: list[dict[str, Any]], at_once: int, on_event: Callable[[str, Event], None]) -> None:
    """Run every job, at most `at_once` side by side, in the order given; events go to `on_event` in this thread.

    However this ends, by an error or by Ctrl-C too, no child is left running.
    """
    waiting = list(jobs)
    running: dict[str, Child] = {}
    events: queue.Queue[tuple[str, Event]] = queue.Queue()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.pop(0)
                on_event(job["name"], {"event": "launched"})
                running[job["name"]] = Child(job, events)
            try:
                name, event = events.get(timeout=0.5)  # short, so that Ctrl-C is heard at once
            except queue.Empty:
                on_event("", {"event": "tick"})
                continue
            if event["event"] in ("done", "failed"):
                running.pop(name).stop()
            on_event(name, event)
    finally:
        for child in running.values():
            with contextlib.suppress(OSError):
                child.stdin.close()  # all of them hear it before any is waited for
        for child in running.values():
            child.stop()


def longest_first(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Chapters that took long last time start first, and so do those of which nothing is known."""
    return sorted(jobs, key=lambda job: -(job["last_seconds"] if job["last_seconds"] is not None else float("inf")))


def seconds_left(
    jobs: list[dict[str, Any]], finished: dict[str, float], started: dict[str, float], at_once: int
) -> float | None:
    """An estimate of the time that remains, from what each chapter took last time; None while nothing is known."""
    known = [job["last_seconds"] for job in jobs if job["last_seconds"] is not None] + list(finished.values())
    if not known:
        return None
    typical = sum(known) / len(known)
    left = []
    for job in jobs:
        if job["name"] not in finished:
            total = job["last_seconds"] if job["last_seconds"] is not None else typical
            elapsed = time.monotonic() - started[job["name"]] if job["name"] in started else 0.0
            left.append(max(0.0, total - elapsed))
    return max(sum(left) / at_once, max(left, default=0.0))
