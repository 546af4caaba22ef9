"""The build and its gate: what turns a chapter red, what runs again, what survives an interruption."""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from small_books import PARAMETERS, REPOSITORY, SETUP, code, project, ran, run_build

from book.builder import __main__ as build
from book.builder import chapters, sync
from book.builder.run import execute, law, schedule, stamps

PLANTED = Path(__file__).with_name("planted")


@pytest.fixture(autouse=True)
def no_ci(monkeypatch):
    """The address under which a CI runs these tests must not leak into the planted projects."""
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)


# The gate: one build of every planted chapter.


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    root = tmp_path_factory.mktemp("gate") / "book"
    texts = {path.stem: path.read_text() for path in sorted(PLANTED.glob("*.md"))}
    project(root, texts)
    shutil.copytree(REPOSITORY / "musiclib", root / "musiclib", ignore=shutil.ignore_patterns("__pycache__"))
    source = root / "notebooks" / "07_out_of_step.md"
    source.write_text(source.read_text().replace("as it was", "as it is now"))
    return root, run_build(root, "--jobs", "2")


def told(output: str, chapter: str) -> str:
    """What the summary says of one chapter."""
    summary = output.split("chapters failed:", 1)[1]
    parts = [part for part in summary.split("\n\n") if part.strip().startswith(f"{chapter}")]
    assert parts, f"{chapter} is not in the summary:\n{summary}"
    return "\n".join(parts)


@pytest.mark.parametrize(
    "chapter, expected",
    [
        ("02_plain", ["code cell 2 (notebooks/02_plain.md, line 11)", "FileNotFoundError", "no such recording.wav"]),
        ("03_time", ["code cell 2", "%%time", "ZeroDivisionError: division by zero"]),
        ("04_last", ["code cell 3", "raise ValueError", "ValueError: the last cell"]),
        (
            "05_bound",
            [
                "code cell 2",
                "signal to noise = 40 dB",
                "claims at least 49.9",
                "code cell 3",
                "not so: Noise 40\u00a0dB",
            ],
        ),
        ("06_no_parameters", ["no cell tagged `parameters`"]),
        ("07_out_of_step", ["cell 3", "as it is now", "as it was", "make sync"]),
        ("08_dies", ["code cell 2", "import os", "DeadKernelError", "exit status 3"]),
        ("09_solution", ["code cell 3", "solution of 'double' does not pass"]),
        ("10_stub", ["code cell 2", "stub of 'double' passes"]),
        ("11_exits", ["code cell 2", "SystemExit"]),
        ("12_silent", ["code cell 2", "raised an error, and no traceback"]),
    ],
)
def test_a_planted_fault_turns_the_build_red_with_chapter_cell_and_message(gate, chapter, expected):
    _, done = gate
    assert done.returncode == 1
    said = told(done.stdout, chapter)
    for text in expected:
        assert text in said


def test_no_faulty_chapter_is_published_and_its_half_run_notebook_is_kept(gate):
    root, _ = gate
    assert [path.stem for path in (root / "_build" / "executed").glob("*.ipynb")] == ["01_good"]
    half_run = nbformat.read(root / "_build" / "failed" / "03_time.ipynb", as_version=4)
    assert any(output.output_type == "error" for cell in half_run.cells for output in cell.get("outputs", []))


def test_a_good_chapter_beside_bad_ones_finishes_and_its_figures_are_collected(gate):
    root, done = gate
    assert "01_good in " in done.stdout
    results = json.loads((root / "_build" / "results.json").read_text())
    assert list(results) == ["01_good"]
    good = results["01_good"]
    assert set(good) == set(stamps.IN_RESULTS) and good["reference"]
    assert good["profile"] == "quick" and good["backend"] is None
    assert 0 < good["seconds"] < 60 and 50 < good["peak_mb"] < 2000
    figure = {"value": 0.75, "low": 0.5, "high": 0.9, "unit": "", "split": "tune", "note": "planted"}
    assert good["figures"] == {"accuracy": figure}


def test_the_executed_copy_holds_the_chapter_its_outputs_and_nothing_of_the_build(gate):
    root, _ = gate
    notebook = nbformat.read(root / "_build" / "executed" / "01_good.ipynb", as_version=4)
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
    assert "injected-parameters" in tags and execute.PROBE_TAG not in tags
    assert str(root) not in json.dumps(notebook.metadata)
    stamp = json.loads((root / "_build" / "executed" / "01_good.json").read_text())
    assert stamp["versions"]["numpy"] and stamp["versions"]["python"]


# What runs again; test_dependencies.py has what a chapter depends on.

PACKAGE = {
    "__init__.py": "",
    "audio.py": "LEVEL = 1\n",
    "features.py": "from .audio import LEVEL\n",
    "page/__init__.py": "from musiclib.page import sound\n",
    "page/sound.py": "from .. import features\n",
}
USES_AUDIO = PARAMETERS + code("from musiclib import audio\nprint(seed)")
HIDDEN = PARAMETERS + code("%%time\nimport musiclib.page as page")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    texts = {"01_audio": USES_AUDIO, "02_page": HIDDEN, "03_alone": PARAMETERS + code("x = 1")}
    return project(tmp_path_factory.mktemp("small") / "book", texts, PACKAGE)


def test_only_what_changed_runs_again(small, monkeypatch, capsys):
    first = run_build(small)
    assert first.returncode == 0, first.stdout + first.stderr
    assert ran(first.stdout) == ["01_audio", "02_page", "03_alone"]
    began = time.monotonic()
    second = run_build(small)
    assert (second.returncode, ran(second.stdout)) == (0, [])
    assert time.monotonic() - began < 5
    (small / "musiclib" / "features.py").write_text("from .audio import LEVEL\nHOP = 512\n")
    third = run_build(small, "--only", "01", "02_page.md", "-p", "seed", "7")
    assert (third.returncode, ran(third.stdout)) == (0, ["01_audio", "02_page"])
    assert "01_audio (its parameters changed)" in third.stdout
    assert "02_page (its parameters changed; musiclib/features.py changed)" in third.stdout
    shown = nbformat.read(small / "_build" / "executed" / "01_audio.ipynb", as_version=4)
    assert shown.cells[-1].outputs[0].text == "7\n"

    # Everything is green now: the pages are made from it, and what is wrong with them turns the build red.
    calls = []
    monkeypatch.setattr("book.builder.site.render.render", lambda *arguments: calls.append(arguments))
    assert build.main(["--root", str(small), "-p", "seed", "7", "--only", "01"]) == 0
    names = ["01_audio", "02_page", "03_alone"]
    assert calls == [(small, small / "_build", names, "https://example.org/a/course")]

    def broken(*arguments):
        from book.builder.site import render

        raise render.RenderError("no such page")

    monkeypatch.setattr("book.builder.site.render.render", broken)
    assert build.main(["--root", str(small), "-p", "seed", "7", "--only", "01"]) == 1
    assert "no such page" in capsys.readouterr().err


# Interruptions.


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def wait_for(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
def test_a_build_stopped_in_the_middle_leaves_no_kernel_and_goes_on(tmp_path):
    slow = code(
        "import os, pathlib, time\nflag = pathlib.Path('../go')\npathlib.Path('../pid').write_text(str(os.getpid()))\n"
        "if not flag.exists(): time.sleep(600)"
    )
    root = project(tmp_path / "book", {"01_fast": PARAMETERS, "02_slow": PARAMETERS + slow})
    command = [sys.executable, "-m", "book.builder", "--root", root, "--no-html", "--jobs", "1"]
    pid = root / "pid"
    for number, status in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        stopped = subprocess.Popen(
            [str(p) for p in command],
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Tests that a shell runs in the background inherit that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        wait_for(lambda: pid.is_file() and pid.read_text())
        stopped.send_signal(number)
        assert stopped.wait(timeout=60) == status
        kernel = int(pid.read_text())
        wait_for(lambda kernel=kernel: not alive(kernel))
        assert [path.name for path in (root / "_build" / "executed").glob("*.ipynb")] == ["01_fast.ipynb"]
        pid.unlink()
    (root / "go").touch()
    last = run_build(root)
    assert (last.returncode, ran(last.stdout)) == (0, ["02_slow"])
    assert set(json.loads((root / "_build" / "results.json").read_text())) == {"01_fast", "02_slow"}


def test_a_chapter_starts_without_building_a_grammar_of_web_addresses():
    """What jsonschema would load with nbformat takes a second, in the process of each chapter."""
    program = "import book.builder.run.execute, sys; assert 'nbformat' in sys.modules; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not {"lark", "rfc3987_syntax.syntax_helpers"} & set(done.stdout.split())


def test_a_cell_that_takes_too_long_is_named(tmp_path):
    root = project(tmp_path / "book", {"01_hangs": PARAMETERS + code("import time; time.sleep(60)")})
    done = run_build(root, "--timeout", "1")
    assert done.returncode == 1
    assert "01_hangs, code cell 2" in done.stdout and "more than 1 s; --timeout" in done.stdout


def test_a_copy_that_was_tampered_with_or_cut_short_is_not_trusted(tmp_path):
    stamps.publish(tmp_path, "01_a", b"{}", {"inputs": {}})
    assert stamps.read_stamp(tmp_path, "01_a")["inputs"] == {}
    (tmp_path / "01_a.ipynb").write_bytes(b"{")
    assert stamps.read_stamp(tmp_path, "01_a") is None
    (tmp_path / "01_a.json").write_text('{"key"')
    assert stamps.read_stamp(tmp_path, "01_a") is None


def test_on_a_full_disk_what_was_made_is_kept_and_the_message_says_what_to_do(tmp_path, monkeypatch):
    root = project(tmp_path / "book", {"01_a": PARAMETERS})
    executed = root / "_build" / "executed"
    stamps.publish(executed, "01_a", b"{}", {"date": "before"})

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stamps.os, "fsync", full)
    monkeypatch.setattr(execute.Run, "stamp", lambda self: {"date": "after", "seconds": 1, "peak_mb": 1})
    options = build.command_line(["--root", str(root)])
    job, needed = build.plan(chapters.find_chapters(root)[0], options)
    events = []
    assert needed and execute.execute_chapter(job, lambda **event: events.append(event)) == 1
    error = events[-1]["problems"][0]["error"]
    assert "No space left" in error and "01_a.ipynb" in error and "make room and run again" in error
    assert stamps.read_stamp(executed, "01_a")["date"] == "before"
    assert sorted(path.name for path in executed.iterdir()) == ["01_a.ipynb", "01_a.json"]


def test_two_builds_in_one_folder_are_kept_apart(small, capsys):
    with build.only_build(small / "_build"):
        assert build.main(["--root", str(small), "--no-html"]) == 1
    said = capsys.readouterr().err
    assert f"process {os.getpid()}" in said and "--build-dir" in said


# Bad input.


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--profile", "fast"], ["fast", "smoke, quick, full"]),
        (["-p", "profile", "fast"], ["fast", "smoke, quick, full"]),
        (["--profile", "full", "-p", "profile", "quick"], ["give one of the two"]),
        (["--only", "09"], ["09", "01_audio, 02_page, 03_alone"]),
        (["-p", "sead", "1"], ["sead", "profile, seed"]),
        (["--jobs", "0"], ["--jobs 0", "1 or more"]),
        (["--root", "/nonexistent"], ["_toc.yml", "missing"]),
    ],
)
def test_bad_arguments_are_named_with_what_was_expected(small, capsys, arguments, expected):
    assert build.main(["--root", str(small), "--no-html", *arguments]) == 1
    said = capsys.readouterr().err
    for text in expected:
        assert text in said


def test_parameter_values_are_read_as_papermill_reads_them():
    values = {text: build.literal(text) for text in ("7", "0.5", "True", "None", "~/music", "[1]")}
    assert values == {"7": 7, "0.5": 0.5, "True": True, "None": None, "~/music": "~/music", "[1]": "[1]"}


def test_chapters_taken_out_of_the_book_leave_the_results(tmp_path):
    made = {"profile": "quick", "seconds": 1, "peak_mb": 1, "backend": None, "figures": {}}
    for name in ("01_a", "02_b"):
        stamps.publish(tmp_path, name, b"{}", made)
    assert list(stamps.collect_results(tmp_path, ["02_b", "03_c"])) == ["02_b"]


def test_the_repository_address_is_the_configured_one_or_the_fork_that_runs(tmp_path, monkeypatch):
    (tmp_path / "_config.yml").write_text("repository:\n  url: https://example.org/a/course.git\n")
    assert chapters.repository_url(tmp_path) == "https://example.org/a/course"
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    monkeypatch.setenv("GITHUB_REPOSITORY", "me/fork")
    assert chapters.repository_url(tmp_path) == "https://github.example/me/fork"


# The law, read from outputs.


def executed(*cells: tuple[str, str, list]) -> nbformat.NotebookNode:
    made = []
    for source, tag, data in cells:
        outputs = [nbformat.v4.new_output("display_data", data=one) for one in data]
        metadata = {"tags": [tag] if tag else []}
        made.append(nbformat.v4.new_code_cell(source, metadata=metadata, outputs=outputs, execution_count=1))
    return nbformat.v4.new_notebook(cells=made)


@pytest.fixture
def page(tmp_path) -> Path:
    path = tmp_path / "notebooks" / "01_a.md"
    path.parent.mkdir()
    path.write_text("# A\n\n```\none\n```\n\n```\ntwo\n```\n")
    return path


def record(name: str, value: float | None) -> dict:
    return {law.RECORD: {"name": name, "value": value}}


def test_figures_must_have_one_name_and_a_finite_value(page):
    notebook = executed(("one", "", [record("a", 1.0)]), ("two", "", [record("a", 2.0), record("b", float("nan"))]))
    figures, problems = law.read_figures(notebook, page)
    assert list(figures) == ["a"] and figures["a"]["value"] == 1.0
    assert ["recorded twice" in problems[0].error, "not a finite number" in problems[1].error] == [True, True]
    assert problems[0].where == "code cell 2 (notebooks/01_a.md, line 8)"


def test_an_exercise_needs_a_check_and_a_solution(page):
    failed = {law.CHECK: {"exercise": "double", "passed": False}}
    problems = law.unmet_exercises(executed(("one", "exercise", []), ("two", "exercise", [failed])), page)
    assert "holds no check" in problems[0].error and "No cell tagged `solution`" in problems[1].error


def test_a_cell_that_never_ran_is_found(page):
    notebook = executed(("one", "", []), ("two", "", []))
    notebook.cells[1].execution_count = None
    assert "did not run" in law.unrun_cells(notebook, page)[0].error


def test_the_longest_chapters_start_first_and_the_time_left_is_estimated():
    jobs = [{"name": n, "last_seconds": s} for n, s in (("a", 5.0), ("b", 40.0), ("c", None))]
    assert [job["name"] for job in schedule.longest_first(jobs)] == ["c", "b", "a"]
    assert schedule.seconds_left(jobs[:2], {"a": 5.0}, {}, 2) == 40.0
    assert schedule.seconds_left([jobs[2]], {}, {}, 2) is None


# Pairs.


@pytest.fixture
def pair(tmp_path) -> tuple[Path, Path, Path]:
    text = f"# A chapter\n\n{SETUP}\n{PARAMETERS}\n" + code("print('first')", "exercise")
    root = project(tmp_path / "book", {"01_a": text})
    return root, root / "notebooks" / "01_a.md", root / "notebooks" / "01_a.ipynb"


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_sync_makes_the_pair_sets_the_address_and_then_changes_nothing(pair, capsys):
    root, markdown, notebook = pair
    assert "git+https://example.org/a/course.git@main" in markdown.read_text()
    cells = json.loads(notebook.read_text())["cells"]
    assert "git+https://example.org/a/course.git@main" in "".join(cells[1]["source"])
    assert [cell["metadata"].get("tags") for cell in cells] == [None, ["setup"], ["parameters"], ["exercise"]]
    before = (markdown.read_bytes(), notebook.read_bytes())
    capsys.readouterr()
    assert sync.main(root) == 0
    assert (markdown.read_bytes(), notebook.read_bytes()) == before and capsys.readouterr().out == ""


def test_sync_takes_outputs_and_traces_of_an_editor_out_of_the_notebook(pair):
    root, _, notebook = pair
    clean = notebook.read_bytes()
    ran_by_hand = nbformat.read(notebook, as_version=4)
    ran_by_hand.cells[3].outputs = [nbformat.v4.new_output("stream", text="first\n")]
    ran_by_hand.cells[3].execution_count = 4
    ran_by_hand.cells[3].metadata["executionInfo"] = {"status": "ok"}
    nbformat.write(ran_by_hand, notebook)
    assert sync.main(root) == 0
    assert notebook.read_bytes() == clean


def test_sync_writes_the_file_that_did_not_change_from_the_one_that_did(pair):
    root, markdown, notebook = pair
    before = markdown.read_text()
    edit(notebook, "'first'", "'from the notebook'")
    assert sync.main(root) == 0
    assert markdown.read_text() == before.replace("'first'", "'from the notebook'")  # and nothing else has changed
    edit(markdown, "'from the notebook'", "'from Markdown'")
    assert sync.main(root) == 0
    assert "'from Markdown'" in notebook.read_text()


def test_sync_stops_where_both_files_changed(pair, capsys):
    root, markdown, notebook = pair
    edit(markdown, "'first'", "'from Markdown'")
    edit(notebook, "'first'", "'from the notebook'")
    before = (markdown.read_bytes(), notebook.read_bytes())
    assert sync.main(root) == 1
    said = capsys.readouterr().err
    assert "01_a.md and 01_a.ipynb have both changed" in said and "make sync" in said
    assert (markdown.read_bytes(), notebook.read_bytes()) == before


def test_a_notebook_of_unknown_history_is_put_aside_before_the_source_replaces_it(pair):
    root, markdown, notebook = pair
    stray = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('mine')")])
    nbformat.write(stray, notebook)
    assert sync.main(root) == 0
    assert "'first'" in notebook.read_text() and "'first'" in markdown.read_text()
    assert "'mine'" in (root / "_build" / "replaced" / "01_a.ipynb").read_text()


def test_chapters_that_run_at_once_share_no_cache_of_compiled_code(tmp_path):
    paths = {"root": str(tmp_path), "executed": str(tmp_path / "executed"), "opened": str(tmp_path / "opened")}
    jobs = [{**paths, "name": name} for name in ("01_a", "02_b")]
    one, other = (execute.kernel_environment(job)["NUMBA_CACHE_DIR"] for job in jobs)
    assert one != other and one == execute.kernel_environment(jobs[0])["NUMBA_CACHE_DIR"]


@pytest.mark.parametrize(("deaths", "runs"), [(1, True), (2, False)])
def test_a_kernel_that_dies_before_its_first_cell_is_started_once_more(tmp_path, monkeypatch, deaths, runs):
    root = project(tmp_path / "book", {"01_a": PARAMETERS})
    job, _ = build.plan(chapters.find_chapters(root)[0], build.command_line(["--root", str(root)]))
    starts = []

    def start(notebook, *_, on_notebook_start, **__):
        starts.append(notebook)
        if len(starts) <= deaths:
            raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr(execute.papermill, "execute_notebook", start)
    this = execute.Run(job, lambda **event: None)
    if runs:
        this.execute()
    else:
        with pytest.raises(RuntimeError, match="died before replying"):
            this.execute()
    assert len(starts) == 2
