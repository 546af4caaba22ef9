"""What may be wrong with a folder and the files in it, for every data set that reads one."""

import numpy as np
import pytest
import small_sets
import soundfile as sf

from musiclib import datasets
from musiclib.datasets import DatasetError

SR = small_sets.SR
pytestmark = pytest.mark.filterwarnings("ignore:gtzan")

# What a file holds → what is said of it
SPOILED = {
    "empty": "is empty: 0 bytes",
    "truncated": "is truncated",
    "words": "cannot be read as a sound",
    "nan": "samples that are NaN",
    "silent": "is silent",
    "no samples": "holds no samples",
}


def spoil(path, kind: str) -> None:
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "words":
        path.write_bytes(b"these are words, not a sound " * 99)
    else:
        content = {"nan": np.full(800, np.nan), "silent": np.zeros(800), "no samples": np.zeros(0)}[kind]
        sf.write(path, content, SR, subtype="FLOAT")


def load(name: str, root, **options):
    return datasets.load(name, data_home=root, **(small_sets.SETS[name][1] | options))


def left_out(music) -> dict[str, str]:
    """What was left out for itself: not for a group on two sides, nor because a small gtzan has few clips."""
    told = music.manifest.attrs["left_out"]
    small = music.name == "gtzan"
    return {id: why for id, why in told.items() if "side too" not in why and not (small and "missing" in why)}


@pytest.fixture(params=small_sets.SETS)
def made(request, tmp_path):
    """(name of a set, folder in its layout, its sound files)"""
    return request.param, tmp_path, small_sets.SETS[request.param][0](tmp_path)


def test_every_set_that_needs_a_folder_is_here():
    made_here = {"chorales", "composers", "genres", "instruments", "mixes", "tunes"}
    one_file = {"jsb_chorales", "nottingham"}  # tests/test_polyphonic.py
    assert set(datasets.REGISTRY) == made_here | one_file | set(small_sets.SETS)


@pytest.mark.parametrize("kind", SPOILED)
def test_a_spoiled_file_is_named_once_and_left_out(made, kind):
    name, root, paths = made
    whole = load(name, root)
    spoil(paths[0], kind)
    with pytest.warns(UserWarning, match=rf"{name}: \d+ items? left out of ") as caught:
        music = load(name, root)
    [told] = caught
    assert told.filename == __file__  # it points to who asked
    [(id, reason)] = left_out(music).items()
    assert SPOILED[kind] in reason and f"{id}: {reason}" in str(told.message)
    assert set(whole.manifest.index) - set(music.manifest.index) == {id}
    for _, (y, sr) in music:
        assert sr == SR and y.ndim == 1 and y.dtype == np.float32 and y.size == SR // 2
    with pytest.raises(DatasetError, match=rf"(?s){name}: .*left out .*Repair them or take them away"):
        load(name, root, unreadable="raise")
    assert all(path.is_file() for path in paths)


def test_several_spoiled_files_are_named_together(made):
    name, root, paths = made
    spoil(paths[0], "empty")
    spoil(paths[-1], "words")
    with pytest.warns(UserWarning, match=rf"(?s){name}: .*left out .*is empty.*cannot be read as a sound") as caught:
        music = load(name, root)
    assert len(caught) == 1 and len([id for id in left_out(music) if not id.startswith("class ")]) == 2


@pytest.mark.filterwarnings("ignore")
def test_a_set_in_which_nothing_can_be_used(made):
    name, root, paths = made
    for path in paths:
        spoil(path, "words")
    with pytest.raises(DatasetError, match=f"(?s){name}: nothing in .* can be used:.*none of its"):
        load(name, root)


def test_headers_alone_find_what_is_cut_short(made):
    name, root, paths = made
    spoil(paths[0], "truncated")
    spoil(paths[1], "silent")
    with pytest.warns(UserWarning, match=rf"(?s){name}: .*left out .*is truncated"):
        music = load(name, root, thorough=False)
    assert len(left_out(music)) == 1


def test_stereo_files_at_another_rate_are_made_mono_at_the_rate_asked_for(made):
    name, root, paths = made
    y, _ = sf.read(paths[0], always_2d=True)
    sf.write(paths[0], np.repeat(y[:, :1], 2, axis=1), 11_025)
    music = load(name, root, sr=4000)
    assert {sr for _, (_, sr) in music} == {4000}
    assert all(y.ndim == 1 and y.size == round(music.manifest.duration[id] * 4000) for id, (y, _) in music)


def test_no_folder_a_missing_one_a_file_and_an_empty_one(made, tmp_path):
    name = made[0]
    with pytest.raises(DatasetError, match=f"{name} needs data_home: a folder of yours with"):
        datasets.load(name)
    with pytest.raises(DatasetError, match=f"{name}: .*nowhere is not there. Expected a folder with"):
        datasets.load(name, data_home=tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=f"{name}: .*file is a file, not a folder"):
        datasets.load(name, data_home=tmp_path / "file")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DatasetError, match=rf"{name}: .*nothing.*\. Expected "):
        datasets.load(name, data_home=tmp_path / "nothing")


@pytest.mark.parametrize(("option", "says"), [({"unreadable": "skip"}, "expected 'warn' or 'raise'")])
def test_values_that_an_option_does_not_have(made, option, says):
    name, root, _ = made
    with pytest.raises(DatasetError, match=f"{name}: .*{says}"):
        load(name, root, **option)


@pytest.mark.parametrize("name", sorted(datasets.REGISTRY))
def test_an_unknown_option_lists_the_known_ones(name, tmp_path):
    with pytest.raises(DatasetError, match=rf"{name} has no option hop_size\. It has \w+"):
        datasets.load(name, data_home=tmp_path, hop_size=512)


@pytest.mark.parametrize("name", ["irmas", "medley_solos_db", "maestro", "nsynth"])
def test_a_set_that_can_be_downloaded_says_so(name):
    with pytest.raises(DatasetError, match=rf"{name} needs data_home.*download=True, which fetches about [\d.e+]+ GB"):
        datasets.load(name)


@pytest.mark.parametrize("name", ["medley_solos_db", "maestro", "nsynth"])
def test_missing_files_are_named_or_counted(name, tmp_path):
    paths = small_sets.SETS[name][0](tmp_path)
    paths[0].unlink()
    with pytest.warns(UserWarning, match=rf"{name}: 1 item left out of .*\n.*: missing: not in the folder"):
        music = load(name, tmp_path)
    assert list(left_out(music).values()) == ["missing: not in the folder"]


def test_many_missing_files_are_counted(tmp_path):
    small_sets.medley_solos_db(tmp_path)
    table = tmp_path / "annotation" / "Medley-solos-DB_metadata.csv"
    more = "".join(f"test,piano,4,{i},{small_sets.uuid(1000 + i)}\n" for i in range(70))
    table.write_text(table.read_text() + more)
    with pytest.warns(
        UserWarning, match=r"medley_solos_db: 70 items left out (?s:.*)\n  70 \(.*, \.\.\.\): missing"
    ) as caught:
        music = load("medley_solos_db", tmp_path)
    assert len(str(caught[0].message)) < 1000
    assert len(music) == 6 and len(music.manifest.attrs["left_out"]) == 71
    assert music.manifest.attrs["left_out"]["class piano"] == "none of its 70 files can be used"


def test_many_damaged_files_are_one_short_report(tmp_path):
    small_sets.folder(tmp_path)
    for i in range(600):
        (tmp_path / "rast" / f"broken {i:03d}.wav").write_bytes(b"" if i % 2 else b"words, and no sound")
    with pytest.warns(UserWarning, match=r"folder: 600 items left out of ") as caught:
        music = load("folder", tmp_path)
    said = str(caught[0].message)
    assert "  300 (rast/broken 001.wav, rast/broken 003.wav, rast/broken 005.wav, ...): is empty: 0 bytes" in said
    assert "  300 (rast/broken 000.wav, " in said and ": cannot be read as a sound" in said
    assert len(said.splitlines()) == 4 and "manifest.attrs['left_out'] has the reason for each" in said
    assert len(left_out(music)) == 600


@pytest.mark.parametrize("name", ["folder", "maestro"])
def test_recordings_shorter_than_a_segment(name, tmp_path):
    paths = small_sets.SETS[name][0](tmp_path)
    small_sets.tone(paths[0], 0, seconds=0.2)
    with pytest.warns(
        UserWarning, match=rf"{name}: 1 item left out .*\n.*too short: 0\.200 s, expected at least 0\.25 s"
    ):
        music = load(name, tmp_path, segment=0.25)
    assert (music.manifest.duration == 0.25).all()
    assert sorted(set(music.manifest.start)) == [0.0, 0.25]
    with pytest.raises(DatasetError, match=f"{name}: segment=0: expected a positive number"):
        load(name, tmp_path, segment=0)


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("name", "file", "content", "says"),
    [
        ("maestro", "maestro-v3.0.0/maestro-v3.0.0.csv", "", r"cannot be read as a table \(EmptyDataError"),
        ("maestro", "maestro-v3.0.0/maestro-v3.0.0.csv", "a,b\n1,2\n", r"lacks the columns \['canonical_composer'"),
        ("medley_solos_db", "annotation/Medley-solos-DB_metadata.csv", "", "cannot be read as a table"),
        ("medley_solos_db", "annotation/Medley-solos-DB_metadata.csv", "subset,instrument,uuid4\n", "has no rows"),
        (
            "medley_solos_db",
            "annotation/Medley-solos-DB_metadata.csv",
            "subset,instrument,uuid4\ntest,flute,x\n",
            "has no column song_id",
        ),
        (
            "medley_solos_db",
            "annotation/Medley-solos-DB_metadata.csv",
            "subset,instrument,song_id,uuid4\nholdout,flute,1,x\n",
            "names the subset 'holdout'",
        ),
        ("nsynth", "nsynth-test/examples.json", "", r"is no list of NSynth's notes \(JSONDecodeError"),
        ("nsynth", "nsynth-test/examples.json", "[1, 2]", r"is no list of NSynth's notes \(AttributeError"),
        ("nsynth", "nsynth-test/examples.json", '{"a": {"pitch": 60}}', "is no list of NSynth's notes"),
        ("nsynth", "nsynth-test/examples.json", '{"brass_', "is no list of NSynth's notes"),
    ],
)
def test_a_table_that_is_none(tmp_path, name, file, content, says):
    small_sets.SETS[name][0](tmp_path)
    (tmp_path / file).write_text(content)
    with pytest.raises(DatasetError, match=rf"{name}: .*{says}.*[Gg]et it again"):
        load(name, tmp_path)


@pytest.mark.parametrize(("old", "new", "says"), [("train", "learn", "the split 'learn'"), (",0.5", ",", "a duration")])
def test_a_table_of_maestro_with_strange_values(tmp_path, old, new, says):
    small_sets.maestro(tmp_path)
    table = tmp_path / "maestro-v3.0.0" / "maestro-v3.0.0.csv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(DatasetError, match=f"maestro: .*{says}"):
        load("maestro", tmp_path)
