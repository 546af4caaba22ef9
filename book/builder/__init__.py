"""The program that makes the book: chapters are found, run by papermill, held to the law, and shown as a site.

``chapters`` → ``run`` (execute, schedule, law) → ``site`` (stage, render); `python -m book.builder` does all of it.
"""
