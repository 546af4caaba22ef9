"""Keeping a trained model for ``models.kept``: a small file in the repository, and its card beside it."""

import json
import os
import platform
import re
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from musiclib import files
from musiclib.models import checkpoints
from musiclib.training.making import gpus


def keep(
    model: keras.Model,
    name: str,
    *,
    figures: Mapping[str, Any] | Callable[[keras.Model], Mapping[str, Any]],
    command: str,
    data: str,
    seconds: float,
    licence: str = "MIT",
    folder: str | Path | None = None,
    half: bool | None = None,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Keep a trained model as ``NAME.keras`` and ``NAME.json``, for ``models.kept(name)``.

    Kept are the architecture, in float32 on any device, and the weights, without an optimizer. That it can be read
    again in safe mode is tried before anything is written.

    Parameters
    ----------
    model : whose classes come from Keras or :mod:`musiclib.models`
    name : letters, digits, - and _
    figures : what was measured, or a function that measures it of the model as it will be read, which is better:
        weights in half precision are a little others
    command : that makes the model again
    data : what it learned from and was tested on, in words
    seconds : that the training took
    licence : of the weights: what the data's licences allow
    folder : None is ``data/checkpoints`` of the clone that musiclib is in
    half : round the weights to half precision, which takes half of the place; None does so if they do not fit otherwise
    about : what else its users need, such as ``{"classes": [...]}``

    Returns
    -------
    dict, what stands in the card

    Raises
    ------
    CheckpointError
        If the model cannot be read in safe mode, or would be larger than 2 MB.
    ValueError
        If the name has other characters, ``about`` has a name that the card has, or weights are NaN, infinite, or
        beyond half precision.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError(f"name={name!r}: expected letters, digits, - and _.")
    place = checkpoints.CLONE if folder is None else Path(folder).expanduser()
    if folder is None and not place.parent.is_dir():
        raise ValueError(f"there is no {place.parent}: musiclib is not in a clone of its repository. Give folder=.")
    modules = _modules(model)
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / f"{name}.keras"
        halved = _write_small(model, path, half)
        again = checkpoints.load(path, modules)
        card = {
            "command": command,
            "commit": _commit(),
            "date": time.strftime("%Y-%m-%d"),
            "seconds": round(seconds),
            "machine": f"{os.cpu_count()} CPU cores, {gpus()} GPUs, {platform.system()}",
            "made with": f"Keras {keras.version()} on {keras.backend.backend()}",
            "data": data,
            "licence": licence,
            "figures": dict(figures(again) if callable(figures) else figures),
            "parameters": model.count_params(),
            "weights": "float16" if halved else "float32",
            "bytes": path.stat().st_size,
            "sha256": files.sha256(path),
            "modules": modules,
        }
        taken = sorted(card.keys() & (about or {}).keys())
        if taken:
            raise ValueError(f"about has {', '.join(taken)}, which the card has already.")
        card |= about or {}
        text = json.dumps(card, indent=1, default=_plain, allow_nan=False) + "\n"
        files.write_whole(place / f"{name}.keras", lambda part: Path(part).write_bytes(path.read_bytes()))
    files.write_whole(place / f"{name}.json", lambda part: Path(part).write_text(text, encoding="utf-8"))
    for kept in (place / f"{name}.keras", place / f"{name}.json"):
        kept.chmod(0o644)
    return json.loads(text)


def _modules(model: keras.Model) -> list[str]:
    """The modules of musiclib.models that define what the model is made of.

    Raises
    ------
    CheckpointError
        If a part is from elsewhere, such as a chapter's own class.
    """
    found = {type(part): part for part in model._flatten_layers()}
    ours = {made.__module__ for made in found if made.__module__.startswith(checkpoints.OURS)}
    for made, part in found.items():
        if made.__module__.partition(".")[0] != "keras" and made.__module__ not in ours:
            raise checkpoints.CheckpointError(
                f"{part.name!r} is of {made.__module__}.{made.__qualname__}: expected classes of Keras and of "
                f"{checkpoints.OURS}*, which are there when the model is read."
            )
    return sorted(ours)


def _write_small(model: keras.Model, path: Path, half: bool | None) -> bool:
    """Write a model within the limit; whether its weights were rounded."""
    for halved in [False, True] if half is None else [half]:
        bare = _without_optimizer(model, halved)
        bare.save(path)
        _pack(path)
        if path.stat().st_size <= checkpoints.MOST:
            return halved
    raise checkpoints.CheckpointError(
        f"{path.stem} takes {path.stat().st_size:,} bytes with weights in {'half' if halved else 'full'} precision: "
        f"expected at most {checkpoints.MOST:,}. Make the model smaller"
        + (", or leave half=None." if half is False else ".")
    )


def _without_optimizer(model: keras.Model, halved: bool) -> keras.Model:
    """A model of the same weights, rounded if ``halved``, that was never compiled."""
    try:
        bare = type(model).from_config(model.get_config())
    except Exception as error:  # safe mode refuses here already
        raise checkpoints.CheckpointError(
            f"{model.name} cannot be read in safe mode ({error}). Expected layers of Keras and of {checkpoints.OURS}*, "
            "and no Lambda."
        ) from error
    if not bare.built:
        bare.build_from_config(model.get_build_config())
    weights = model.get_weights()
    if not all(np.isfinite(w).all() for w in weights):
        raise ValueError(f"{model.name} has weights that are NaN or infinite: it has not learned anything to keep.")
    if halved:
        floats = [w.dtype.kind == "f" for w in weights]
        if any(f and np.abs(w).max(initial=0) > np.finfo(np.float16).max for f, w in zip(floats, weights, strict=True)):
            raise ValueError(f"{model.name} has weights beyond {np.finfo(np.float16).max}: they need half=False.")
        weights = [w.astype(np.float16).astype(w.dtype) if f else w for f, w in zip(floats, weights, strict=True)]
    bare.set_weights(weights)
    return bare


def _pack(path: Path) -> None:
    """The same archive, packed well, with no date and no mixed precision, so that the same model is the same file."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in sorted(archive.namelist())}
    for kind in ("mixed_bfloat16", "mixed_float16"):
        content["config.json"] = content["config.json"].replace(kind.encode(), b"float32")
    made = json.loads(content["metadata.json"])
    content["metadata.json"] = json.dumps({k: v for k, v in made.items() if k != "date_saved"}).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, value in content.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), value, zipfile.ZIP_LZMA)


def _commit() -> str:
    """The commit of musiclib that runs, with a note if files were changed since."""
    root = checkpoints.CLONE.parents[1]
    try:
        here, changed = (
            subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.CalledProcessError):
        return checkpoints.origin()[1] or "unknown"
    return f"{here}, with changes" if changed else here


def _plain(value: Any) -> Any:
    """What JSON does not have, as what it has."""
    if isinstance(value, pd.DataFrame):
        return json.loads(value.to_json(orient="records"))
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a figure is of type {type(value).__name__}: expected numbers, words, lists, dicts or tables.")
