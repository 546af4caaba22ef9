"""musiclib.datasets: the interface that every set has, and downloads that are what they should be."""

import hashlib
import pickle
from pathlib import Path

import pandas as pd
import pytest

from musiclib import datasets, files
from musiclib.datasets import Dataset, DatasetError, base, download

ROOT = Path(__file__).resolve().parents[2]


def brackets(row: pd.Series) -> str:
    return f"<{row.name} of {row.label}>"


def table() -> pd.DataFrame:
    rows = [
        ("a1", "reel", "a", "train", 2.0, "here", "CC0"),
        ("a2", "reel", "a", "train", 3.0, "here", "CC0"),
        ("b1", "jig", "b", "test", 5.0, "here", "CC0"),
        ("c1", "jig", "c", "train", 7.0, "there", "CC0"),
    ]
    return pd.DataFrame(rows, columns=["id", *base.COLUMNS]).set_index("id")


@pytest.fixture
def tunes() -> Dataset:
    return Dataset("tunes", table(), brackets)


# ---------------------------------------------------------------- interface


def test_items_come_by_id_and_one_after_the_other(tunes):
    assert len(tunes) == 4 and tunes.labels == ["jig", "reel"]
    assert tunes.load("b1") == "<b1 of jig>"
    assert list(tunes)[:2] == [("a1", "<a1 of reel>"), ("a2", "<a2 of reel>")]
    assert "4 items, 2 labels, 3 groups" in repr(tunes)


def test_going_through_a_set_reads_one_item_at_a_time():
    read = []
    items = iter(Dataset("tunes", table(), lambda row: read.append(row.name)))
    next(items)
    assert read == ["a1"]


def test_filters(tunes):
    assert list(tunes.filter(label="jig").manifest.index) == ["b1", "c1"]
    assert list(tunes.filter(label=["jig", "reel"], split="train").manifest.index) == ["a1", "a2", "c1"]
    assert list(tunes.filter(lambda m: m.duration > 4, source="here").manifest.index) == ["b1"]
    assert tunes.filter(label="jig").load("c1") == "<c1 of jig>"
    assert len(tunes) == 4


def test_a_filter_changes_nothing_in_the_set_it_filters(tunes):
    marked = Dataset("marked", tunes.manifest.assign(solo=True), brackets)
    marked.filter(lambda m: m.solo, label="jig")
    assert marked.manifest.solo.all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"label": "polka"}, "tunes has no label 'polka'. It has 'jig', 'reel'"),
        ({"label": ["jig", "polka"]}, "tunes has no label 'polka'"),
        ({"color": "red"}, "tunes has no column 'color'. It has 'label', 'group'"),
        ({"label": "reel", "split": "test"}, "no item is left"),
        ({"where": lambda m: m.duration > 99}, "no item is left"),
    ],
)
def test_filters_that_leave_nothing(tunes, options, says):
    with pytest.raises(DatasetError, match=says):
        tunes.filter(**options)


def test_what_was_left_out_stays_with_the_table_and_is_not_copied_with_it(tunes):
    many = tunes.manifest.copy()
    many.attrs["left_out"] = {f"tune {i}": "missing" for i in range(3)}
    music = pickle.loads(pickle.dumps(Dataset("tunes", many, brackets)))
    reasons = music.manifest.attrs["left_out"]
    assert reasons == {"tune 0": "missing", "tune 1": "missing", "tune 2": "missing"}
    assert music.filter(label="jig").manifest.attrs["left_out"] is reasons
    assert music.manifest.loc["a1"].attrs["left_out"] is reasons
    assert tunes.manifest.attrs["left_out"] == {}


def test_balance_counts_items_groups_time_and_sides(tunes):
    got = tunes.balance()
    assert list(got.index) == ["jig", "reel"]
    assert list(got.columns) == ["items", "groups", "duration", "train", "test"]
    assert got.loc["jig"].tolist() == [2, 2, 12.0, 1, 1]
    assert got.loc["reel"].tolist() == [2, 1, 5.0, 2, 0]


def test_another_split_is_taken_by_id(tunes):
    other = pd.Series({"c1": "test", "b1": "train", "a2": "test", "a1": "test"})
    assert tunes.with_split(other).manifest.split.tolist() == ["test", "test", "train", "test"]
    with pytest.raises(DatasetError, match="the split is of other items"):
        tunes.with_split(other[:3])


def test_an_unknown_id_has_neighbors(tunes):
    with pytest.raises(DatasetError, match=r"tunes has no item 'b2'. Near to it: 'b1'"):
        tunes.load("b2")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.drop(columns=["group", "license"]), r"lacks the columns \['group', 'license'\]"),
        (lambda m: m.iloc[:0], "has no items"),
        (lambda m: m.rename(index={"a2": "a1"}), "'a1' stand twice"),
    ],
)
def test_a_manifest_that_is_none(change, says):
    with pytest.raises(DatasetError, match=says):
        Dataset("tunes", change(table()), brackets)


# ---------------------------------------------------------------- names


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(DatasetError, match=r"There is no data set 'gtsan'.*folder, .*gtzan, .*nottingham"):
        datasets.load("gtsan")


def test_an_unknown_option_lists_the_known_ones(tmp_path):
    with pytest.raises(DatasetError, match=r"folder has no option segments\. It has segment, min_seconds, group, sr"):
        datasets.load("folder", data_home=tmp_path, segments=3)


@pytest.mark.parametrize("name", sorted(datasets.REGISTRY))
def test_every_data_set_has_a_function_and_a_card(name):
    module, function = datasets.REGISTRY[name].split(":")
    assert module.startswith("musiclib.datasets.") and function
    card = (ROOT / "data" / f"{name}.md").read_text()
    for heading in ("Source", "License", "Citation", "Size", "Splits", "Pitfalls"):
        assert f"**{heading}.**" in card, f"data/{name}.md says nothing under {heading}"


# ---------------------------------------------------------------- downloads


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_downloaded_once_and_checked_each_time(server, tmp_path):
    served = tmp_path / "served" / "tunes.mat"
    served.write_bytes(b"tunes")
    here = tmp_path / "new" / "folder"
    path = download.fetch(f"{server}/tunes.mat", digest(b"tunes"), here)
    assert path == here / "tunes.mat" and path.read_bytes() == b"tunes"
    served.unlink()
    assert download.fetch(f"{server}/tunes.mat", digest(b"tunes"), here) == path
    path.write_bytes(b"tune")
    with pytest.raises(DatasetError, match=r"tunes\.mat does not have the expected checksum: SHA-256 .*move it away"):
        download.fetch(f"{server}/tunes.mat", digest(b"tunes"), here)
    assert path.read_bytes() == b"tune"


def test_a_download_of_another_content_is_not_kept(server, tmp_path):
    (tmp_path / "served" / "tunes.mat").write_bytes(b"an error page")
    with pytest.raises(DatasetError, match=r"tunes\.mat could not be downloaded from http://127.*put the file into"):
        download.fetch(f"{server}/tunes.mat", digest(b"tunes"), tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []


def test_a_file_that_is_not_served_says_what_to_do(server, tmp_path):
    with pytest.raises(DatasetError, match=r"could not be downloaded .*needs network once; or put the file into"):
        download.fetch(f"{server}/none.mat", digest(b""), tmp_path)


def test_the_folder_for_downloads_can_be_chosen(tmp_path, monkeypatch):
    monkeypatch.delenv("MUSICLIB_DATA", raising=False)
    assert files.home().name == "musiclib"
    monkeypatch.setenv("MUSICLIB_DATA", str(tmp_path))
    assert files.home() == tmp_path
    assert files.home("~/music") == Path.home() / "music"
