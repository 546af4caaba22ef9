"""The models of the course, one a file, in the rooms :mod:`~musiclib.models.classify` and ``generate``.

``models.genre_cnn`` is the function of that name in the file of that name, imported when it is asked for: a new model
is a new file, and nothing else changes. They use ``keras`` and ``keras.ops`` alone: TensorFlow and JAX run them.

A classifier is made by ``make(shape, classes, **options)``. ``shape`` is that of one example, (bands, frames); the
model scales each band itself, by a Normalization layer that ``training.build`` sets.

``models.kept(name)`` is a model that was trained before, and ``models.kept_card(name)`` says how.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

_ROOMS = ("classify", "generate")
_KEPT = ("kept", "kept_card")


def _files() -> dict[str, str]:
    """Each model's name and the module that it is in."""
    here = Path(__file__).parent
    paths = (path for room in _ROOMS for path in sorted((here / room).glob("[a-z]*.py")))
    return {path.stem: f"{__name__}.{path.parent.name}.{path.stem}" for path in paths}


def __dir__() -> list[str]:
    return sorted([*_files(), *_KEPT])


def __getattr__(name: str) -> Any:
    if name in _KEPT:
        return getattr(import_module(f"{__name__}.checkpoints"), name)
    found = _files()
    if name.startswith("_") or name not in found:
        raise AttributeError(f"There is no model {name!r}. There are {', '.join(found)}.")
    return getattr(import_module(found[name]), name)
