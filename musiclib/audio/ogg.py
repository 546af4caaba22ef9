"""Ogg: whether its last page is whole, and where one stream ends and the next begins.

Joined Ogg files are a valid Ogg file, a chain; libsndfile reads the first link of it.
"""

import io
from pathlib import Path
from typing import BinaryIO

from musiclib.audio.checks import AudioError

_HEAD, _FIRST = 27, 2  # bytes of a page's head, and its flag for the first page of a stream


def mended(path: Path) -> list[BinaryIO] | None:
    """The links of a chain one by one; None where there is one.

    Raises
    ------
    AudioError
        If the last page breaks off.
    """
    data = path.read_bytes()
    links, at, was_first = [], data.find(b"OggS"), False
    while at >= 0:
        end = _end(data, at)
        if end > len(data):
            raise AudioError(
                f"{path} is truncated: its last page breaks off, {len(data) - at:,} bytes of it are there. "
                "Copy or download it again."
            )
        is_first = bool(data[at + 5] & _FIRST)
        if is_first and not was_first:  # several that follow each other are streams side by side
            links.append(at)
        at, was_first = data.find(b"OggS", end), is_first
    if len(links) < 2:
        return None
    return [io.BytesIO(data[begin:end]) for begin, end in zip(links, [*links[1:], len(data)], strict=True)]


def _end(data: bytes, at: int) -> int:
    """Where the page ends that begins there: behind the head, the table of lengths and what they sum up to."""
    table = at + _HEAD
    if table > len(data):
        return table
    lengths = data[table : table + data[table - 1]]
    return table + data[table - 1] + sum(lengths)
