"""IRMAS, MAESTRO, Medley-solos-DB and NSynth: labels, groups and sides on small folders of the same layouts."""

import hashlib
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import small_sets

from musiclib import datasets, splits, symbolic
from musiclib.datasets import DatasetError, download, irmas, maestro, medley_solos, nsynth

SR = small_sets.SR


def load(name: str, root, **options):
    return datasets.load(name, data_home=root, **options)


@pytest.mark.parametrize("name", ["irmas", "maestro", "medley_solos_db", "nsynth"])
def test_what_every_manifest_says(name, tmp_path):
    small_sets.SETS[name][0](tmp_path)
    music = load(name, tmp_path)
    table = music.manifest
    assert table.index.name == "id" and table.index.is_unique
    assert (table.license == {"irmas": "CC BY-NC-SA 3.0", "maestro": "CC BY-NC-SA 4.0"}.get(name, "CC BY 4.0")).all()
    assert {Path(path).name for path in table.path} <= {path.name for path in tmp_path.rglob("*.wav")}
    for id, (y, sr) in music:
        assert (sr, y.ndim, y.dtype) == (SR, 1, np.float32) and np.abs(y).max() > 0.05
        assert y.size / sr == pytest.approx(table.duration[id])
    there = pickle.loads(pickle.dumps(music))  # to other processes
    np.testing.assert_array_equal(there.load(table.index[0])[0], music.load(table.index[0])[0])


@pytest.mark.parametrize("name", ["irmas", "maestro", "medley_solos_db", "nsynth"])
def test_the_set_is_found_some_levels_down_and_through_links(name, tmp_path):
    small_sets.SETS[name][0](tmp_path / "disk")
    deep = tmp_path / "music" / "sets"
    deep.mkdir(parents=True)
    (deep / name).symlink_to(tmp_path / "disk", target_is_directory=True)
    assert len(load(name, tmp_path / "music")) == len(load(name, tmp_path / "disk"))


def test_a_link_that_leads_back_is_followed_once(tmp_path):
    small_sets.irmas(tmp_path)
    (tmp_path / "IRMAS-TrainingData" / "back").symlink_to(tmp_path, target_is_directory=True)
    assert len(load("irmas", tmp_path)) == len(small_sets.IRMAS_CLIPS)


def upper_case(path: Path, root: Path) -> Path:
    return path.with_suffix(".WAV")


def twice(path: Path, root: Path) -> Path:
    return path.with_name(f"{path.name}.flac")  # as a tool that converts a whole folder names its results


def flat(path: Path, root: Path) -> Path:
    return root / "all of them" / path.name


@pytest.mark.parametrize("change", [upper_case, twice, flat])
@pytest.mark.parametrize("name", ["irmas", "maestro", "medley_solos_db", "nsynth"])
def test_other_endings_and_folders_are_read_too(name, tmp_path, change):
    sounds = small_sets.SETS[name][0](tmp_path)
    usual = load(name, tmp_path)
    # What belongs to a table lies below it: MAESTRO's in its own folder.
    root = tmp_path / "maestro-v3.0.0" if name == "maestro" else tmp_path
    for path in [p for p in sounds if not p.with_suffix(".txt").is_file()]:
        there = change(path, root)
        there.parent.mkdir(exist_ok=True)
        path.rename(there)
    found = load(name, tmp_path)
    columns = ["label", "group", "split", "duration"]
    assert found.manifest[columns].sort_index().equals(usual.manifest[columns].sort_index())
    for id in found.manifest.index:
        assert found.load(id)[0].size == round(found.manifest.duration[id] * SR)


def test_a_clip_in_two_copies_is_one_item(tmp_path):
    first = small_sets.irmas(tmp_path)[0]
    first.with_suffix(".wav.wav").write_bytes(first.read_bytes())
    with pytest.warns(UserWarning, match=r"cla\]0001__1\.wav\.wav: is another copy of .*0001__1\.wav"):
        assert len(load("irmas", tmp_path)) == 6


@pytest.mark.parametrize("name", ["maestro", "medley_solos_db", "nsynth"])
def test_official_sides_are_kept_and_share_no_group(name, tmp_path):
    small_sets.SETS[name][0](tmp_path)
    music = load(name, tmp_path)
    splits.assert_disjoint(music.manifest)
    assert set(music.manifest.split) <= set(splits.SIDES)


# ---------------------------------------------------------------- IRMAS


def test_irmas_training_clips_have_one_label_and_no_sides(tmp_path):
    small_sets.irmas(tmp_path)
    clips = load("irmas", tmp_path)
    assert list(clips.manifest.index) == sorted(small_sets.IRMAS_CLIPS)
    assert clips.manifest.label.to_dict() == {name: name[:3] for name in small_sets.IRMAS_CLIPS}
    assert (clips.manifest.split == "").all()


def test_irmas_groups_are_recordings_and_numbers_that_are_one_recording_are_one_group(tmp_path):
    small_sets.irmas(tmp_path)
    group = load("irmas", tmp_path).manifest.group
    assert group["cel/[cel][cla]0001__1"] == group["cel/[cel][cla]0001__2"] == "recording 0001"
    assert group["cel/031__[cel][nod][cla]0020__1"] == "recording 0020"  # not 031
    assert group["gac/080__[gac][dru][cou_fol]0672__1"] == group["gel/209__[gel][nod][cou_fol]0757__1"]
    assert group.nunique() == 4


def test_irmas_genre_and_drums_are_read_from_the_name(tmp_path):
    small_sets.irmas(tmp_path)
    table = load("irmas", tmp_path).manifest
    assert table.loc["cel/031__[cel][nod][cla]0020__1", ["genre", "drums"]].tolist() == ["cla", "nod"]
    assert table.loc["cel/[cel][cla]0001__1", ["genre", "drums"]].tolist() == ["cla", ""]
    assert table.loc["gac/080__[gac][dru][cou_fol]0672__1", ["genre", "drums"]].tolist() == ["cou_fol", "dru"]


def test_irmas_testing_excerpts_have_several_labels_and_are_the_test_side(tmp_path):
    small_sets.irmas(tmp_path)
    table = load("irmas", tmp_path, testing=True).manifest
    excerpts = table[table.split == "test"]
    assert excerpts.label.to_dict() == {
        "test/02 - And The Body Will Die-8": "gel+voi",
        "test/02 - And The Body Will Die-9": "voi",
        "test/Debussy - Arabesque-2": "pia",
    }
    assert excerpts.group.tolist() == 2 * ["testing: 02 - And The Body Will Die"] + ["testing: Debussy - Arabesque"]
    assert (table.split == "train").sum() == len(small_sets.IRMAS_CLIPS)
    splits.assert_disjoint(table)
    assert all(label in irmas.CLASSES for labels in table.label for label in labels.split(irmas.JOINED))


@pytest.mark.parametrize(
    ("labels", "says"),
    [(None, "its labels are missing: there is no .*-2.txt"), ("", "is empty"), ("pia\nkazoo", "names 'kazoo'")],
)
def test_irmas_excerpts_without_labels_are_left_out(tmp_path, labels, says):
    small_sets.irmas(tmp_path)
    notes = next(tmp_path.rglob("Debussy*.txt"))
    notes.unlink() if labels is None else notes.write_text(labels)
    with pytest.warns(UserWarning, match=rf"irmas: 1 item left out .*\n.*Arabesque-2\.wav: .*{says}"):
        assert len(load("irmas", tmp_path, testing=True)) == 8
    assert len(load("irmas", tmp_path)) == 6  # the training clips alone do not ask for them


def test_irmas_clips_of_another_name_are_left_out(tmp_path):
    small_sets.irmas(tmp_path)
    small_sets.tone(tmp_path / "IRMAS-TrainingData" / "cel" / "mine.wav", 0)
    (tmp_path / "IRMAS-TrainingData" / "cel" / "._[cel][cla]0001__1.wav").write_bytes(b"what some systems leave behind")
    with pytest.warns(UserWarning, match=r"cel/mine\.wav: its name is none of IRMAS's"):
        assert len(load("irmas", tmp_path)) == 6


def test_irmas_twins_point_to_recordings_that_are_not_twins_themselves():
    assert not set(irmas.TWINS) & set(irmas.TWINS.values()) and len(irmas.TWINS) == 19


# ---------------------------------------------------------------- MAESTRO


def test_maestro_groups_are_compositions_however_they_are_spelled(tmp_path):
    small_sets.maestro(tmp_path)
    table = load("maestro", tmp_path, shared="keep").manifest
    assert table.label.tolist() == [row[0] for row in small_sets.MAESTRO]
    assert table.title.tolist() == [row[1] for row in small_sets.MAESTRO]
    assert table.group["2018/b1"] == table.group["2017/b2"] == "Alban Berg: sonata op 1"
    assert table.group["2011/d1"] == table.group["2014/d2"]
    assert table.group["2006/h1"] != table.group["2006/h2"]
    assert table.split.tolist() == [row[2] for row in small_sets.MAESTRO]
    with pytest.raises(AssertionError, match="'Claude Debussy: lisle joyeuse' is on two sides, train and test"):
        splits.assert_disjoint(table)


def test_maestro_keeps_a_composition_on_the_side_that_judges(tmp_path):
    small_sets.maestro(tmp_path)
    music = load("maestro", tmp_path)
    assert "2014/d2" not in music.manifest.index and music.manifest.split["2011/d1"] == "test"
    assert music.manifest.attrs["left_out"] == {
        "2014/d2": "its group is on the test side too: Claude Debussy: lisle joyeuse"
    }


def test_maestro_notes_are_those_of_the_midi_files(tmp_path):
    small_sets.maestro(tmp_path)
    music = load("maestro", tmp_path, items="notes", thorough=True)
    notes = music.load("2017/b2")
    assert notes.dtype == symbolic.NOTE
    assert notes["pitch"].tolist() == [61, 68, 65] and (notes["velocity"] == 70).all()
    np.testing.assert_allclose(notes["onset"], [0, 0, 0.25], atol=1e-3)
    np.testing.assert_allclose(notes["duration"], 0.25, atol=1e-3)
    assert (music.manifest.duration == 0.5).all()
    there = pickle.loads(pickle.dumps(music))
    np.testing.assert_array_equal(there.load("2017/b2"), notes)


@pytest.mark.parametrize(
    ("content", "thorough", "says"),
    [
        (b"", False, "is no MIDI file"),
        (b"RIFFWAVE", False, "is no MIDI file"),
        (b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4", True, "cannot be read as MIDI"),
    ],
)
def test_maestro_files_that_are_no_midi(tmp_path, content, thorough, says):
    small_sets.maestro(tmp_path)
    next(tmp_path.rglob("b1.midi")).write_bytes(content)
    with pytest.warns(UserWarning, match=rf"maestro: 1 item left out .*\n  2018/b1: .*{says}"):
        music = load("maestro", tmp_path, items="notes", thorough=thorough)
    assert "2018/b1" not in music.manifest.index and len(music) == 4


def test_maestro_notes_that_are_damaged_later_are_named(tmp_path):
    small_sets.maestro(tmp_path)
    music = load("maestro", tmp_path, items="notes")
    next(tmp_path.rglob("b1.midi")).write_bytes(b"MThd")
    with pytest.raises(DatasetError, match=r"maestro: .*b1\.midi cannot be read as MIDI"):
        music.load("2018/b1")


def test_maestro_pieces_of_a_recording_are_one_group(tmp_path):
    small_sets.maestro(tmp_path)
    music = load("maestro", tmp_path, segment=0.25)
    assert list(music.manifest.index[:2]) == ["2018/b1@0.000", "2018/b1@0.250"]
    whole = load("maestro", tmp_path).load("2018/b1")[0]
    np.testing.assert_array_equal(np.concatenate([music.load(f"2018/b1@{t}")[0] for t in ("0.000", "0.250")]), whole)


def test_maestro_finds_the_sound_where_the_notes_alone_lie_beside_it(tmp_path):
    small_sets.maestro(tmp_path)
    small_sets.maestro(tmp_path / "maestro-v3.0.0-midi")
    for sound in (tmp_path / "maestro-v3.0.0-midi").rglob("*.wav"):
        sound.unlink()
    assert len(load("maestro", tmp_path)) == 5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"items": "midi"}, "items='midi': expected 'audio' or 'notes'"),
        ({"items": "notes", "sr": 22_050}, "segment and sr are for items='audio'"),
        ({"shared": "drop"}, "shared='drop': expected 'leave out' or 'keep'"),
    ],
)
def test_maestro_options(tmp_path, options, says):
    small_sets.maestro(tmp_path)
    with pytest.raises(DatasetError, match=f"maestro: {says}"):
        load("maestro", tmp_path, **options)


# ---------------------------------------------------------------- Medley-solos-DB


@pytest.mark.parametrize("song", ["song_id", "track_id"])
def test_medley_solos_labels_songs_and_sides_are_those_of_the_table(tmp_path, song):
    small_sets.medley_solos_db(tmp_path)
    table = tmp_path / "annotation" / "Medley-solos-DB_metadata.csv"
    table.write_text(table.read_text().replace("song_id", song))  # copies of the table call it either
    music = load("medley_solos_db", tmp_path)
    assert list(music.manifest.index) == [small_sets.uuid(i) for i in range(len(small_sets.MEDLEY))]
    assert music.manifest.label.tolist() == [row[1] for row in small_sets.MEDLEY]
    assert music.manifest.group.tolist() == [f"song {row[3]}" for row in small_sets.MEDLEY]
    assert music.manifest.split.tolist() == ["train", "train", "validation", "test", "train", "test"]


# ---------------------------------------------------------------- NSynth


def test_nsynth_labels_and_groups(tmp_path):
    small_sets.nsynth(tmp_path)
    table = load("nsynth", tmp_path, shared="keep").manifest
    assert list(table.index) == [name for names in small_sets.NSYNTH.values() for name in names]
    assert table.label.tolist() == [name.split("_")[0] for name in table.index]
    assert table.group["brass_acoustic_006-060-025"] == table.group["brass_acoustic_006-061-025"]
    assert table.loc["brass_acoustic_046-084-025", ["pitch", "velocity"]].tolist() == [84, 25]
    sources = load("nsynth", tmp_path, label="source").manifest.label
    assert set(sources) == {"acoustic", "electronic"}


def test_nsynth_validation_notes_of_the_tests_instruments_are_left_out(tmp_path):
    small_sets.nsynth(tmp_path)
    music = load("nsynth", tmp_path)
    assert music.manifest.split.value_counts().to_dict() == {"train": 3, "test": 2, "validation": 1}
    assert music.manifest.attrs["left_out"] == {
        "brass_acoustic_046-060-050": "its group is on the test side too: brass_acoustic_046"
    }
    with pytest.raises(AssertionError, match="'brass_acoustic_046' is on two sides, validation and test"):
        splits.assert_disjoint(load("nsynth", tmp_path, shared="keep").manifest)


@pytest.mark.parametrize("side", ["train", "validation", "test"])
def test_nsynth_one_side_alone(tmp_path, side):
    small_sets.nsynth(tmp_path)
    folder = nsynth.SIDES[side]
    for home in (tmp_path, tmp_path / folder):  # the folder of the side itself may be named
        assert list(load("nsynth", home, side=side).manifest.index) == small_sets.NSYNTH[folder]
    (tmp_path / folder / "examples.json").unlink()
    with pytest.raises(DatasetError, match=f"nsynth: no {folder} with examples.json in"):
        load("nsynth", tmp_path, side=side)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"side": "valid"}, "side='valid': expected 'train', 'validation', 'test'"),
        ({"label": "pitch"}, "label='pitch'"),
    ],
)
def test_nsynth_options(tmp_path, options, says):
    small_sets.nsynth(tmp_path)
    with pytest.raises(DatasetError, match=f"nsynth: {says}"):
        load("nsynth", tmp_path, **options)


# ---------------------------------------------------------------- downloads

MD5 = "md5:"


def served(tmp_path, name: str, kind: str) -> str:
    """A small set packed as the publisher does, in the folder that is served; its checksum."""
    small_sets.SETS[name.split(" ")[0]][0](tmp_path / "made")
    path = tmp_path / "served" / kind
    if kind.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as file:
            for member in sorted((tmp_path / "made").rglob("*")):
                file.write(member, member.relative_to(tmp_path / "made"))
    else:
        with tarfile.open(path, "w:gz") as file:
            file.add(tmp_path / "made", arcname=".")
    return MD5 + hashlib.md5(path.read_bytes()).hexdigest()


def point_to(monkeypatch, server: str, name: str, kind: str, checksum: str) -> None:
    remote = download.Remote(f"{server}/{kind}", checksum, 0.1)
    if name == "irmas":
        monkeypatch.setattr(irmas, "TRAINING", [remote])
    elif name == "maestro":
        monkeypatch.setattr(maestro, "REMOTES", {"audio": remote, "notes": remote})
    elif name == "medley_solos_db":
        monkeypatch.setattr(medley_solos, "REMOTES", [remote])
    else:
        monkeypatch.setattr(nsynth, "REMOTES", dict.fromkeys(nsynth.SIDES, remote))


PACKED = {
    "irmas": "IRMAS-TrainingData.zip",
    "maestro": "maestro-v3.0.0.zip",
    "medley_solos_db": "Medley-solos-DB.tar.gz",
    "nsynth": "nsynth-test.jsonwav.tar.gz",
}


@pytest.mark.parametrize(("name", "kind"), PACKED.items())
def test_a_set_is_downloaded_unpacked_and_found_there_the_next_time(server, tmp_path, monkeypatch, name, kind):
    checksum = served(tmp_path, name, kind)
    point_to(monkeypatch, server, name, kind, checksum)
    monkeypatch.setenv("MUSICLIB_DATA", str(tmp_path / "cache"))
    music = load(name, None, download=True)
    assert len(music) == len(load(name, tmp_path / "made")) and music.load(music.manifest.index[0])[1] == SR
    (tmp_path / "served" / kind).unlink()
    assert len(load(name, None, download=True)) == len(music)  # nothing is served any more
    assert len(load(name, tmp_path / "cache" / name)) == len(music)
    assert not list((tmp_path / "cache").rglob(kind))  # the archive itself is not kept


@pytest.mark.parametrize(("name", "kind"), PACKED.items())
def test_a_download_of_another_content_is_refused(server, tmp_path, monkeypatch, name, kind):
    served(tmp_path, name, kind)
    point_to(monkeypatch, server, name, kind, MD5 + "0" * 32)
    home = tmp_path / "home"
    with pytest.raises(DatasetError, match=rf"{kind} could not be downloaded from .*hash.* does not match"):
        load(name, home, download=True)
    assert list(home.iterdir()) == []
    home.joinpath(kind).write_bytes(b"half of it")  # as an interrupted copy by hand leaves it
    with pytest.raises(DatasetError, match=rf"{kind} does not have the expected checksum: MD5 \w+, expected 0000"):
        load(name, home, download=True)
    assert home.joinpath(kind).read_bytes() == b"half of it"


def test_an_archive_that_the_reader_has_brought_is_checked_unpacked_and_kept(server, tmp_path, monkeypatch):
    kind = PACKED["irmas"]
    checksum = served(tmp_path, "irmas", kind)
    point_to(monkeypatch, server, "irmas", kind, checksum)
    (tmp_path / "home").mkdir()
    (tmp_path / "served" / kind).rename(tmp_path / "home" / kind)
    assert len(load("irmas", tmp_path / "home", download=True)) == len(small_sets.IRMAS_CLIPS)
    assert (tmp_path / "home" / kind).is_file()


def test_an_archive_that_would_write_outside_its_folder_changes_nothing(server, tmp_path, monkeypatch):
    kind = PACKED["irmas"]
    with zipfile.ZipFile(tmp_path / "served" / kind, "w") as file:
        file.writestr("../evil.wav", b"evil")
    checksum = MD5 + hashlib.md5((tmp_path / "served" / kind).read_bytes()).hexdigest()
    point_to(monkeypatch, server, "irmas", kind, checksum)
    with pytest.raises(DatasetError, match=r"holds '\.\./evil\.wav', which would land outside"):
        load("irmas", tmp_path / "home", download=True)
    assert [path.name for path in (tmp_path / "home").iterdir()] == [kind] and not list(tmp_path.rglob("evil.wav"))


def test_a_table_beside_the_archive_is_downloaded_as_it_is(server, tmp_path, monkeypatch):
    kind, table = "Medley-solos-DB.tar.gz", "Medley-solos-DB_metadata.csv"
    checksum = served(tmp_path, "medley_solos_db", kind)
    content = (tmp_path / "made" / "annotation" / table).read_bytes()
    (tmp_path / "served" / table).write_bytes(content)
    remotes = [
        download.Remote(f"{server}/{kind}", checksum, 0.1),
        download.Remote(f"{server}/{table}", MD5 + hashlib.md5(content).hexdigest(), 0),
    ]
    monkeypatch.setattr(medley_solos, "REMOTES", remotes)
    music = load("medley_solos_db", tmp_path / "home", download=True)
    assert len(music) == 6 and (tmp_path / "home" / table).read_bytes() == content


def test_every_published_file_comes_over_https_with_a_checksum():
    remotes = [*irmas.TRAINING, *irmas.TESTING, *medley_solos.REMOTES, *maestro.REMOTES.values()]
    for remote in [*remotes, *nsynth.REMOTES.values()]:
        assert remote.url.startswith("https://") and "?" not in remote.url
        digest = remote.checksum.removeprefix(MD5)
        assert len(digest) == (32 if digest != remote.checksum else 64) and int(digest, 16)


@pytest.mark.parametrize("name", ["irmas", "maestro", "medley_solos_db", "nsynth"])
def test_the_card_has_the_checksums(name):
    module = {"irmas": irmas, "maestro": maestro, "medley_solos_db": medley_solos, "nsynth": nsynth}[name]
    remotes = [*irmas.TRAINING, *irmas.TESTING] if name == "irmas" else module.REMOTES
    card = (Path(__file__).resolve().parents[2] / "data" / f"{name}.md").read_text()
    for remote in remotes.values() if isinstance(remotes, dict) else remotes:
        assert remote.checksum.removeprefix(MD5) in card
