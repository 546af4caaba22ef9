"""Notes which files of the course a chapter opens: Python loads this file wherever it is on PYTHONPATH.

The builder puts it there for a chapter's kernel, so that worker processes and other programs in Python that the kernel
starts are heard too. A module counts as opened when it is imported. What C code opens by itself is not heard, and
neither is a question whether a file is there; an attempt to open one that is not there is.
"""

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = ("data", "musiclib")


def content(path):
    """The hash of a file's content; None where it is not there or may not be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def writes(mode, flags):
    """Whether a file is opened to be made anew, and not to be read."""
    if mode is not None:
        return "r" not in mode
    return flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) == os.O_WRONLY


def listen(root, log):
    """Append a line to `log` for every file below the folders of `root`, when it is first opened.

    A line is the file's path from `root`, what was done, "read" or "written", and the hash of what was read. It is
    appended at once and in one piece, so that several processes may write and any of them be killed.
    """
    below = tuple(os.path.join(root, folder) + os.sep for folder in FOLDERS)
    seen = set()

    def note(path, written):
        if path.endswith(".pyc"):
            if written:
                return
            path = importlib.util.source_from_cache(path)  # compiled code stands for its source
        path = os.path.abspath(os.fsdecode(path))
        if path in seen or not path.startswith(below) or "__pycache__" in path or os.path.isdir(path):
            return
        seen.add(path)
        done = ["written", None] if written else ["read", content(path)]
        line = json.dumps([os.path.relpath(path, root).replace(os.sep, "/"), *done]) + "\n"
        handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def hear(event, arguments):
        if event == "open":
            path, mode, flags = arguments
            written = writes(mode, flags)
        elif event == "os.rename":  # the last step of a file that appears whole
            path, written = arguments[1], True
        else:
            return
        if isinstance(path, str | bytes | os.PathLike):
            with contextlib.suppress(Exception):  # whatever this is, it must not stop the chapter
                note(os.fsdecode(path), written)

    sys.addaudithook(hear)


def give_way():
    """Load the environment's own `sitecustomize`, which this one has hidden."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != HERE]
    found = importlib.machinery.PathFinder.find_spec("sitecustomize")
    if found is not None and found.loader is not None:
        module = importlib.util.module_from_spec(found)
        sys.modules["sitecustomize"] = module
        found.loader.exec_module(module)


if os.environ.get("COURSE_ROOT") and os.environ.get("COURSE_OPENED"):
    listen(os.environ["COURSE_ROOT"], os.environ["COURSE_OPENED"])
give_way()
