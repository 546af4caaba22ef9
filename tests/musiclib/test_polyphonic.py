"""musiclib.datasets.polyphonic: two benchmark sets of piano rolls, and the likelihood that is published for them."""

import math
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from musiclib import datasets, evaluation, splits
from musiclib.datasets import DatasetError, polyphonic

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "polyphonic"
FILES = {"jsb_chorales": "JSB_Chorales.mat", "nottingham": "Nottingham.mat"}


def rolls(count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(rng.random((int(rng.integers(5, 12)), 88)) < 0.05).astype(np.uint8) for _ in range(count)]


def as_cells(pieces: list[np.ndarray]) -> np.ndarray:
    cells = np.empty((1, len(pieces)), dtype=object)
    cells[0] = pieces
    return cells


def write(path: Path, **sides) -> Path:
    scipy.io.savemat(path, {name: as_cells(pieces) for name, pieces in sides.items()})
    return path


@pytest.fixture
def small(tmp_path):
    """Both files, with five, two and three pieces."""
    for i, file in enumerate(FILES.values()):
        write(tmp_path / file, traindata=rolls(5, i), validdata=rolls(2, i + 10), testdata=rolls(3, i + 20))
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_rolls_and_sides_are_those_of_the_file(small, name):
    got = datasets.load(name, data_home=small, check=False)
    assert got.manifest.split.value_counts().to_dict() == {"train": 5, "test": 3, "validation": 2}
    assert got.unit == "frames"
    for i, expected in enumerate(rolls(3, list(FILES).index(name) + 20)):
        roll = got.load(f"test/{i:03d}")
        np.testing.assert_array_equal(roll, expected)
        assert roll.dtype == np.uint8 and got.manifest.duration[f"test/{i:03d}"] == len(roll)
    splits.assert_disjoint(got.manifest)
    assert (splits.train_validation_test(got.manifest) == got.manifest.split).all()


def test_the_file_itself_can_be_named_and_what_is_loaded_can_be_changed(small):
    got = datasets.load("nottingham", data_home=small / "Nottingham.mat", check=False)
    got.load("train/000")[:] = 1
    assert got.load("train/000").mean() < 0.5


def test_a_file_with_another_content_is_refused_and_kept(small):
    before = (small / "Nottingham.mat").read_bytes()
    with pytest.raises(DatasetError, match=r"Nottingham\.mat does not have the expected checksum: SHA-256"):
        datasets.load("nottingham", data_home=small)
    assert (small / "Nottingham.mat").read_bytes() == before


def test_without_file_and_network_the_message_says_where_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(polyphonic, "_URL", "http://127.0.0.1:9/mdata/")  # nobody listens there
    with pytest.raises(DatasetError, match=r"could not be downloaded from .*/mdata/JSB_Chorales\.mat .*put the file"):
        datasets.load("jsb_chorales", data_home=tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read as a MATLAB file"),
        (b"these are words" * 99, "cannot be read as a MATLAB file"),
        ({"traindata": rolls(2, 0), "validdata": rolls(2, 1)}, "has no table 'testdata'. Expected traindata"),
        ({"traindata": [np.ones((5, 3))]}, r"piece 0 of traindata is no piano roll: shape \(5, 3\)"),
        ({"traindata": [*rolls(1, 0), np.full((4, 88), 7)]}, "piece 1 of traindata is no piano roll"),
        ({"traindata": [np.full((4, 88), np.nan)]}, "piece 0 of traindata is no piano roll"),
    ],
)
def test_a_file_that_holds_no_piano_rolls(tmp_path, content, says):
    path = tmp_path / "JSB_Chorales.mat"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        write(path, **content)
    with pytest.raises(DatasetError, match=says):
        datasets.load("jsb_chorales", data_home=path, check=False)


def test_a_truncated_file(small):
    path = small / "JSB_Chorales.mat"
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(DatasetError, match=r"JSB_Chorales\.mat (cannot be read as a MATLAB file|has no table)"):
        datasets.load("jsb_chorales", data_home=small, check=False)


# ---------------------------------------------------------------- the real files


@pytest.mark.parametrize(
    ("name", "counts", "frames"),
    [("jsb_chorales", (229, 76, 77), 23_134), ("nottingham", (694, 173, 170), 266_537)],
)
def test_the_real_files_are_those_of_the_published_tables(name, counts, frames):
    if not (REAL / FILES[name]).is_file():
        pytest.skip(f"{FILES[name]} is not on this machine")
    got = datasets.load(name, data_home=REAL)
    sides = got.manifest.split.value_counts()
    assert tuple(sides[["train", "validation", "test"]]) == counts
    assert got.manifest.duration.sum() == frames
    data = Path(__file__).resolve().parents[2] / "data"
    card = (data / f"{name}.md").read_text()
    assert f"{len(got)} " in card and f"{frames:,} frames" in card and polyphonic.SHA256[FILES[name]] in card


def test_the_tunes_that_stand_on_two_sides_are_those_of_the_card():
    if not (REAL / "Nottingham.mat").is_file():
        pytest.skip("Nottingham.mat is not on this machine")
    first: dict[bytes, str] = {}
    twins = []
    for id, roll in datasets.load("nottingham", data_home=REAL):
        other = first.setdefault(roll.tobytes(), id)
        if other.split("/")[0] != id.split("/")[0]:
            twins.append((other, id))
    assert twins == [("train/201", "validation/003"), ("train/267", "test/099")]


# ---------------------------------------------------------------- likelihood


def test_a_coin_for_each_key_costs_88_ln_2_nats():
    pieces = rolls(4, 0)
    coin = [np.full((len(roll) - 1, 88), 0.5) for roll in pieces]
    assert evaluation.frame_nll(coin, pieces) == pytest.approx(88 * math.log(2))


def test_the_mean_is_over_frames_and_not_over_pieces():
    long, short = np.ones((101, 88)), np.zeros((2, 88))
    p = 0.9
    got = evaluation.frame_nll([np.full((100, 88), p), np.full((1, 88), p)], [long, short])
    assert got == pytest.approx(88 * (100 * -math.log(p) - math.log(1 - p)) / 101)


def test_the_best_constant_costs_the_entropy_of_each_key_and_the_first_frame_nothing():
    roll = np.zeros((41, 88))
    roll[1:11, 39] = 1  # one key sounds in 10 of the 40 frames that are predicted
    constant = np.tile(roll[1:].mean(axis=0), (40, 1))
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert evaluation.frame_nll([constant], [roll]) == pytest.approx(entropy)
    roll[0] = 1
    assert evaluation.frame_nll([constant], [roll]) == pytest.approx(entropy)


def test_certainty_is_free_when_right_and_infinite_when_wrong():
    roll = rolls(1, 3)[0]
    assert evaluation.frame_nll([roll[1:]], [roll]) == 0
    assert evaluation.frame_nll([1 - roll[1:]], [roll]) == math.inf


@pytest.mark.parametrize(
    ("probabilities", "pieces", "says"),
    [
        (
            [np.full((5, 88), 0.5)],
            [np.zeros((5, 88))],
            r"shape \(5, 88\), the piece \(5, 88\). Expected one frame less",
        ),
        ([], [np.zeros((5, 88))], "0 predictions for 1 pieces"),
        ([np.full((4, 88), 1.5)], [np.zeros((5, 88))], "no probabilities from 0 to 1"),
        ([np.full((4, 88), np.nan)], [np.zeros((5, 88))], "no probabilities from 0 to 1"),
        ([np.zeros((0, 88))], [np.zeros((1, 88))], "no frame to predict"),
    ],
)
def test_predictions_that_do_not_fit(probabilities, pieces, says):
    with pytest.raises(ValueError, match=says):
        evaluation.frame_nll(probabilities, pieces)
