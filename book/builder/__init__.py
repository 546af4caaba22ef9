"""The program that makes the book: chapters are found, run by papermill, held to the law, and shown as a site.

``chapters`` → ``run`` (execute, schedule, law) → ``site`` (stage, render); `python -m book.builder` does all of it.
"""

import sys

# Each process that reads a notebook would first build a grammar of web addresses for a second: nbformat imports
# jsonschema, and that whatever checker of formats it finds. None makes this one look as if it were not installed.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
