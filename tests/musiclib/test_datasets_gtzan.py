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

pytestmark = pytest.mark.filterwarnings("ignore:gtzan. 99[0-9] of 1000 clips are not in")


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
    with pytest.warns(UserWarning, match=r"gtzan: 1 files .*\n  jazz\.00054: cannot be read as a sound"):
        clips = datasets.load("gtzan", data_home=tmp_path)
    assert len(clips) == 7 and "jazz.00054" in clips.manifest.attrs["left_out"]
    with pytest.raises(DatasetError, match=r"jazz\.00054"):
        datasets.load("gtzan", data_home=tmp_path, unreadable="raise")


@pytest.mark.filterwarnings("default:gtzan")
def test_missing_clips_are_counted_and_named(tmp_path):
    put(tmp_path)
    with pytest.warns(UserWarning, match=r"992 of 1000 clips are not in .*blues\.00001, blues\.00002, .*\.\.\."):
        clips = datasets.load("gtzan", data_home=tmp_path)
    assert clips.manifest.attrs["left_out"]["rock.00099"] == "missing"


@pytest.mark.parametrize("clips", [[], ["blues.00000", "blues.00001"], ["blues.0", "jazz.00100"]])
def test_a_folder_that_is_not_gtzan(tmp_path, clips):
    put(tmp_path, clips=clips)
    with pytest.raises(DatasetError, match=r"no two of its genres in .*Expected GTZAN's ten genres as sub-folders"):
        datasets.load("gtzan", data_home=tmp_path)


@pytest.mark.filterwarnings("ignore:gtzan")
def test_a_set_of_which_nothing_can_be_read(tmp_path):
    put(tmp_path, clips=["blues.00000", "jazz.00002"])
    for path in tmp_path.glob("*/*.wav"):
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"none of the 2 clips in .* can be used"):
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
