"""Executing chapters: what is out of date, several at once, each in a process of its own, held to the law."""
