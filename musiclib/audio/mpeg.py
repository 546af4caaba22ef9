"""MP3 and its kin: how many frames a file really has.

Where no tag says it, libsndfile guesses a file's length from its size; where a tag of the first of two joined files
says it, libsndfile stops there. Both lose sound, so the frames are counted: their headers are a chain.
"""

import io
import itertools
import re
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import soundfile as sf

from musiclib.audio.checks import AudioError

_KBITS = {  # by (MPEG 1, layer), for the 14 values of the header's field
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_NEXT = re.compile(rb"\xff[\xe2-\xff]|ID3[\x02-\x04]")  # a frame, or a tag that may hold a picture


class Kind(NamedTuple):
    """What stays the same from frame to frame."""

    version: int
    layer: int
    sr: int
    mono: bool

    @property
    def samples(self) -> int:
        """Of one frame, in each channel."""
        return {1: 384, 2: 1152, 3: 1152 if self.version == 3 else 576}[self.layer]


class Frame(NamedTuple):
    """From which byte of the file to which one it goes."""

    begin: int
    end: int
    kind: Kind


class Tag(NamedTuple):
    """What an Xing, Info or VBRI tag says. It stands in a frame of its own, which holds no sound."""

    name: bytes
    frames: int  # 0 where it does not say
    size: int  # bytes, likewise


class Stream(NamedTuple):
    """All frames of a file, and how they hang together."""

    frames: list[Frame]
    unbroken: bool  # whether each frame begins where the one before it ends
    cut: bool  # whether the last one breaks off


class _Unmeasured(io.BytesIO):
    """Bytes that do not say how many they are: libsndfile then counts the frames and does not guess."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at_end = whence == io.SEEK_END
        return super().seek(offset, whence)

    def tell(self) -> int:
        return 0 if getattr(self, "_at_end", False) else super().tell()


def mended(path: Path, sound: sf.SoundFile | None) -> list[BinaryIO] | None:
    """The frames with sound, one stream for each run of a kind, where libsndfile would not read all; else None.

    Raises
    ------
    AudioError
        If frames are missing that the tag promises.
    """
    data = path.read_bytes()
    stream = _stream(data)
    if not stream.frames:
        return None
    tag = _tag(data, stream.frames[0])
    with_sound = stream.frames[1:] if tag else stream.frames
    if not with_sound:
        raise AudioError(f"{path} is empty or truncated: it holds no samples. Copy or download it again.")
    if tag:
        _refuse_truncated(path, tag, stream, len(with_sound))
    runs = [list(run) for _, run in itertools.groupby(with_sound, key=lambda frame: frame.kind)]
    each = with_sound[0].kind.samples
    says = tag.frames * each if tag and tag.name != b"VBRI" else sound.frames if sound and not tag else -1
    if len(runs) == 1 and stream.unbroken and says == len(with_sound) * each:
        return None
    return [_Unmeasured(b"".join(data[f.begin : f.end] for f in run if not _tag(data, f))) for run in runs]


def _refuse_truncated(path: Path, tag: Tag, stream: Stream, held: int) -> None:
    missing = tag.frames - held
    shorter = stream.frames[-1].end - stream.frames[0].begin < tag.size
    if missing > 1 or (missing == 1 and (stream.cut or shorter)):  # some encoders count the tag's own frame, too
        kind = stream.frames[0].kind
        raise AudioError(
            f"{path} is truncated: its header promises {tag.frames * kind.samples:,} samples and "
            f"{held * kind.samples:,} are there. Copy or download it again."
        )


def _tag(data: bytes, frame: Frame) -> Tag | None:
    side = (17 if frame.kind.mono else 32) if frame.kind.version == 3 else (9 if frame.kind.mono else 17)
    head = data[frame.begin : min(frame.end, frame.begin + 60)]
    for at in (4 + side, 6 + side):  # with a checksum some encoders move it
        if head[at : at + 4] in (b"Xing", b"Info"):
            flags, *numbers = (int.from_bytes(head[at + k : at + k + 4]) for k in (4, 8, 12))
            frames = numbers.pop(0) if flags & 1 else 0
            return Tag(head[at : at + 4], frames, numbers[0] if flags & 2 else 0)
    if head[36:40] == b"VBRI":
        return Tag(b"VBRI", int.from_bytes(head[50:54]), int.from_bytes(head[46:50]))
    return None


def _stream(data: bytes) -> Stream:
    frames: list[Frame] = []
    at, kind, unbroken = 0, None, True
    while True:
        size, found = _header(data[at : at + 4])
        if found is None or found != kind:
            begin = _resynchronized(data, at)
            unbroken = unbroken and (begin == len(data) or not frames)
            at = begin
            size, found = _header(data[at : at + 4])
        if found is None or at + size > len(data):
            return Stream(frames, unbroken, cut=at < len(data))
        frames.append(Frame(at, at + size, found))
        at, kind = at + size, found


def _resynchronized(data: bytes, at: int) -> int:
    """Where the next frame begins that another one of its kind follows, or the end; tags are passed over."""
    while match := _NEXT.search(data, at):
        at = match.start()
        if match[0][:3] == b"ID3":
            size = sum(
                (byte & 0x7F) << shift for byte, shift in zip(data[at + 6 : at + 10], (21, 14, 7, 0), strict=False)
            )
            at += 10 + size
            continue
        size, kind = _header(data[at : at + 4])
        after = data[at + size : at + size + 4]
        if size and (not after or after[:3] == b"TAG" or _header(after)[1] == kind):
            return at
        at += 1
    return len(data)


def _header(four: bytes) -> tuple[int, Kind | None]:
    """(bytes of the frame with this header, its kind); (0, None) if it is none, or of free format."""
    return _parsed(four[1], four[2], four[3] >> 6 == 3) if len(four) == 4 and four[0] == 0xFF else (0, None)


@cache
def _parsed(second: int, third: int, mono: bool) -> tuple[int, Kind | None]:
    version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
    kbits, rate, padding = third >> 4, third >> 2 & 3, third >> 1 & 1
    if second >> 5 != 7 or version == 1 or layer == 4 or kbits in (0, 15) or rate == 3:
        return 0, None
    kind = Kind(version, layer, _RATES[version][rate], mono)
    bits = _KBITS[version == 3, layer][kbits - 1] * 1000
    if layer == 1:
        return (12 * bits // kind.sr + padding) * 4, kind
    return kind.samples // 8 * bits // kind.sr + padding, kind
