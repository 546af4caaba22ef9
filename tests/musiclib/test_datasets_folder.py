"""musiclib.datasets.folder: a folder of one's own music, whole or partly broken."""

import os
import pickle
from pathlib import Path

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
    with pytest.raises(DatasetError, match=r"names that do not begin as group=.* says: 'semai\.mp3'\."):
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
    with pytest.warns(UserWarning, match="folder: 7 items left out of ") as caught:
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
    with pytest.raises(DatasetError, match=r"(?s)7 items left out of .*words\.mp3.*or pass unreadable='warn'"):
        datasets.load("folder", data_home=music, unreadable="raise")


def test_headers_alone_tell_most(music):
    spoil(music)
    with pytest.warns(UserWarning, match="5 items left out of "):
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
    with pytest.raises(
        DatasetError, match=r"has one class with sound files, 'bach'\. Expected two classes or more: one sub-"
    ):
        datasets.load("folder", data_home=tmp_path)


def test_no_class(tmp_path):
    put(tmp_path, "1.wav")
    put(tmp_path, "2.flac")
    with pytest.raises(DatasetError, match="has no sub-folder with sound files, and 2 sound files of no class"):
        datasets.load("folder", data_home=tmp_path)


def test_sub_folders_without_sound_are_named_once_and_left_out(music):
    for name in ("scores", "covers", "notes", "papers", "letters", "empty"):
        (music / name / "deeper").mkdir(parents=True)
        (music / name / "deeper" / "page.txt").write_text("no sound")
    with pytest.warns(
        UserWarning, match=r"6 items left out .*\n  6 \(covers/, empty/, letters/, \.\.\.\): is no class"
    ) as told:
        mine = datasets.load("folder", data_home=music)
    assert len(told) == 1 and mine.labels == ["hicaz", "rast"] and "scores/" in mine.manifest.attrs["left_out"]
    with pytest.raises(DatasetError, match="6 items left out"):
        datasets.load("folder", data_home=music, unreadable="raise")


def test_files_beside_the_classes_are_named(music):
    put(music, "loose.wav")
    with pytest.warns(UserWarning, match=r"loose\.wav: lies beside the classes: move it into"):
        assert len(datasets.load("folder", data_home=music)) == 5


def test_classes_with_nothing_that_can_be_used_are_left_out_and_named_together(music):
    for label in ("nihavend", "saba"):
        for i in range(3):
            put(music, f"{label}/{i}.wav").write_text("not a sound")
    with pytest.warns(
        UserWarning, match=r"6 items left out of .*, and nothing is left of class nihavend, class saba:\n"
    ):
        mine = datasets.load("folder", data_home=music)
    assert mine.labels == ["hicaz", "rast"]
    assert mine.manifest.attrs["left_out"]["class saba"] == "none of its 3 files can be used"


def test_fewer_than_two_classes_with_anything_that_can_be_used(music):
    for path in (music / "rast").rglob("*.*"):
        path.write_text("not a sound")
    with pytest.raises(
        DatasetError, match=r"has one class with files that can be used; .* 2:\n  class rast: none of its 3"
    ):
        datasets.load("folder", data_home=music)


# ---------------------------------------------------------------- what others leave in folders, and links


def test_what_programs_and_systems_leave_behind_is_no_item(music):
    whole = (music / "hicaz/peşrev 1.wav").read_bytes()
    junk = [
        "hicaz/.ipynb_checkpoints/0-checkpoint.wav",
        "__MACOSX/hicaz/0.wav",
        "hicaz/__MACOSX/._0.wav",
        "rast/._a.wav",
    ]
    for name in [*junk, ".trash/0.wav", "rast/@eaDir/0.wav", ".ipynb_checkpoints/0.wav", "hicaz/Thumbs.db"]:
        (music / name).parent.mkdir(parents=True, exist_ok=True)
        (music / name).write_bytes(whole)
    mine = datasets.load("folder", data_home=music)
    assert len(mine) == 5 and mine.labels == ["hicaz", "rast"] and mine.manifest.attrs["left_out"] == {}


def test_links_to_folders_and_files_are_followed(music, tmp_path):
    put(tmp_path, "elsewhere/saba/1.wav")
    put(tmp_path, "elsewhere/more/2.wav")
    (music / "saba").symlink_to(tmp_path / "elsewhere" / "saba", target_is_directory=True)
    (music / "hicaz" / "more").symlink_to(tmp_path / "elsewhere" / "more", target_is_directory=True)
    (music / "rast" / "linked.wav").symlink_to(tmp_path / "elsewhere" / "more" / "2.wav")
    mine = datasets.load("folder", data_home=music)
    assert mine.labels == ["hicaz", "rast", "saba"]
    assert {"saba/1.wav", "hicaz/more/2.wav"} <= set(mine.manifest.index) and len(mine) == 7
    assert mine.manifest.attrs["left_out"] == {}


def test_a_file_that_two_names_lead_to_is_one_item(music):
    (music / "hicaz" / "again.wav").symlink_to(music / "hicaz" / "peşrev 1.wav")
    (music / "hicaz" / "round").symlink_to(music, target_is_directory=True)
    (music / "also rast").symlink_to(music / "rast", target_is_directory=True)  # it would be on two sides
    with pytest.warns(UserWarning, match=r"also rast/: is no class: there is no sound file of its own in it"):
        assert len(datasets.load("folder", data_home=music)) == 5


def test_links_that_lead_nowhere_are_named(music):
    (music / "hicaz" / "gone.wav").symlink_to(music / "annex" / "object")
    (music / "hicaz" / "self.wav").symlink_to(music / "hicaz" / "self.wav")
    with pytest.warns(UserWarning, match=r"2 \(hicaz/gone\.wav, hicaz/self\.wav\): is a link to what is not there"):
        assert len(datasets.load("folder", data_home=music)) == 5


def test_files_and_folders_that_may_not_be_opened_are_named(music, monkeypatch):
    closed = {music / "rast" / "cd1", music / "rast" / "taksim.ogg"}

    def refusing(real):
        def opened(path, *args, **options):
            if path in closed:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *args, **options)

        return opened

    monkeypatch.setattr("os.scandir", refusing(os.scandir))
    monkeypatch.setattr("pathlib.Path.open", refusing(Path.open))
    with pytest.warns(UserWarning, match=r"2 \(rast/cd1, rast/taksim\.ogg\): cannot be opened: Permission denied"):
        assert len(datasets.load("folder", data_home=music)) == 3


def test_a_file_that_breaks_its_reader_costs_itself_only(music, monkeypatch):
    load = audio.load

    def breaking(path, **options):
        if path.name == "taksim.ogg":
            raise MemoryError("cannot allocate 4 TB")
        return load(path, **options)

    monkeypatch.setattr(audio, "load", breaking)
    with pytest.warns(UserWarning, match=r"rast/taksim\.ogg: cannot be read: MemoryError: cannot allocate 4 TB"):
        assert len(datasets.load("folder", data_home=music)) == 4


def test_every_file_is_decoded_once(music, monkeypatch):
    decoded = []
    load = audio.load
    monkeypatch.setattr(audio, "load", lambda path, **options: decoded.append(path.name) or load(path, **options))
    put(music, "rast/long.wav", 70.0)
    first = datasets.load("folder", data_home=music, segment=0.5)
    assert sorted(decoded) == [
        "long.wav",
        "long.wav",
        "peşrev 1.wav",
        "peşrev 2.flac",
        "semai.mp3",
        "taksim.WAV",
        "taksim.ogg",
    ]
    assert len(datasets.load("folder", data_home=music, segment=0.5)) == len(first)  # and not again
    assert len(decoded) == 7
    os.utime(music / "rast/taksim.ogg", (1, 1))
    datasets.load("folder", data_home=music, segment=0.5)
    assert decoded[7:] == ["taksim.ogg"]


@pytest.mark.filterwarnings("ignore:folder")
def test_a_rule_that_fails_for_a_name_is_an_error_that_names_it(music):
    with pytest.raises(DatasetError, match=r"group\(\.\.\.\) fails for 'peşrev 1': IndexError"):
        datasets.load("folder", data_home=music, group=lambda stem: stem.split("-")[1])


# ---------------------------------------------------------------- options


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
