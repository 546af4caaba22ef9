"""A table of models and their scores, each recorded for the results page with its interval."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

import pandas as pd
from IPython.display import HTML, display

from musiclib.page.record import record


def results(
    table: pd.DataFrame,
    *,
    split: str,
    caption: str,
    parameters: Mapping[str, int] | None = None,
    seconds: Mapping[str, float] | None = None,
    beside: Mapping[str, Mapping[str, str]] | None = None,
    rows: str = "model",
    prefix: str = "",
    note: str = "",
) -> None:
    """Show a row a model and a column a score, as value (low to high), and record every figure.

    Parameters
    ----------
    table : from ``evaluation.compare``: columns model, score, value, low, high, groups
    split : the unit that was never split, such as ``"work"``
    caption : printed below: the data, the side, the number of groups
    parameters : how many each model has that learns; absent for one that has none
    seconds : its training time
    beside : further columns as text that is shown and not recorded, such as published figures: {head: {model: text}}
    rows : the first column's head: what stands under ``model`` may be pairs of models
    prefix, note : of the recorded names, and how it was measured
    """
    counts = {"parameters": parameters or {}, "training (s)": seconds or {}}
    counts = {name: found for name, found in counts.items() if found}
    display(HTML(table_of(table, escape(caption), beside or {}, counts, rows=rows)))
    for _, cell in table.iterrows():
        record(
            f"{prefix}{cell.score}, {cell.model}",
            cell.value,
            low=cell.low,
            high=cell.high,
            split=split,
            note=note or f"95 % interval over {int(cell.groups)} groups",
        )
    for unit, found in (("parameters", parameters), ("s", seconds)):
        for model, value in (found or {}).items():
            record(f"{prefix}{'size' if unit == 'parameters' else 'training time'}, {model}", value, unit=unit)


def table_of(
    table: pd.DataFrame,
    caption: str,
    beside: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    counts: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
    *,
    rows: str = "model",
) -> str:
    """HTML of a row a model and a column a score; ``caption`` is HTML; ``beside``, ``counts`` are more columns.

    A dash stands where a model has no such score.
    """
    models, scores = (list(dict.fromkeys(table[column])) for column in ("model", "score"))
    cells = table.set_index(["model", "score"])
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in (rows, *scores, *beside, *counts))
    body = ""
    for model in models:
        row = "".join(_cell(cells, model, score) for score in scores)
        row += "".join(f"<td>{escape(texts.get(model, '—'))}</td>" for texts in beside.values())
        row += "".join(f"<td>{_count(found.get(model))}</td>" for found in counts.values())
        body += f'<tr><th scope="row">{escape(model)}</th>{row}</tr>'
    html = f'<table class="dlm-measured"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    # Not a <caption>: that would scroll with a table which is too wide for the page.
    return f'<figure class="dlm-results">{html}<figcaption>{caption}</figcaption></figure>'


def _cell(cells: pd.DataFrame, model: str, score: str) -> str:
    if (model, score) not in cells.index:
        return "<td>—</td>"
    cell = cells.loc[(model, score)]
    interval = "" if pd.isna(cell.low) else f' <span class="dlm-interval">{cell.low:.2f} to {cell.high:.2f}</span>'
    return f"<td>{cell.value:.3f}{interval}</td>"


def _count(value: float | None) -> str:
    return "—" if value is None else f"{value:,.0f}"
