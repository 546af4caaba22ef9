"""Figures of a run that took longer than a page may: kept in a file with the command that repeats it, shown as such."""

import json
import os
import time
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML, display

from musiclib.page.results import table_of
from musiclib.statistics import Interval


def keep_run(
    path: str | Path,
    figures: pd.DataFrame,
    *,
    chapter: str,
    parameters: Mapping[str, Any],
    seconds: float,
    data: str,
    gpus: int = 0,
    **more: Any,
) -> None:
    """Write a run's figures to a file.

    Parameters
    ----------
    path : of the file, JSON
    figures : from ``evaluation.compare``: columns model, score, value, low, high, groups
    chapter : the notebook's name, without its ending
    parameters : that papermill gave it, for the command; those that are empty are left out
    seconds : that it took
    data : what it learned from and was tested on, in words
    gpus : how many it had
    more : what else to keep, intervals or of types that JSON has
    """
    given = "".join(f" -p {name} {value}" for name, value in parameters.items() if value not in ("", None))
    run = {
        "command": f"papermill {chapter}.ipynb long.ipynb{given}",
        "date": time.strftime("%Y-%m-%d"),
        "seconds": round(seconds),
        "machine": f"{os.cpu_count()} CPU cores, {gpus} GPUs",
        "data": data,
        "figures": json.loads(figures.to_json(orient="records")),
    }
    Path(path).expanduser().write_text(json.dumps(_plain(run | more), indent=1) + "\n")


def kept_run(path: str | Path) -> dict[str, Any]:
    """What :func:`keep_run` wrote, ``figures`` as a table and intervals as such; {} where there is no such file."""
    path = Path(path).expanduser()
    if not path.is_file():
        return {}
    run = json.loads(path.read_text(), object_hook=_interval)
    return run | {"figures": pd.DataFrame(run["figures"])}


def _plain(value: Any) -> Any:
    """Intervals as dicts of four, wherever they stand: JSON would make lists of them."""
    if isinstance(value, Interval):
        return value._asdict()
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _interval(found: dict[str, Any]) -> Any:
    return Interval(**found) if set(found) == set(Interval._fields) else found


def longer_run(run: Mapping[str, Any]) -> None:
    """Show a kept run: a row a model, a column a score; when, on what and how it was made.

    Parameters
    ----------
    run : from :func:`kept_run`; of an empty one it says that none is kept
    """
    if not run:
        print("No longer run is kept here.")
        return
    made = (
        f"Not run when this page was built, but on {run['date']}, in {run['seconds']:,} s on {run['machine']}:"
        f" {run['data']}. 95 % intervals."
    )
    caption = f"{escape(made)}<br><code>{escape(run['command'])}</code>"
    display(HTML(table_of(run["figures"], caption)))


def kept_model(name: str) -> Any:
    """The model that was kept under this name, or None; the page says how it was made, or why it is not here.

    Parameters
    ----------
    name : of a file in ``data/checkpoints``, without its ending

    Returns
    -------
    keras.Model from :func:`musiclib.models.kept`; None where it can neither be found nor fetched
    """
    from musiclib.models import checkpoints  # else whatever changes there would run every chapter again

    try:
        model, card = checkpoints.kept(name), checkpoints.kept_card(name)
    except checkpoints.CheckpointError as error:
        print(f"No kept {name}: {error}")
        return None
    made = (
        f"The network kept as <code>{escape(name)}</code> was not trained when this page was built, but on"
        f" {card['date']}, in {card['seconds']:,} s on {escape(card['machine'])}: {escape(card['data'])}"
    )
    display(HTML(f'<p class="dlm-kept">{made}<br><code>{escape(card["command"])}</code></p>'))
    return model
