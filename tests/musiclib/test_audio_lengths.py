"""musiclib.audio: whole files load whole, whatever their headers say, and what is missing is said with numbers."""

import io
import struct

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from musiclib import audio

SR = 22_050
UNKNOWN = 0xFFFFFFFF
EVERY_KIND = [
    (kind, subtype)
    for kind in ("wav", "aiff", "au", "flac", "rf64", "w64", "caf")
    for subtype in ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
    if sf.check_format(kind.upper(), subtype) and not (kind == "aiff" and "8" in subtype)
]
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """Odd in length, so that a chunk of bytes is odd, too."""
    return np.random.default_rng(0).uniform(-0.5, 0.5, 3 * SR + 1).astype(np.float32)


def chirp(seconds: float, sr: int, begin: float = 200.0) -> np.ndarray:
    t = np.arange(round(seconds * sr)) / sr
    return (0.4 * np.sin(2 * np.pi * (begin * t + 100 * t**2))).astype(np.float32)


# ---------------------------------------------------------------- what was saved is loaded


@given(st.sampled_from(EVERY_KIND), st.integers(1, 300), st.integers(1, 3), st.sampled_from([8000, 11_025, 44_100]))
def test_every_kind_length_and_number_of_channels_comes_back(tmp_path_factory, kind, size, channels, sr):
    ending, subtype = kind
    y = np.random.default_rng(size).uniform(-0.99, 0.99, (channels, size)).astype(np.float32)
    path = audio.save(tmp_path_factory.getbasetemp() / f"any.{ending}", y, sr, subtype=subtype)
    got, rate = audio.load(path, mono=False)
    assert rate == sr and got.shape == y.shape
    bits = BITS.get(subtype, 25)
    assert np.max(np.abs(got - y)) <= 0.5 / 2 ** (bits - 1) + 2**-24  # half a step: rounded, not cut off
    assert audio.examine(path)[2:] == (sr, channels, size)


@pytest.mark.parametrize(("ending", "subtype"), EVERY_KIND)
def test_integers_are_rounded_to_and_have_no_offset(tmp_path, noise, ending, subtype):
    path = audio.save(tmp_path / f"noise.{ending}", noise, SR, subtype=subtype)
    bits = BITS.get(subtype, 25)
    assert abs(np.mean(audio.load(path)[0] - noise)) < 0.02 / 2 ** (bits - 1) + 1e-9


# ---------------------------------------------------------------- WAV, by hand


def chunk(name: bytes, body: bytes, size: int | None = None, pad: bool = True) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2 * pad)


def wav(samples: bytes, *, bits=24, channels=1, riff=None, size=None, after=b"", before=b"", byte_rate=None, pad=True):
    width = bits // 8 * channels
    rate = SR * width if byte_rate is None else byte_rate
    head = chunk(b"fmt ", struct.pack("<HHIIHH", 1, channels, SR, rate, width, bits))
    body = b"WAVE" + head + before + chunk(b"data", samples, size, pad) + after
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff(len(body))) + body


ODD = bytes(range(1, 250)) + b"\7\7"  # 251 bytes; with 24 bits 83 samples and 2 bytes of no use
LIST = chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 6) + b"Lavf59")
LENGTHS = {
    "as the standard says": {},
    "nothing pads an odd chunk": {"pad": False},
    "the size of the whole file": {"riff": lambda n: n + 8},
    "one less": {"riff": lambda n: n - 1},
    "one more": {"riff": lambda n: n + 1},
    "no size": {"riff": lambda n: 0},
    "ffmpeg in a pipe": {"riff": lambda n: UNKNOWN, "size": UNKNOWN},
    "sox in a pipe": {"riff": lambda n: 0x7FFFF024, "size": 0x7FFFF000},
    "sox in a pipe, whole samples": {"riff": lambda n: 0x7FFFF024, "size": 0x7FFFEFFF},
    "arecord in a pipe": {"riff": lambda n: 0x80000024, "size": 0x80000000},
    "never closed": {"riff": lambda n: 0, "size": 0},
    "a wrong byte rate": {"byte_rate": 7},
    "a chunk behind": {"after": LIST},
    "an unknown chunk behind": {"after": chunk(b"\xffxyz", b"what is this")},
    "rubbish behind": {"after": b"\0" * 31},
    "a chunk in front": {"before": LIST},
    "the file's size for the data's": {"size": 44 + 249 + 1},
}


@pytest.mark.parametrize("case", LENGTHS)
def test_a_whole_wav_loads_whatever_its_sizes_say(tmp_path, case):
    samples = ODD[:249]
    path = tmp_path / "take.wav"
    path.write_bytes(wav(samples, **LENGTHS[case]))
    expected = np.array([int.from_bytes(samples[k : k + 3], "little", signed=True) for k in range(0, 249, 3)]) / 2**23
    y, _ = audio.load(path)
    assert audio.examine(path).frames == y.size
    np.testing.assert_allclose(y, expected, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("extra", range(6))
def test_bytes_that_are_no_whole_sample_are_no_loss(tmp_path, bits, channels, extra):
    width = bits // 8 * channels
    path = tmp_path / "take.wav"
    data = np.random.default_rng(3).integers(1, 255, 20 * width + extra % width, dtype=np.uint8).tobytes()
    path.write_bytes(wav(data, bits=bits, channels=channels))
    assert audio.load(path, mono=False)[0].shape == (channels, 20)


@pytest.mark.parametrize(("kept", "held"), [(0.5, 41), (0.99, 82)])
@pytest.mark.parametrize("riff", [None, lambda n: UNKNOWN, lambda n: 0])
def test_a_cut_wav_says_how_much_is_missing(tmp_path, kept, held, riff):
    path = tmp_path / "take.wav"
    path.write_bytes(wav(ODD[: int(249 * kept)], size=249, riff=riff, pad=False))
    for use in (audio.load, audio.read, audio.examine):
        with pytest.raises(audio.AudioError, match=rf"truncated: .* promises 83 samples and {held} are there"):
            use(path)


def test_chunks_behind_a_wav_of_no_samples_are_no_sound(tmp_path):
    path = tmp_path / "none.wav"
    path.write_bytes(wav(b"", after=LIST + LIST))
    with pytest.raises(audio.AudioError, match="holds no samples"):
        audio.load(path)


# ---------------------------------------------------------------- other containers


def written(y, kind, subtype=None) -> bytearray:
    buffer = io.BytesIO()
    sf.write(buffer, y.T, SR, format=kind, subtype=subtype)
    return bytearray(buffer.getvalue())


def without_length(y, kind) -> bytes:
    """As a program leaves it that writes through a pipe, or stops before it comes back to the header."""
    data = written(y, kind, None if kind == "FLAC" else "PCM_16")
    if kind == "AU":
        data[8:12] = b"\xff" * 4
    elif kind == "AIFF":
        at = data.index(b"COMM") + 10
        data[at : at + 4] = bytes(4)
        at = data.index(b"SSND") + 4
        data[4:8] = data[at : at + 4] = bytes(4)
    elif kind == "CAF":
        at = data.index(b"data") + 4
        data[at : at + 8] = b"\xff" * 8
    elif kind == "W64":
        at = data.index(b"data") + 16
        data[at : at + 8] = b"\xff" * 7 + b"\x7f"
    elif kind == "RF64":
        at = data.index(b"ds64") + 8
        data[at : at + 24] = bytes(24)
    elif kind == "FLAC":
        data[21] &= 0xF0
        data[22:26] = bytes(4)
    return bytes(data)


@pytest.mark.parametrize("kind", ["AU", "AIFF", "CAF", "W64", "RF64", "FLAC"])
def test_a_file_that_does_not_know_its_length_is_read_to_its_end(tmp_path, noise, kind):
    path = tmp_path / f"piped.{kind.lower()}"
    path.write_bytes(without_length(noise, kind))
    y, _ = audio.load(path)
    assert audio.examine(path).frames == y.size == noise.size
    assert np.max(np.abs(y - noise)) < 2**-14
    np.testing.assert_array_equal(
        audio.load(path, offset=1.7, duration=0.4)[0], y[round(1.7 * SR) :][: round(0.4 * SR)]
    )


@pytest.mark.parametrize("kind", ["AU", "AIFF", "SVX", "CAF", "W64", "RF64", "WAVEX", "NIST"])
@pytest.mark.parametrize("kept", [0.5, 0.9999])
def test_every_container_says_how_much_is_missing(tmp_path, noise, kind, kept):
    path = tmp_path / f"cut.{kind.lower()}"
    data = written(noise, kind, "PCM_16")
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(audio.AudioError, match=r"truncated: its header promises [\d,]+ (bytes of )?samples and [\d,]+"):
        audio.load(path)
    with pytest.raises(audio.AudioError, match="truncated"):
        audio.examine(path)


@pytest.mark.parametrize("subtype", ["GSM610", "G721_32", "IMA_ADPCM", "MS_ADPCM"])
def test_what_can_only_be_read_in_order_has_parts_too(tmp_path, subtype):
    sf.write(tmp_path / "phone.wav", chirp(2, 8000), 8000, subtype=subtype)
    whole, _ = audio.load(tmp_path / "phone.wav")
    assert whole.size >= 16_000
    np.testing.assert_array_equal(audio.load(tmp_path / "phone.wav", offset=1, duration=0.5)[0], whole[8000:12_000])


def test_a_chain_of_ogg_is_read_to_its_end(tmp_path, noise):
    links = [chirp(2, SR), chirp(1, SR, 500), chirp(1.5, SR, 900)]
    path = tmp_path / "radio.ogg"
    path.write_bytes(b"".join(bytes(written(y, "OGG")) for y in links))
    y, _ = audio.load(path)
    assert audio.examine(path).frames == y.size == sum(link.size for link in links)
    assert np.sqrt(np.mean((y - np.concatenate(links)) ** 2)) < 0.02
    np.testing.assert_array_equal(audio.load(path, offset=1.5, duration=2)[0], y[round(1.5 * SR) :][: 2 * SR])


def test_a_chain_of_ogg_in_several_rates_is_heard_at_the_first(tmp_path):
    path = tmp_path / "radio.ogg"
    stereo = np.stack([chirp(1, 44_100), chirp(1, 44_100)])
    second = io.BytesIO()
    sf.write(second, stereo.T, 44_100, format="OGG")
    path.write_bytes(bytes(written(chirp(1, SR), "OGG")) + second.getvalue())
    y, sr = audio.load(path)
    assert (sr, y.size) == (SR, 2 * SR)
    assert np.sqrt(np.mean((y - np.tile(chirp(1, SR), 2)) ** 2)) < 0.02


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_an_ogg_whose_last_page_breaks_off(tmp_path, noise, kept):
    data = written(noise, "OGG")
    (tmp_path / "cut.ogg").write_bytes(data[: int(len(data) * kept)])
    for use in (audio.load, audio.examine):
        with pytest.raises(audio.AudioError, match=r"truncated: its last page breaks off"):
            use(tmp_path / "cut.ogg")


# ---------------------------------------------------------------- MP3


def mp3(y: np.ndarray, quality: float, sr: int = 44_100) -> bytes:
    return audio.encode(y, sr, "MP3", compression=quality)


@pytest.fixture(scope="module")
def encoded(halves) -> tuple[bytes, bytes]:
    return mp3(halves[0], LOUD), mp3(halves[1], SOFT)


def untagged(data: bytes) -> bytes:
    """Without the first frame, which holds the Info tag: as old encoders wrote, and as cutters of MP3 leave it."""
    return data[data.index(data[:2], 4) :] if b"Info" in data[:64] else data


ID3_WITH_PICTURE = (
    b"ID3\x04\0\0" + bytes([0, 0, 3000 >> 7, 3000 & 0x7F]) + b"\xff\xfb\xe0\xc4picture\xff\xd8" * 200 + bytes(400)
)
ID3_AT_END = b"TAG" + b"a title".ljust(125, b"\0")
LOUD, SOFT = 0.0, 0.98  # 320 and 32 kbit/s


@pytest.fixture(scope="module")
def halves() -> tuple[np.ndarray, np.ndarray]:
    return chirp(1, 44_100), chirp(2, 44_100, 900.0)


@pytest.mark.parametrize("between", [b"", ID3_WITH_PICTURE, ID3_AT_END, ID3_AT_END + ID3_WITH_PICTURE])
@pytest.mark.parametrize("tags", ["none", "first", "second", "both"])
def test_two_mp3_joined_are_both_heard(tmp_path, halves, encoded, tags, between):
    first, second = encoded
    assert len(first) > 4 * len(second)
    first = first if tags in ("first", "both") else untagged(first)
    second = second if tags in ("second", "both") else untagged(second)
    path = tmp_path / "joined.mp3"
    path.write_bytes(ID3_WITH_PICTURE + first + between + second + ID3_AT_END)
    y, sr = audio.load(path)
    assert sr == 44_100 and audio.examine(path).frames == y.size
    lost = y.size - sum(half.size for half in halves)
    assert 0 <= lost <= 8 * 1152  # what encoders add at both ends
    # Both sound as they did: by the pitch in the middle of each.
    for at, half, where in ((0.5, halves[0], 0.5), (2.0, halves[1], 1.0)):
        heard = np.abs(np.fft.rfft(y[round(at * sr) :][:8192] * np.hanning(8192)))
        meant = np.abs(np.fft.rfft(half[round(where * sr) :][:8192] * np.hanning(8192)))
        assert abs(np.argmax(heard) - np.argmax(meant)) * sr / 8192 < 40


@pytest.mark.parametrize("quality", [LOUD, SOFT])
def test_a_part_of_an_mp3_is_that_part(tmp_path, halves, quality):
    # Where there are few bits, a frame leans on those before it.
    for name, data in (("tagged", mp3(halves[1], quality)), ("untagged", untagged(mp3(halves[1], quality)))):
        path = tmp_path / f"{name}.mp3"
        path.write_bytes(data)
        whole, sr = audio.load(path)
        for offset in (0.2, 0.87, 1.234):
            part, _ = audio.load(path, offset=offset, duration=0.5)
            np.testing.assert_allclose(part, whole[round(offset * sr) :][: round(0.5 * sr)], atol=1e-5)


def test_an_mp3_that_changes_its_rate_is_heard_at_the_first(tmp_path):
    path = tmp_path / "joined.mp3"
    path.write_bytes(mp3(chirp(2, 44_100), 0.2) + mp3(np.stack([chirp(2, SR)] * 2), 0.5, SR))
    y, sr = audio.load(path)
    assert sr == 44_100 and 0 <= y.size - 4 * sr <= 8 * 1152
    heard = np.argmax(np.abs(np.fft.rfft(y[3 * sr : 3 * sr + 8192] * np.hanning(8192)))) * sr / 8192
    assert heard == pytest.approx(200 + 200 * 1.1, abs=30)


@pytest.mark.parametrize("quality", [LOUD, 0.7])
def test_an_mp3_cut_short_of_what_its_tag_says(tmp_path, halves, quality):
    data = ID3_WITH_PICTURE + mp3(halves[1], quality)
    for kept in (0.3, 0.8, 0.999):
        (tmp_path / "cut.mp3").write_bytes(data[: int(len(data) * kept)])
        for use in (audio.load, audio.examine):
            with pytest.raises(
                audio.AudioError, match=r"truncated: its header promises 8\d,\d+ samples and [\d,]+ are"
            ):
                use(tmp_path / "cut.mp3")


def test_fraunhofers_tag_is_no_sound_and_is_believed(tmp_path, halves):
    sound = untagged(mp3(halves[0], LOUD))
    frame = sound.index(sound[:2], 4)
    count = len(sound) // frame
    tag = bytearray(frame)
    tag[:4] = sound[:4]
    tag[36:54] = b"VBRI" + struct.pack(">HHHII", 1, 0, 0, len(sound) + frame, count)
    (tmp_path / "whole.mp3").write_bytes(bytes(tag) + sound)
    (tmp_path / "plain.mp3").write_bytes(sound)
    (tmp_path / "cut.mp3").write_bytes(bytes(tag) + sound[: len(sound) // 2])
    np.testing.assert_array_equal(audio.load(tmp_path / "whole.mp3")[0], audio.load(tmp_path / "plain.mp3")[0])
    with pytest.raises(audio.AudioError, match="truncated"):
        audio.load(tmp_path / "cut.mp3")


# ---------------------------------------------------------------- examine and read


@pytest.mark.parametrize("kind", ["wav", "aiff", "flac", "ogg", "mp3"])
def test_examining_says_what_reading_gives(tmp_path, noise, kind):
    path = audio.save(tmp_path / f"noise.{kind}", np.stack([noise, noise[::-1]]), SR)
    info = audio.examine(path)
    y, sr = audio.read(path)
    assert (info.sr, info.channels, info.frames) == (sr, *y.shape) == (SR, 2, noise.size)
    assert info.format == kind.upper() and info.seconds == noise.size / SR
    np.testing.assert_array_equal(audio.load(path, mono=False)[0], y)


def test_reading_judges_no_numbers(tmp_path):
    sf.write(tmp_path / "odd.wav", np.array([0, np.nan, 1e6], np.float32), SR, subtype="FLOAT")
    assert audio.examine(tmp_path / "odd.wav").frames == 3
    np.testing.assert_array_equal(audio.read(tmp_path / "odd.wav")[0], [[0, np.nan, 1e6]])


def test_numbers_outside_the_part_are_of_no_concern(tmp_path, noise):
    y = noise.copy()
    y[:5] = np.nan
    sf.write(tmp_path / "odd.wav", y, SR, subtype="FLOAT")
    np.testing.assert_array_equal(audio.load(tmp_path / "odd.wav", offset=1)[0], noise[SR:])
    with pytest.raises(audio.AudioError, match="5 samples that are NaN"):
        audio.load(tmp_path / "odd.wav")


# ---------------------------------------------------------------- levels and channels in a file


def test_floats_a_little_beyond_full_scale_are_kept(tmp_path, noise):
    hot = noise * 2 * 10 ** (3 / 20)
    sf.write(tmp_path / "hot.wav", hot, SR, subtype="FLOAT")
    y, _ = audio.load(tmp_path / "hot.wav")
    assert np.max(np.abs(y)) > 1.4
    np.testing.assert_array_equal(y, hot.astype(np.float32))


@pytest.mark.parametrize(
    ("peak", "says"),
    [
        (15_781, r"peak of 15,781, and full scale is 1: .*16 bits. Divide them by 32,768"),
        (-32_768, "peak of 32,768.*by 32,768"),
        (5e6, "24 bits. Divide them by 8,388,608"),
        (2e9, "32 bits. Divide them by 2,147,483,648"),
        (1e12, r"full scale is 1. Scale it to \[-1, 1\]"),
    ],
)
def test_integers_stored_as_floats_are_named(tmp_path, noise, peak, says):
    sf.write(tmp_path / "ints.wav", np.round(noise / np.max(noise) * peak), SR, subtype="FLOAT")
    with pytest.raises(audio.AudioError, match=rf"ints\.wav has a {says}" if says.startswith("peak") else says):
        audio.load(tmp_path / "ints.wav")


@pytest.mark.parametrize(("kind", "subtype"), [("wav", "PCM_16"), ("wav", "FLOAT"), ("mp3", None), ("ogg", None)])
def test_channels_that_cancel_are_not_called_silent(tmp_path, kind, subtype):
    y = chirp(1, SR)
    path = audio.save(tmp_path / f"inverted.{kind}", np.stack([y, -y]), SR, subtype=subtype)
    with pytest.raises(audio.AudioError, match=rf"inverted\.{kind} has channels that cancel.*mono=False") as caught:
        audio.load(path)
    assert "every sample is zero" not in str(caught.value)
    assert audio.load(path, mono=False)[0].shape == (2, SR)
