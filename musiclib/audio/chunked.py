"""Files of chunks (WAV, RF64, W64, AIFF, AU, CAF): what the header promises of samples, and how many are there.

libsndfile reads what is there and does not say that it is less than was promised. A program that writes through a
pipe cannot go back to its header, so what it promises there is a placeholder, and all up to the end is sound.
"""

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import soundfile as sf

from musiclib.audio.checks import AudioError

_WIDTHS = {
    "PCM_S8": 1,
    "PCM_U8": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
    "ULAW": 1,
    "ALAW": 1,
}
# What sox, arecord, ffmpeg, lame and others write in a pipe: these, or as much less as makes whole samples.
_PLACEHOLDERS = (0x7F000000, 0x80000000, 0xFFFFFFFF)


class Layout(NamedTuple):
    """How a family of files orders its chunks."""

    begin: int  # of the first chunk, in bytes
    id_size: int
    length: str  # of a chunk: its format for struct
    counts_itself: bool = False  # whether a chunk's length includes its head
    align: int = 2
    data: tuple[bytes, ...] = (b"data",)
    before: int = 0  # bytes between the head of the data chunk and its samples, which its length includes


_LAYOUTS = {
    b"RIFF": Layout(12, 4, "<I"),
    b"RIFX": Layout(12, 4, ">I"),
    b"RF64": Layout(12, 4, "<I"),
    b"BW64": Layout(12, 4, "<I"),
    b"FORM": Layout(12, 4, ">I", data=(b"SSND",), before=8),
    b"riff": Layout(40, 16, "<Q", counts_itself=True, align=8),
    b"caff": Layout(8, 4, ">q", align=1, before=4),
}
_AMIGA = Layout(12, 4, ">I", data=(b"BODY",))


class Data(NamedTuple):
    """The chunk of the samples."""

    promised: int  # bytes; what is not positive is unknown
    held: int
    field: int  # where its length stands
    length: str
    extra: int  # what that length counts beside the samples


def mended(path: Path, sound: sf.SoundFile | None) -> list[BinaryIO] | None:
    """The file with a true length in its header, where libsndfile needs it; None where it reads the file as it is.

    Raises
    ------
    AudioError
        If whole samples are missing that the header promises.
    """
    data = _data(path)
    if data is None:
        return None
    size = path.stat().st_size
    if _unknown(data.promised):
        if data.held <= 0:
            raise AudioError(f"{path} is empty or truncated: it holds no samples. Copy or download it again.")
        if sound is not None and sound.frames > 0:
            return None
        whole = bytearray(path.read_bytes())
        struct.pack_into(data.length, whole, data.field, data.held + data.extra)
        return [io.BytesIO(whole)]
    width = _WIDTHS.get(sound.subtype) if sound is not None else None
    unit = width * sound.channels if sound is not None and width else 1
    promised, held = data.promised // unit, max(0, data.held) // unit
    miscounted = (size, size - 8)  # some programs write the size of the file instead
    if promised > held and data.promised not in miscounted:
        what = "samples" if width else "bytes of samples"
        raise AudioError(
            f"{path} is truncated: its header promises {promised:,} {what} and {held:,} are there. "
            "Copy or download it again."
        )
    return None


def _unknown(promised: int) -> bool:
    return promised <= 0 or promised >= 2**62 or any(-64 <= p - promised <= 8192 for p in _PLACEHOLDERS)


def _data(path: Path) -> Data | None:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1024)
        if head[:4] in (b".snd", b"dns.") and len(head) >= 12:
            order = ">" if head[:1] == b"." else "<"
            begin, promised = struct.unpack(f"{order}II", head[4:12])
            return Data(promised, size - begin, 8, f"{order}I", 0)
        if head[:7] == b"NIST_1A":
            return _sphere(head, size)
        layout = _AMIGA if head[:4] == b"FORM" and head[8:12] in (b"8SVX", b"16SV") else _LAYOUTS.get(head[:4])
        return _chunk_of_data(file, layout, size) if layout else None


def _sphere(head: bytes, size: int) -> Data | None:
    """NIST's files have their numbers in words: "sample_count -i 61440"."""
    said = dict(re.findall(rb"(\w+) -[is]\d* (\d+)", head))
    begin = head.split(maxsplit=2)[1:2]
    if b"shorten" in head or b"sample_count" not in said or not begin or not begin[0].isdigit():
        return None
    unit = int(said.get(b"channel_count", 1)) * int(said.get(b"sample_n_bytes", 2))
    return Data(int(said[b"sample_count"]) * unit, size - int(begin[0]), 0, "", 0)


def _chunk_of_data(file: BinaryIO, layout: Layout, size: int) -> Data | None:
    large = None  # RF64 has its lengths of 64 bits in a chunk of their own
    chunks = _chunks(file, layout)
    for id, length, begin in chunks:
        if id == b"ds64" and len(body := file.read(16)) == 16:
            large = Data(struct.unpack("<8xQ", body)[0], 0, begin + 8, "<Q", 0)
        elif id in layout.data:
            held = size - begin - layout.before
            if length == 0 and any(size - 1 <= after + more <= size + 1 for _, more, after in chunks):
                held = 0  # no sound at all, and what follows are chunks up to the end
            if large is not None:
                return large._replace(held=held)
            head = layout.id_size + struct.calcsize(layout.length)
            extra = layout.before + head * layout.counts_itself
            return Data(length - layout.before, held, begin - struct.calcsize(layout.length), layout.length, extra)
    return None


def _chunks(file: BinaryIO, layout: Layout) -> Iterator[tuple[bytes, int, int]]:
    """(name, length, where it begins) of each chunk; the file stands there."""
    at = layout.begin
    head = layout.id_size + struct.calcsize(layout.length)
    while True:
        file.seek(at)
        bytes_of_head = file.read(head)
        if len(bytes_of_head) < head:
            return
        (length,) = struct.unpack(layout.length, bytes_of_head[layout.id_size :])
        length -= head * layout.counts_itself
        yield bytes_of_head[:4], length, at + head
        if length < 0:
            return
        at += head + length
        at += -at % layout.align
