"""musiclib.datasets.folder: a folder of one's own music, whole or partly broken."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from musiclib import audio, datasets, splits
from musiclib.datasets import DatasetError

SR = 8000


def tone(seconds: float, frequency: float = 300.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * SR)) / SR)).astype(np.float32)


def put(root, name: str, seconds: float = 1.0, **options):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return audio.save(path, tone(seconds, **options), SR)


@pytest.fixture
def music(tmp_path):
    """Two makams, five recordings, four formats, one of them a folder deeper."""
    root = tmp_path / "my music"
    put(root, "hicaz/peşrev 1.wav", 2.5)
    put(root, "hicaz/peşrev 2.flac", 1.0)
    put(root, "rast/cd1/semai.mp3", 2.0)
    put(root, "rast/taksim.ogg", 3.0)
    put(root, "rast/taksim.WAV", 0.6)
    (root / "rast" / "cover.jpg").write_bytes(b"no sound")
    (root / "rast" / "._taksim.ogg").write_bytes(b"what some systems leave behind")
    (root / ".hidden").mkdir()
    return root


def test_a_data_set_in_three_lines(tmp_path):
    for label in ("bach", "haydn"):
        for i in range(4):
            put(tmp_path, f"{label}/{i}.wav", 2.0, frequency=200.0 + 10 * i)
    mine = datasets.load("folder", data_home=tmp_path, segment=0.5)
    mine = mine.with_split(splits.train_validation_test(mine.manifest))
    y, sr = mine.load(mine.manifest.index[0])
    assert (y.shape, sr) == ((4000,), SR)
    assert mine.balance().loc["bach", ["items", "groups", "train", "validation", "test"]].tolist() == [16, 4, 8, 4, 4]


def test_every_format_and_every_depth_is_found(music):
    mine = datasets.load("folder", data_home=music)
    names = ["hicaz/peşrev 1.wav", "hicaz/peşrev 2.flac", "rast/cd1/semai.mp3", "rast/taksim.WAV", "rast/taksim.ogg"]
    assert list(mine.manifest.index) == names
    assert mine.manifest.label.tolist() == ["hicaz", "hicaz", "rast", "rast", "rast"]
    assert mine.manifest.group.nunique() == 5 and (mine.manifest.split == "").all()
    np.testing.assert_allclose(mine.manifest.duration, [2.5, 1.0, 2.0, 0.6, 3.0], atol=0.05)
    assert mine.manifest.attrs["left_out"] == {}
    for id, (y, sr) in mine:
        assert y.dtype == np.float32 and y.size / sr == pytest.approx(mine.manifest.duration[id])


def test_long_files_are_cut_and_the_pieces_put_together_are_the_file(music):
    mine = datasets.load("folder", data_home=music, segment=0.7, min_seconds=0.0).filter(path="hicaz/peşrev 1.wav")
    assert mine.manifest.start.tolist() == pytest.approx([0, 0.7, 1.4, 2.1])
    assert mine.manifest.duration.tolist() == pytest.approx([0.7, 0.7, 0.7, 0.4])
    assert mine.manifest.group.nunique() == 1
    pieces = [y for _, (y, _) in mine]
    np.testing.assert_array_equal(np.concatenate(pieces), audio.load(music / "hicaz/peşrev 1.wav")[0])


def test_short_last_pieces_and_short_files_are_left_out(music):
    with pytest.warns(UserWarning, match=r"rast/taksim\.WAV: it is too short: 0\.600 s, expected at least 1 s"):
        mine = datasets.load("folder", data_home=music, segment=1.0)
    assert mine.manifest.groupby("path").size().to_dict() == {
        "hicaz/peşrev 1.wav": 2,
        "hicaz/peşrev 2.flac": 1,
        "rast/cd1/semai.mp3": 2,
        "rast/taksim.ogg": 3,
    }
    assert (mine.manifest.duration == 1.0).all()


def test_a_set_goes_to_other_processes(music):
    mine = datasets.load("folder", data_home=music, segment=0.5)
    there = pickle.loads(pickle.dumps(mine))
    np.testing.assert_array_equal(there.load("rast/taksim.ogg@1.500")[0], mine.load("rast/taksim.ogg@1.500")[0])


def test_rates_are_made_the_same_where_asked(music):
    mine = datasets.load("folder", data_home=music, sr=4000, license="mine")
    assert {sr for _, (_, sr) in mine} == {4000}
    assert (mine.manifest.license == "mine").all()


@pytest.mark.parametrize(
    ("rule", "groups"),
    [
        (r"[^-]+", ["kv331", "kv331", "op10", "op10"]),
        (r"(\w+)-", ["kv331", "kv331", "op10", "op10"]),
        (lambda stem: stem[-1], ["1", "2", "1", "2"]),
    ],
)
def test_a_rule_keeps_together_what_belongs_together(tmp_path, rule, groups):
    for name in ("mozart/kv331-1", "mozart/kv331-2", "beethoven/op10-1", "beethoven/op10-2"):
        put(tmp_path, f"{name}.wav", 0.2)
    mine = datasets.load("folder", data_home=tmp_path, group=rule)
    assert mine.manifest.sort_values("path", key=lambda p: p.str.rsplit("/").str[-1]).group.tolist() == groups


def test_a_name_that_does_not_follow_the_rule_is_named(music):
    with pytest.raises(DatasetError, match=r"'semai\.mp3' does not begin as group="):
        datasets.load("folder", data_home=music, group=r"(peşrev|taksim)")
    with pytest.raises(DatasetError, match=r"group='\(' is no regular expression"):
        datasets.load("folder", data_home=music, group="(")


# ---------------------------------------------------------------- broken members


def spoil(music) -> dict[str, str]:
    """Broken files of every kind in the class hicaz, and what is said of each."""
    whole = (music / "hicaz/peşrev 1.wav").read_bytes()
    (music / "hicaz/empty.wav").write_bytes(b"")
    (music / "hicaz/cut.wav").write_bytes(whole[: len(whole) // 2])
    (music / "hicaz/words.mp3").write_bytes(b"these are words, not a sound " * 99)
    (music / "hicaz/phone.m4a").write_bytes(b"....ftypM4A ")
    sf.write(music / "hicaz/nan.wav", np.full(800, np.nan), SR, subtype="FLOAT")
    sf.write(music / "hicaz/silent.wav", np.zeros(800), SR)
    sf.write(music / "hicaz/nothing.wav", np.zeros(0), SR)
    return {
        "hicaz/cut.wav": "is truncated",
        "hicaz/empty.wav": "is empty: 0 bytes",
        "hicaz/nan.wav": "has 800 samples that are NaN",
        "hicaz/nothing.wav": "holds no samples",
        "hicaz/phone.m4a": "libsndfile does not read .m4a: convert it",
        "hicaz/silent.wav": "is silent",
        "hicaz/words.mp3": "cannot be read as a sound",
    }


def test_broken_files_are_reported_together_and_the_rest_is_used(music):
    expected = spoil(music)
    with pytest.warns(UserWarning, match="7 files in .* cannot be used") as caught:
        mine = datasets.load("folder", data_home=music)
    assert len(caught) == 1 and caught[0].filename == __file__  # it points to who asked
    left_out = mine.manifest.attrs["left_out"]
    assert sorted(left_out) == sorted(expected)
    for name, says in expected.items():
        assert says in left_out[name] and f"{name}: " in str(caught[0].message)
    assert len(mine) == 5 and all(y.size for _, (y, _) in mine)


def test_a_name_that_is_no_text_costs_its_file_only(music):
    whole = (music / "hicaz/peşrev 1.wav").read_bytes()
    try:
        with open(os.fsencode(music) + b"/hicaz/caf\xe9.wav", "wb") as file:  # Latin-1, as in old archives
            file.write(whole)
    except (OSError, UnicodeDecodeError):
        pytest.skip("this system takes no such name")
    with pytest.warns(UserWarning, match=r"caf\?\.wav: its name is not in UTF-8: rename it"):
        assert len(datasets.load("folder", data_home=music)) == 5


def test_broken_files_stop_where_that_is_asked(music):
    spoil(music)
    with pytest.raises(DatasetError, match=r"(?s)7 files in .*words\.mp3.*or pass unreadable='warn'"):
        datasets.load("folder", data_home=music, unreadable="raise")


def test_headers_alone_tell_most(music):
    spoil(music)
    with pytest.warns(UserWarning, match="files in .* cannot be used"):
        mine = datasets.load("folder", data_home=music, thorough=False)
    told = {"cut.wav", "empty.wav", "nothing.wav", "phone.m4a", "words.mp3"}
    assert set(mine.manifest.attrs["left_out"]) == {f"hicaz/{name}" for name in told}


def test_a_silent_stretch_costs_its_pieces_only(music):
    gap = np.concatenate([tone(1.0), np.zeros(SR), tone(1.0)])
    sf.write(music / "rast/gap.wav", gap, SR)
    with pytest.warns(UserWarning, match=r"rast/gap\.wav: 1 of 3 pieces: is silent"):
        mine = datasets.load("folder", data_home=music, segment=1.0, min_seconds=0.5)
    assert mine.filter(path="rast/gap.wav").manifest.start.tolist() == [0.0, 2.0]


# ---------------------------------------------------------------- folders that are no data set


def test_one_class(tmp_path):
    put(tmp_path, "bach/1.wav")
    with pytest.raises(DatasetError, match=r"has one class, 'bach'\. Expected two classes or more: one sub-folder"):
        datasets.load("folder", data_home=tmp_path)


def test_no_class(tmp_path):
    put(tmp_path, "1.wav")
    put(tmp_path, "2.flac")
    with pytest.raises(DatasetError, match="has no sub-folder and 2 sound files of no class"):
        datasets.load("folder", data_home=tmp_path)


def test_an_empty_class(music):
    (music / "nihavend").mkdir()
    (music / "nihavend" / "notes.txt").write_text("none yet")
    with pytest.raises(DatasetError, match=r"the classes \['nihavend'\] of .* have no sound files"):
        datasets.load("folder", data_home=music)


@pytest.mark.filterwarnings("ignore:folder")
def test_a_class_with_nothing_that_can_be_used(music):
    (music / "nihavend").mkdir()
    (music / "nihavend" / "words.wav").write_text("not a sound")
    with pytest.raises(DatasetError, match=r"none of the files in .*nihavend can be used \(cannot be read as a sound"):
        datasets.load("folder", data_home=music)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"segment": 0}, "segment=0: expected a positive number"),
        ({"segment": -1.0}, "segment=-1.0: expected a positive number"),
        ({"unreadable": "ignore"}, "unreadable='ignore': expected 'warn' or 'raise'"),
    ],
)
def test_options_that_make_no_sense(music, options, says):
    with pytest.raises(DatasetError, match=says):
        datasets.load("folder", data_home=music, **options)


def test_the_same_folder_gives_the_same_manifest(music):
    first, second = (datasets.load("folder", data_home=music, segment=0.5) for _ in range(2))
    pd.testing.assert_frame_equal(first.manifest, second.manifest)
