"""Models that were trained before and kept: a file of at most 2 MB, and beside it how, when and from what it was made.

``NAME.keras`` is a Keras archive without an optimizer, read in Keras' safe mode, which runs no code of the file's.
``NAME.json`` has its SHA-256, and the command, commit, data, time and figures of the run that made it. They lie in the
repository's ``data/checkpoints``; where musiclib was installed without a clone, pooch fetches them from there.
"""

import inspect
import json
import re
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from musiclib import files

MOST = 2_000_000  # bytes of a file
CLONE = Path(__file__).resolve().parents[2] / "data" / "checkpoints"
OURS = "musiclib.models."  # where classes of kept models may come from, beside Keras


class CheckpointError(ValueError):
    """A kept model that cannot be used. The message names it, says what was expected and what to do."""


def kept(name: str, *, folder: str | Path | None = None) -> Any:
    """The model that was kept under this name, as a ``keras.Model`` that is not compiled.

    Parameters
    ----------
    name : of a file in ``data/checkpoints``, without its ending
    folder : where it lies; None is the clone that musiclib is in, else the repository that it was installed from

    Raises
    ------
    CheckpointError
        If it is not there or cannot be fetched, is larger than 2 MB, is not the file that its card is about, or has a
        layer that safe mode does not allow.
    """
    card, place = _card(name, folder)
    path = _found(f"{name}.keras", place)
    if path.stat().st_size > MOST:
        raise CheckpointError(f"{path} has {path.stat().st_size:,} bytes: expected at most {MOST:,}.")
    if files.sha256(path) != card["sha256"]:
        raise CheckpointError(
            f"{path} has the SHA-256 {files.sha256(path)}, its card {card['sha256']}: it is not the file that the card "
            f"is about. Get both again."
        )
    return load(path, card["modules"])


def kept_card(name: str, *, folder: str | Path | None = None) -> dict[str, Any]:
    """How a kept model was made: command, commit, data, seconds, date, machine, figures, licence, sha256 and more.

    Raises
    ------
    CheckpointError
        If it is not there, cannot be fetched, or is no card.
    """
    return _card(name, folder)[0]


def load(path: Path, modules: list[str]) -> Any:
    """A model from its file, in safe mode, with the classes that these modules of ``musiclib.models`` define.

    Raises
    ------
    CheckpointError
        If a module is of another place, or the file cannot be read in safe mode.
    """
    import keras  # a card can be read without it

    strange = [name for name in modules if not re.fullmatch(re.escape(OURS) + r"[a-z_0-9.]+", name)]
    if strange:
        raise CheckpointError(f"{path}: its card names the modules {strange}. Expected some of {OURS}*.")
    classes: dict[str, Any] = {}
    for module in map(import_module, modules):
        own = inspect.getmembers(module, lambda v: inspect.isclass(v) or inspect.isfunction(v))
        classes |= {k: v for k, v in own if v.__module__ == module.__name__}
    try:
        return keras.saving.load_model(path, custom_objects=classes, compile=False, safe_mode=True)
    except Exception as error:  # whatever a file may hold
        raise CheckpointError(
            f"{path} cannot be read in safe mode ({type(error).__name__}: {error}). Expected layers of Keras and of "
            f"{OURS}*, and no Lambda."
        ) from error


def _card(name: str, folder: str | Path | None) -> tuple[dict[str, Any], str | Path | None]:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise CheckpointError(f"{name!r}: expected the name of a kept model, of letters, digits, - and _.")
    path = _found(f"{name}.json", folder)
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is no JSON ({error}). Get it again.") from error
    missing = [k for k in ("sha256", "modules", "command", "figures") if not isinstance(card, dict) or k not in card]
    if missing:
        raise CheckpointError(f"{path} lacks {', '.join(missing)}: expected what training.keep writes.")
    return card, folder


def _found(file: str, folder: str | Path | None) -> Path:
    place = CLONE if folder is None else Path(folder).expanduser()
    if (place / file).is_file():
        return place / file
    if folder is None and not place.parent.is_dir():  # no clone
        return _fetched(file)
    there = ", ".join(sorted(path.stem for path in place.glob("*.keras"))) or "none"
    raise CheckpointError(f"There is no {file} in {place}. Kept there: {there}. training.keep makes one.")


def _fetched(file: str) -> Path:
    """A file of the repository that musiclib was installed from, of the very commit."""
    import pooch

    url, commit = origin()
    if not url:
        raise CheckpointError(
            f"{file} is not here: musiclib was installed without its repository, and not from its address. Clone the "
            "repository, or give folder=, where the file is."
        )
    address = f"{url}/raw/{commit}/data/checkpoints/{file}"
    try:  # the card has the other file's SHA-256; the card itself is as sure as the commit
        return Path(pooch.retrieve(address, None, file, files.home() / "checkpoints" / commit))
    except Exception as error:  # whatever the download meets: no network, no such file, a full disk
        raise CheckpointError(
            f"{file} could not be downloaded from {address} ({type(error).__name__}: {error}). It needs network once; "
            "or give folder=, where the file is."
        ) from error


def origin() -> tuple[str, str]:
    """Address and commit that musiclib was installed from by pip, from what pip noted; empty if from no repository."""
    try:
        noted = json.loads(distribution("musiclib").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        noted = {}
    commit = noted.get("vcs_info", {}).get("commit_id", "")
    return (noted["url"].removesuffix(".git").rstrip("/"), commit) if commit else ("", "")
