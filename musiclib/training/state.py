"""The state of a training after each epoch, in a folder: whole or not at all, and found again by all it belongs to."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from musiclib import files
from musiclib.training.identity import Nameless, identity

_FORM = 2  # of what is kept: another one is not read


def key(parts: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What a kept state belongs to: 16 characters.

    Parameters
    ----------
    parts : all that the weights after each epoch depend on
    names : that stand for the content of some of them

    Raises
    ------
    ValueError
        If a name is of no part, or a part's content cannot be told and has no name.
    """
    unknown = sorted(set(names) - set(parts))
    if unknown:
        raise ValueError(f"names={unknown}: expected some of {', '.join(parts)}.")
    found = {"form": identity((_FORM, keras.version(), keras.backend.backend()))}
    for name, part in parts.items():
        try:
            found[name] = f"name {names[name]}" if name in names else identity(part)
        except Nameless as error:
            raise ValueError(
                f"folder keeps this run apart from others by all that it depends on, but {name} cannot be told from "
                f"another one: {error} Give it a name with its settings in it, and another one another name: "
                f"names={{{name!r}: '...'}}."
            ) from error
    return identity(found)[:16]


class Place:
    """A folder that holds the state after the last epoch."""

    def __init__(self, folder: str | Path, key: str):
        self.folder = Path(folder).expanduser() / key

    def states(self) -> list[Path]:
        """What is kept, the last epoch last."""
        return sorted(p for p in self.folder.glob("epoch-*") if p.name[6:].isdigit())

    def keep(self, model: keras.Model, history: list[dict], best: list[np.ndarray]) -> None:
        """Write the state, then remove those before it."""
        before = self.states()
        new = self.folder / f"epoch-{len(history):05d}"
        with files.whole_folder(new) as part:
            np.savez(part / "state.npz", *map(keras.ops.convert_to_numpy, _state(model)))
            np.savez(part / "best.npz", *best)
            (part / "history.json").write_text(json.dumps(history))
        for old in before:
            if old != new:
                shutil.rmtree(old, ignore_errors=True)

    def restore(self, model: keras.Model) -> tuple[list[dict], list[np.ndarray]]:
        """The history and the best epoch's weights; the model and its optimizer get the last epoch's state.

        Raises
        ------
        ValueError
            If what is kept cannot be read.
        """
        kept = self.states()
        if not kept:
            return [], []
        try:
            values, best = (_arrays(kept[-1] / f"{name}.npz") for name in ("state", "best"))
            history = json.loads((kept[-1] / "history.json").read_text())
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise ValueError(f"{kept[-1]} cannot be read ({error}). Remove it: the run then begins anew.") from error
        for variable, value in zip(_state(model), values, strict=True):
            variable.assign(value)
        return history, best


def _arrays(path: Path) -> list[np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as found:
            return [found[name] for name in found.files]
    except Exception as error:  # zipfile and zlib have errors of their own
        raise ValueError(str(error)) from error


def _state(model: keras.Model) -> list:
    """All that changes while it learns: weights, the optimizer's memory, and the generators of dropout."""
    return [*model.variables, *model.optimizer.variables]
