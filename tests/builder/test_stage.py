"""From executed chapters and book pages to what is staged, one transform at a time."""

import base64
import html
import json
import re
from pathlib import Path

import pytest
from notebook_parts import code, notebook, shows, text

from book.builder.site import assemble, report, stage
from book.builder.site.links import Links

ROOT = Path(__file__).resolve().parents[2]

REPOSITORY = "https://github.com/somebody/fork"
LINKS = Links(frozenset({"01_one", "02_two"}), REPOSITORY, "main")
STAMP = {"profile": "quick", "seconds": 41.3, "peak_mb": 512.4, "backend": None, "cores": 2, "figures": {}}
SOUND = base64.b64encode(b"a sound").decode()


def staged(*cells, media=None):
    return stage.chapter(notebook(*cells), STAMP, LINKS, 2, {} if media is None else media)


# ---- An executed chapter ---------------------------------------------------------------------------------------------


def test_the_parameters_cell_shows_the_values_in_force_and_keeps_its_comments():
    declared = 'profile = "quick"  # smoke, quick or full\nfrühling = [1, 2,\n  3]  # bars\ntitle = ""\nseed = 7\n'
    cells = staged(
        code(declared, tags=["parameters"]),
        code('profile = "smoke"\nfrühling = [4]\ntitle = "it\'s"\nother = 1\n', tags=["injected-parameters"]),
    )["cells"]
    assert [cell["source"] for cell in cells] == [
        'profile = "smoke"  # smoke, quick or full\nfrühling = [4]  # bars\ntitle = "it\'s"\nseed = 7\n'
    ]


def test_data_for_the_build_is_not_on_the_page_and_what_is_shown_stays():
    record = {"output_type": "display_data", "metadata": {}, "data": {"application/vnd.musiclib.record+json": {}}}
    check = shows(text_html="<div>Right.</div>")
    check["data"]["application/vnd.musiclib.check+json"] = {"passed": True}
    printed = {"output_type": "stream", "name": "stdout", "text": "42\n"}
    outputs = staged(code("run()", record, check, printed))["cells"][0]["outputs"]
    assert [output.get("data") or output["text"] for output in outputs] == [{"text/html": "<div>Right.</div>"}, "42\n"]


def test_progress_is_not_on_the_page_and_a_warning_is():
    parts = ["\rtunes: 1 of 2", "\rtunes: 2 of 2", "\n", "a file is left out\n", "\rmore: 1 of 1\n"]
    written = [{"output_type": "stream", "name": "stderr", "text": part} for part in parts]
    printed = {"output_type": "stream", "name": "stdout", "text": "12 groups\n"}
    assert stage.visible_outputs([*written[:2], printed]) == [printed]
    assert stage.visible_outputs([*written[:2], printed, written[2]]) == [printed]  # the line's end comes later
    [left] = stage.visible_outputs(written)
    assert left["text"] == "a file is left out\n"


def test_sounds_become_files_with_links_that_are_right_from_a_chapter():
    media = {}
    flac = base64.b64encode(b"another").decode()
    sources = html.escape(json.dumps([f"data:audio/mpeg;base64,{SOUND}", f"data:audio/flac;base64,{flac}"]))
    page = f'<audio src="data:audio/mpeg;base64,{SOUND}" data-sources="{sources}"></audio>'
    shown = staged(code("play()", shows(text_html=page)), media=media)["cells"][0]["outputs"][0]["data"]["text/html"]
    first = re.search(r' src="([^"]+)"', shown)[1]
    both = json.loads(html.unescape(re.search(r'data-sources="([^"]+)"', shown)[1]))
    assert first == both[0]
    assert {Path(link).name: media[Path(link).name] for link in both} == media
    assert list(media.values()) == [b"a sound", b"another"]
    assert [Path(link).suffix for link in both] == [".mp3", ".flac"]
    assert all(link.startswith("../_static/media/") for link in both)


def test_a_sound_of_a_kind_that_browsers_do_not_play_is_an_error():
    with pytest.raises(stage.StageError, match="audio/midi"):
        stage.move_audio(f'<audio src="data:audio/midi;base64,{SOUND}">', "media", {})


def test_solutions_are_collapsed_and_the_colab_cell_is_not_shown():
    setup, solution = staged(code("%pip install x", tags=["setup"]), code("answer", tags=["solution"]))["cells"]
    assert "remove-cell" in setup["metadata"]["tags"]
    assert "hide-cell" in solution["metadata"]["tags"]
    assert solution["metadata"]["mystnb"]["code_prompt_show"] == "Show a solution"


def test_a_chapter_states_the_time_of_its_last_build():
    cell = staged(text('**Time** <span class="build-time">some\nminutes</span>, CPU'))["cells"][0]
    assert "41 s on 2 CPU cores, quick profile, last build</span>, CPU" in cell["source"]
    assert "minutes" not in cell["source"]


@pytest.mark.parametrize(("seconds", "said"), [(0.42, "0.4 s"), (9.96, "10 s"), (59.7, "1 min"), (125, "2 min 5 s")])
def test_durations_read_well(seconds, said):
    assert stage.duration(seconds) == said


def test_nothing_of_a_run_is_left_that_would_change_the_page_or_ask_for_a_widget_manager():
    chapter = staged(code("x"))
    assert set(chapter["metadata"]) == {"kernelspec", "language_info"}
    assert chapter["cells"][0]["execution_count"] is None


# ---- Links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "written", "becomes"),
    [
        ("notebooks", "[a](../book/pages/glossary.md#stft)", "[a](../glossary.md#stft)"),
        ("notebooks", "[a](02_two.md)", "[a](02_two.ipynb)"),
        ("notebooks", "[a](02_two.ipynb#part)", "[a](02_two.ipynb#part)"),
        ("notebooks", "[a](03_three.md)", "a"),
        ("notebooks", "[a](../musiclib/audio.py)", f"[a]({REPOSITORY}/blob/main/musiclib/audio.py)"),
        ("notebooks", "[a](https://doi.org/10.1/x)", "[a](https://doi.org/10.1/x)"),
        ("notebooks", "[a](#here)", "[a](#here)"),
        ("notebooks", "![a](../book/pages/x.png)", "![a](../book/pages/x.png)"),
        ("notebooks", "`[a](02_two.md)`", "`[a](02_two.md)`"),
        ("notebooks", "```\n[a](02_two.md)\n```", "```\n[a](02_two.md)\n```"),
        ("notebooks", '<a href="02_two.md">a</a>', '<a href="02_two.html">a</a>'),
        ("book/pages", "[a](../../notebooks/01_one.md)", "[a](notebooks/01_one.ipynb)"),
        ("book/pages", "[*a* b](glossary.md)", "[*a* b](glossary.md)"),
        ("book/pages", '<a class="x" href="part1.md">a</a>', '<a class="x" href="part1.html">a</a>'),
        ("book/pages", "[a](../../README.md)", f"[a]({REPOSITORY}/blob/main/README.md)"),
    ],
)
def test_links_that_work_in_the_repository_work_in_the_site(folder, written, becomes):
    assert LINKS.rewrite(written, folder) == becomes


# ---- Book pages ------------------------------------------------------------------------------------------------------


def test_a_book_page_shows_what_a_tagged_cell_has_shown():
    figure = '<figure>\n\n<img src="../_static/media/x.mp3"></figure>'
    files = {}
    chapters = {"02_two": notebook(code("draw()", shows(text_html=figure), tags=["landing"]))}
    page = "Before.\n\n<!-- output: 02_two landing -->\n\nAfter."
    made = stage.transclude("index.md", page, chapters, ["02_two"], files)
    assert made == "Before.\n\n```{raw} html\n:file: _shown/02_two-landing.html\n```\n\nAfter."
    assert files["_shown/02_two-landing.html"] == figure.replace("../_static", "_static").encode()


def test_a_cell_that_is_not_there_is_an_error_that_names_page_chapter_and_tag():
    with pytest.raises(stage.StageError, match=r"book/pages/index\.md .*tagged landing of 02_two"):
        stage.transclude("index.md", "<!-- output: 02_two landing -->", {"02_two": notebook(code("x"))}, ["02_two"], {})
    with pytest.raises(stage.StageError, match=r"book/pages/index\.md .*99_none.*_toc\.yml"):
        stage.transclude("index.md", "<!-- output: 99_none landing -->", {}, ["02_two"], {})


def test_a_preview_says_what_it_leaves_out():
    assert "not in this preview" in stage.transclude("i.md", "<!-- output: 02_two x -->", {}, ["02_two"], {})
    toc = {
        "root": "index",
        "parts": [
            {"caption": "One", "chapters": [{"file": "part1"}, {"file": "notebooks/01_one"}]},
            {"caption": "Two", "chapters": [{"file": "notebooks/02_two"}]},
        ],
    }
    kept = {"root": "index", "parts": [{"caption": "One", "chapters": [{"file": "part1"}]}]}
    assert assemble.prune_toc(toc, []) == kept
    assert assemble.prune_toc(toc, ["01_one", "02_two"]) == toc


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (97.8, "97.8"),
        (0.00023149, "0.0002315"),
        (-3, "\u22123"),
        (1411200, "1,411,200"),
        (1.5e-7, "1.5\u2009\u00d7\u200910<sup>\u22127</sup>"),
        (None, "—"),
        (True, "True"),
    ],
)
def test_recorded_numbers_read_well(value, said):
    assert report.number(value) == said


def test_the_results_page_has_every_finding_and_folded_every_figure():
    figures = {
        "sqnr": {"value": 97.8, "low": 97, "high": 98.6, "unit": "dB", "split": "", "note": "a | b\nc"},
        "ratio": {"value": 0.5, "low": None, "high": None, "unit": "", "split": "", "note": ""},
    }
    findings = [
        {"id": "finding-1a", "html": "Each bit adds <strong>6.02 dB</strong> &amp; so on.", "holds": True},
        {"id": "finding-2b", "html": "Nobody hears it.", "holds": False},
    ]
    one = {**STAMP, "figures": figures, "findings": findings, "agreements": [{"what": "ours and theirs"}]}
    stamps, titles = {"01_one": one, "02_two": STAMP}, {"01_one": "Sampling", "02_two": "Fourier"}
    page = report.results_page(stamps, titles, {"01_one": "Part 1", "02_two": "Part 2"})
    said = f'<a href="notebooks/01_one.html#finding-1a">{findings[0]["html"]}</a></li>'
    assert said in page
    assert 'finding-2b">Nobody hears it.</a> <strong>Not so in this run.</strong>' in page
    assert "1 of its computations" in page
    assert page.index("Nobody hears it") < page.index("<summary>All 2 figures</summary>") < page.index("| Figure |")
    assert "| Figure | Value | Unit | Interval | How |" in page
    assert "| sqnr | 97.8 | dB | 97 … 98.6 | a \\| b c |" in page
    assert "| ratio | 0.5 | — | — | — |" in page
    assert "[Sampling](notebooks/01_one.ipynb)" in page
    assert "## Part 1" in page and "Part 2" not in page  # of which nothing was measured


def test_the_status_page_has_time_memory_and_versions_of_every_chapter():
    stamps = {"01_one": STAMP, "02_two": {**STAMP, "seconds": 100.0, "backend": "tensorflow"}}
    titles = {"01_one": "One", "02_two": "Two"}
    dates = dict.fromkeys(stamps, "2026-11-21")
    page = report.status_page(stamps, titles, dates, {"Python": "3.11.7"})
    assert "| [One](notebooks/01_one.ipynb) | quick | 41 s | 512 MB | — | 2026-11-21 |" in page
    assert "| tensorflow |" in page
    assert "2 min 21 s" in page
    assert "| Python | 3.11.7 |" in page
