"""musiclib.datasets.gtzan: the layouts that go round, the fault-filtered lists, and clips that cannot be read."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from musiclib import datasets, splits
from musiclib.datasets import DatasetError, gtzan

LISTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "gtzan_fault_filtered"
SR = 22_050
# Two genres: three clips to train, two to validate, two to test, one that is in no list.
CLIPS = [
    "blues.00000",
    "blues.00012",
    "blues.00029",
    "blues.00030",
    "jazz.00002",
    "jazz.00042",
    "jazz.00047",
    "jazz.00073",
]
SIDES = ["validation", "test", "train", "train", "validation", "faulty", "train", "test"]

pytestmark = pytest.mark.filterwarnings("ignore:gtzan")  # which says how many clips are missing


def put(root: Path, ending: str = ".wav", clips: list[str] = CLIPS) -> Path:
    for i, clip in enumerate(clips):
        folder = root / clip.split(".")[0]
        folder.mkdir(parents=True, exist_ok=True)
        y = 0.5 * np.sin(2 * np.pi * (200 + 10 * i) * np.arange(2000) / SR)
        sf.write(folder / f"{clip}{ending}", y, SR)
    return root


@pytest.mark.parametrize("ending", [".wav", ".au", ".mp3"])
@pytest.mark.parametrize("layout", ["", "genres", "genres_original", "Data/genres_original", "gtzan_genre/genres"])
def test_every_layout_and_format_that_goes_round(tmp_path, layout, ending):
    put(tmp_path / layout, ending)
    clips = datasets.load("gtzan", data_home=tmp_path)
    expected = {clip: side for clip, side in zip(CLIPS, SIDES, strict=True) if side != "faulty"}
    assert clips.manifest.split.to_dict() == expected
    assert clips.manifest.label.to_dict() == {clip: clip.split(".")[0] for clip in expected}
    y, sr = clips.load("jazz.00073")
    assert sr == SR and y.dtype == np.float32 and abs(y.size - 2000) < 2400 and y.size >= 2000


OTHER_LAYOUTS = {
    "two endings": "genres/{genre}/{clip}.au.wav",
    "two endings of another kind": "genres/{genre}/{clip}.wav.flac",
    "all in one folder": "{clip}.wav",
    "all in one folder, deep": "music/sets/gtzan/files/all/{clip}.au",
    "upper-case endings": "genres/{genre}/{clip}.WAV",
    "upper-case names and folders": "GENRES/{GENRE}/{CLIP}.AU",
    "no dot": "genres/{genre}/{genre}{number}.wav",
    "genres in folders of the sides": "{side}/{genre}/{clip}.wav",
    "Ogg, which mirrors use": "genres/{genre}/{clip}.ogg",
}


@pytest.mark.parametrize("layout", OTHER_LAYOUTS.values(), ids=OTHER_LAYOUTS)
def test_other_layouts_that_go_round(tmp_path, layout):
    made = tmp_path / "made"
    put(made, Path(layout).suffix.lower().replace(".", ".", 1))
    for i, path in enumerate(sorted(made.rglob("*.*"))):
        clip = path.stem
        genre, number = clip.split(".")
        side = ("train", "test")[i % 2]
        there = (
            tmp_path
            / "set"
            / layout.format(clip=clip, genre=genre, number=number, side=side, CLIP=clip.upper(), GENRE=genre.upper())
        )
        there.parent.mkdir(parents=True, exist_ok=True)
        path.rename(there)
    clips = datasets.load("gtzan", data_home=tmp_path / "set")
    assert list(clips.manifest.index) == [clip for clip, side in zip(CLIPS, SIDES, strict=True) if side != "faulty"]
    assert all(y.size >= 2000 for _, (y, _) in clips)


def test_what_lies_among_the_clips_and_is_none_is_named(tmp_path):
    put(tmp_path)
    put(tmp_path / "genres_copy")
    for name in ("blues/blues.00100.wav", "blues/mine.wav", "jazz/jazz.0001.wav"):
        (tmp_path / name).write_bytes((tmp_path / "blues" / "blues.00000.wav").read_bytes())
    (tmp_path / "blues" / "._blues.00001.wav").write_bytes(b"what some systems leave behind")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "song.wav").write_bytes(b"no part of the set")
    clips = datasets.load("gtzan", data_home=tmp_path)
    named = {name for name, why in clips.manifest.attrs["left_out"].items() if "its name" in why}
    assert named == {"blues/blues.00100.wav", "blues/mine.wav", "jazz/jazz.0001.wav"} and len(clips) == 7


def test_of_two_copies_the_one_that_can_be_read_is_taken(tmp_path):
    put(tmp_path, ".au")
    put(tmp_path, ".wav")
    (tmp_path / "jazz" / "jazz.00047.wav").write_bytes(b"")
    clips = datasets.load("gtzan", data_home=tmp_path)
    assert clips.manifest.path["jazz.00047"] == "jazz/jazz.00047.au" and len(clips) == 7


def test_pictures_beside_the_sounds_are_not_taken_for_the_set(tmp_path):
    pictures = tmp_path / "Data" / "images_original" / "blues"
    pictures.mkdir(parents=True)
    (pictures / "blues00000.png").write_bytes(b"")
    put(tmp_path / "Data" / "genres_original")
    assert len(datasets.load("gtzan", data_home=tmp_path)) == 7


def test_a_clip_in_two_formats_is_one_clip(tmp_path):
    put(tmp_path, ".au")
    put(tmp_path, ".wav")
    clips = datasets.load("gtzan", data_home=tmp_path)
    assert len(clips) == 7 and clips.manifest.path.str.endswith(".wav").all()


def test_faulty_clips_are_named_and_left_out_unless_asked_for(tmp_path):
    put(tmp_path)
    clips = datasets.load("gtzan", data_home=tmp_path)
    assert "faulty: in none of" in clips.manifest.attrs["left_out"]["jazz.00042"]
    everything = datasets.load("gtzan", data_home=tmp_path, faulty=True)
    assert everything.manifest.split["jazz.00042"] == ""
    assert "jazz.00042" not in everything.manifest.attrs["left_out"]
    with pytest.raises(splits.SplitError, match="1 items have no official side"):
        splits.train_validation_test(everything.manifest)


def test_a_clip_that_cannot_be_read_is_named_once_and_left_out(tmp_path):
    put(tmp_path, clips=[*CLIPS, "jazz.00054"])
    (tmp_path / "jazz" / "jazz.00054.wav").write_bytes(b"no sound" * 99)
    with pytest.warns(UserWarning, match=r"gtzan: .* left out .*\n(?s:.*)  jazz\.00054: cannot be read as a sound"):
        clips = datasets.load("gtzan", data_home=tmp_path)
    assert len(clips) == 7 and "jazz.00054" in clips.manifest.attrs["left_out"]
    with pytest.raises(DatasetError, match=r"jazz\.00054"):
        datasets.load("gtzan", data_home=tmp_path, unreadable="raise")


@pytest.mark.filterwarnings("default:gtzan")
def test_missing_clips_are_counted_and_named(tmp_path):
    put(tmp_path)
    with pytest.warns(
        UserWarning,
        match=r"923 items left out of .*\n  923 \(blues\.00001, blues\.00002, blues\.00003, \.\.\.\): missing",
    ):
        clips = datasets.load("gtzan", data_home=tmp_path)
    assert clips.manifest.attrs["left_out"]["rock.00099"] == "missing: not in the folder"


@pytest.mark.parametrize("clips", [[], ["blues.00000", "blues.00001"], ["blues.0", "jazz.00100"]])
def test_a_folder_that_is_not_gtzan(tmp_path, clips):
    put(tmp_path, clips=clips)
    with pytest.raises(DatasetError, match=r"no clips of two of its genres in .*Expected GTZAN's clips by their names"):
        datasets.load("gtzan", data_home=tmp_path)


@pytest.mark.filterwarnings("ignore:gtzan")
def test_a_set_of_which_nothing_can_be_read(tmp_path):
    put(tmp_path, clips=["blues.00000", "jazz.00002"])
    for path in tmp_path.glob("*/*.wav"):
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"nothing in .* can be used(?s:.*)class blues, class jazz"):
        datasets.load("gtzan", data_home=tmp_path)


# ---------------------------------------------------------------- the lists


def test_the_lists_hold_443_197_and_290_clips_and_no_group_is_on_two_sides():
    sides = gtzan.sides()
    counted = [side for side, _ in sides.values()]
    assert [counted.count(s) for s in ("train", "validation", "test")] == [443, 197, 290]
    assert len(sides) == 930
    by_group: dict[str, set[str]] = {}
    for side, group in sides.values():
        by_group.setdefault(group, set()).add(side)
    assert all(len(s) == 1 for s in by_group.values()) and len(by_group) > 100


def test_neighbors_on_one_side_are_a_group_that_only_faulty_clips_interrupt():
    group = {clip: g for clip, (_, g) in gtzan.sides().items()}
    assert group["blues.00000"] == group["blues.00011"] != group["blues.00012"]
    assert group["jazz.00041"] == group["jazz.00047"]  # those between are in no list


def test_the_lists_are_the_published_ones():
    if not LISTS.is_dir():
        pytest.skip("the published lists are not on this machine")
    sides = gtzan.sides()
    for side, name in (("train", "train"), ("validation", "valid"), ("test", "test")):
        lines = (LISTS / f"{name}_filtered.txt").read_text().split()
        assert {Path(line).stem for line in lines} == {clip for clip, (s, _) in sides.items() if s == side}
