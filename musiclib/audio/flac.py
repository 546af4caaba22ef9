"""FLAC that came through a pipe: its header says 0 samples, which means that it does not know."""

import io
from pathlib import Path
from typing import BinaryIO

import soundfile as sf

_TOTAL = 21  # bytes from the mark to the number of samples: 36 bits, the first four of which share a byte
_MOST = 2**36


def mended(path: Path, sound: sf.SoundFile) -> list[BinaryIO] | None:
    """The file with its true number of samples in its header; None where that is there."""
    if sound.frames < _MOST:
        return None
    data = bytearray(path.read_bytes())
    at = data.index(b"fLaC") + _TOTAL
    total = _count(path)
    data[at] = data[at] & 0xF0 | total >> 32
    data[at + 1 : at + 5] = (total & 0xFFFFFFFF).to_bytes(4)
    return [io.BytesIO(data)]


def _count(path: Path) -> int:
    """How many samples can be reached: the last one is found by halving, which decodes a frame for each try."""
    low, high = -1, _MOST
    while high - low > 1:
        middle = (low + high) // 2
        try:
            with sf.SoundFile(path) as sound:  # one that failed to seek cannot go on
                sound.seek(middle)
            low = middle
        except sf.SoundFileError:
            high = middle
    return low + 1
