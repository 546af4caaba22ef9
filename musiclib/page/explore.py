"""Sliders: live widgets where there is a kernel, frames drawn beforehand where there is none."""

import itertools
import json
import os
import sys
import uuid
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from matplotlib.figure import Figure

from musiclib.page import phone
from musiclib.page.figure import to_svg
from musiclib.page.sound import data_uri

MOST_FRAMES = 60

# The whole script of a slider without a kernel. The frames lie in row-major order of the sliders.
_SCRIPT = """
(() => {
  const box = document.getElementById("ID"), inputs = [...box.querySelectorAll("input")];
  const frames = [...box.querySelectorAll(".dlm-frame")], audio = box.querySelector("audio");
  const sources = audio ? JSON.parse(audio.dataset.sources) : [];
  const lengths = audio ? JSON.parse(audio.dataset.lengths) : [];
  const update = () => {
    let k = 0;
    for (const input of inputs) {
      k = k * (Number(input.max) + 1) + Number(input.value);
      const text = JSON.parse(input.dataset.labels)[input.value];
      input.setAttribute("aria-valuetext", text);
      input.parentElement.querySelector("output").textContent = text;
    }
    frames.forEach((frame, i) => { frame.hidden = i !== k; });
    if (audio && audio.getAttribute("src") !== sources[k]) {
      const time = audio.currentTime, playing = !audio.paused;
      audio.src = sources[k];
      audio.dataset.seconds = lengths[k];
      if (playing) {
        audio.addEventListener("loadedmetadata", () => { audio.currentTime = time; }, { once: true });
        audio.play();
      }
    }
  };
  inputs.forEach((input) => input.addEventListener("input", update));
})();
"""


class Frame(NamedTuple):
    """What one position of the sliders shows."""

    figure: Figure | None = None
    y: np.ndarray | None = None  # a sound, shape (N,)
    sr: float | None = None  # its sampling rate in Hz
    text: str = ""  # a sentence below the figure


def explore(
    draw: Callable[..., Frame],
    caption: str,
    *,
    units: dict[str, str] | None = None,
    start: dict[str, Any] | None = None,
    match: bool = True,
    **choices: Sequence,
) -> None:
    """Let the reader change something, and see and hear what it does.

    Parameters
    ----------
    draw : called with one value of each choice by name; returns a :class:`Frame`
    caption : what to try; it also describes the figure to a reader who cannot see it
    units : name → unit, said after the value
    start : name → the value to begin with; the middle one where it is not given
    match : bring the frames' sounds to one loudness
    choices : name=values, one slider each

    Raises
    ------
    ValueError
        If there is no choice, a choice is empty, a start is not among its values, or there are too many frames.

    Notes
    -----
    In JupyterLab, VS Code and Colab it is an ipywidgets slider, and ``draw`` runs when it moves. Where nobody could
    move it, under papermill or in the book's build, every frame is drawn at once and the slider needs no kernel.
    The environment variable ``MUSICLIB_STATIC``, 1 or 0, decides otherwise.
    """
    units, start = units or {}, start or {}
    _validate(choices, start)
    begin = {name: start.get(name, values[len(values) // 2]) for name, values in choices.items()}
    labels = {name: [_label(v, units.get(name, "")) for v in values] for name, values in choices.items()}
    if has_front_end():
        display(live(draw, caption, choices, labels, begin, match))
    else:
        display(HTML(_static(draw, caption, choices, labels, begin, match)))


def has_front_end() -> bool:
    """Whether somebody can move a live slider: the kernel was started by JupyterLab, VS Code or Colab."""
    asked = os.environ.get("MUSICLIB_STATIC")
    if asked in ("0", "1"):
        return asked == "0"
    # A Jupyter server names the session in its kernels' environment; papermill and nbconvert name none.
    server = "JPY_SESSION_NAME" in os.environ or any(name.startswith("VSCODE_") for name in os.environ)
    return server or "google.colab" in sys.modules


def _validate(choices: dict[str, Sequence], start: dict[str, Any]) -> None:
    if not choices or any(len(values) == 0 for values in choices.values()):
        raise ValueError("explore needs at least one name=values, with values in it.")
    frames = int(np.prod([len(values) for values in choices.values()]))
    if frames > MOST_FRAMES:
        raise ValueError(f"explore would draw {frames} frames, more than {MOST_FRAMES}. Give fewer values.")
    for name, value in start.items():
        if name not in choices or value not in list(choices[name]):
            raise ValueError(f"start has {name}={value!r}, which is not among the choices.")


def _label(value: Any, unit: str) -> str:
    if isinstance(value, bool | np.bool_):
        return "on" if value else "off"
    whole = isinstance(value, int | np.integer)
    text = f"{value:,}" if whole else f"{value:g}" if isinstance(value, float | np.floating) else str(value)
    return f"{text} {unit}".strip()


def _static(draw, caption, choices, labels, begin, match) -> str:
    identity = f"dlm-{uuid.uuid4().hex[:8]}"
    at = {name: list(values).index(begin[name]) for name, values in choices.items()}
    controls = "".join(_range(name, labels[name], at[name]) for name in choices)
    frames, sources, lengths, shown = [], [], [], 0
    for k, values in enumerate(itertools.product(*choices.values())):
        setting = dict(zip(choices, values, strict=True))
        is_start = setting == begin
        frame = draw(**setting)
        described = ", ".join(
            f"{n.replace('_', ' ')} {labels[n][list(choices[n]).index(v)]}" for n, v in setting.items()
        )
        svg = ""
        if frame.figure:
            svg = to_svg(frame.figure, f"{caption} Shown: {described}.")
            plt.close(frame.figure)
        text = f"<p>{escape(frame.text)}</p>" if frame.text else ""
        frames.append(f'<div class="dlm-frame"{"" if is_start else " hidden"}>{svg}{text}</div>')
        if frame.y is not None:
            sources.append(data_uri(frame.y, frame.sr, match=match))
            lengths.append(round(len(frame.y) / frame.sr, 2))
        shown = k if is_start else shown
    if sources and len(sources) != len(frames):
        raise ValueError("explore: some frames have a sound and some have none. Give all of them one, or none.")
    audio = (
        f'<audio controls preload="none" style="width:100%" aria-label="what the sliders show" '
        f'data-seconds="{lengths[shown]}" data-lengths="{lengths}" src="{sources[shown]}" '
        f'data-sources="{escape(json.dumps(sources))}"></audio>'
        if sources
        else ""
    )
    return (
        f'<div class="dlm-explore" id="{identity}"><div class="dlm-caption">{escape(caption)}</div>'
        f'<div class="dlm-controls">{controls}</div>'
        f'<div class="dlm-frames" aria-live="polite">{phone.alike("".join(frames))}</div>{audio}'
        f"<script>{_SCRIPT.replace('ID', identity, 1)}</script></div>"
    )


def _range(name: str, labels: list[str], at: int) -> str:
    shown = escape(labels[at])
    return (
        f"<label><span>{escape(name.replace('_', ' '))}</span> "
        f'<input type="range" min="0" max="{len(labels) - 1}" step="1" value="{at}" aria-valuetext="{shown}" '
        f'data-labels="{escape(json.dumps(labels))}"> <output>{shown}</output></label>'
    )


def live(draw, caption, choices, labels, begin, match) -> ipywidgets.VBox:
    """The slider with a kernel behind it: an ipywidgets box whose sliders call ``draw``."""
    sliders = {
        name: ipywidgets.SelectionSlider(
            options=list(zip(labels[name], values, strict=True)),
            value=begin[name],
            description=name.replace("_", " "),
            continuous_update=False,
            style={"description_width": "initial"},
            layout={"width": "95%"},
        )
        for name, values in choices.items()
    }

    moved = itertools.count()

    def update(**setting):
        again = "autoplay" if next(moved) else ""  # who moves a slider wants to hear what it did
        frame = draw(**setting)
        if frame.figure:
            display(HTML(f'<figure class="dlm-figure">{to_svg(frame.figure, caption)}</figure>'))
            plt.close(frame.figure)
        if frame.text:
            display(HTML(f"<p>{escape(frame.text)}</p>"))
        if frame.y is not None:
            source = data_uri(frame.y, frame.sr, match=match)
            display(HTML(f'<audio controls {again} style="width:100%" src="{source}"></audio>'))

    output = ipywidgets.interactive_output(update, sliders)
    return ipywidgets.VBox([ipywidgets.HTML(f"<b>{escape(caption)}</b>"), *sliders.values(), output])
