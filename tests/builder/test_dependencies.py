"""What a chapter depends on: what its run really opened, and no more."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from small_books import PARAMETERS, REPOSITORY, code, project, ran, run_build

from book.builder import __main__ as build
from book.builder import chapters
from book.builder.run import dependencies, execute

PACKAGE = {
    "__init__.py": "",
    "audio.py": "LEVEL = 1\n",
    "features.py": "from .audio import LEVEL\n",
    "plot.py": "from pathlib import Path\n",
    "page/__init__.py": "from musiclib.page import sound\n",
    "page/sound.py": "from .. import features\nfrom pathlib import Path\n"
    "STYLE = Path(__file__).with_name('style.css').read_text()\n",
    "page/style.css": "figure {}",
}


@pytest.fixture(autouse=True)
def no_backend(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)


def planned(root: Path, *arguments: str) -> dict[str, str]:
    """What a build would run now, and why."""
    options = build.command_line(["--root", str(root), *arguments])
    jobs = [build.plan(chapter, options) for chapter in chapters.find_chapters(root)]
    return {job["name"]: job["why"] for job, needed in jobs if needed}


# The kernel's report.


@pytest.fixture
def place(tmp_path) -> Path:
    """A course with a package and some data, outside of any build."""
    for name, text in PACKAGE.items():
        path = tmp_path / "musiclib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "data" / "runs").mkdir(parents=True)
    (tmp_path / "data" / "table.json").write_text("{}")
    (tmp_path / "data" / "card.md").write_text("# A data set\n")
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


def witnessed(place: Path, source: str, **environment: str) -> dict[str, str | None]:
    """The files that Python opens for `source`, started as the builder starts a kernel."""
    log = place / "opened"
    log.unlink(missing_ok=True)
    job = {"root": place, "opened": log, "name": "01_a", "executed": place / "_build" / "executed"}
    given = {**os.environ, **execute.kernel_environment(job), **environment}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        cwd=place / "elsewhere",
        env=given,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dependencies.opened(log)


AUDIO = {"musiclib/__init__.py", "musiclib/audio.py"}
FEATURES = {*AUDIO, "musiclib/features.py"}
PAGE = {*FEATURES, "musiclib/page/__init__.py", "musiclib/page/sound.py", "musiclib/page/style.css"}


@pytest.mark.parametrize(
    "source, files",
    [
        ("import numpy", set()),
        ("import musiclib", {"musiclib/__init__.py"}),
        ("from musiclib.features import LEVEL", FEATURES),
        ("from importlib import import_module; import_module('musiclib.features')", FEATURES),
        ("from musiclib import page", PAGE),
        ("import musiclib.audio, sys; del sys.modules['musiclib.audio']", AUDIO),
        ("import subprocess, sys; subprocess.run([sys.executable, '-m', 'musiclib.audio'])", AUDIO),
        (
            "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import musiclib.audio, os; os._exit(9)'])",
            AUDIO,
        ),
        (
            """
            import joblib
            def work(k):
                import musiclib.features
                open("../data/table.json").close()
                return k
            assert joblib.Parallel(n_jobs=2)(joblib.delayed(work)(k) for k in range(4)) == [0, 1, 2, 3]
            """,
            {*FEATURES, "data/table.json"},
        ),
        ("import os; os.close(os.open('../data/table.json', os.O_RDONLY))", {"data/table.json"}),
        ("from pathlib import Path; Path('../data/../data/table.json').read_bytes()", {"data/table.json"}),
        ("open('../data/card.md').read()", set()),
        ("import os; os.chdir('..'); open('data/table.json').close(); open('opened.txt', 'w')", {"data/table.json"}),
    ],
)
def test_what_is_imported_or_opened_is_noted_wherever_it_happens(place, source, files):
    for _ in range(2):  # from the source at first, then from compiled code
        assert set(witnessed(place, source)) == files


def test_what_was_read_is_noted_with_the_content_that_it_had_then(place):
    table = dependencies.content_hash(place / "data" / "table.json")
    changed = "from pathlib import Path\np = Path('../data/table.json')\np.read_text()\np.write_text('[1]')"
    assert witnessed(place, changed) == {"data/table.json": table}


def test_a_file_that_is_not_there_is_noted_and_one_that_the_chapter_makes_is_not(place):
    missing = "try:\n    open('../data/none.json')\nexcept FileNotFoundError:\n    pass"
    assert witnessed(place, missing) == {"data/none.json": None}
    made = """
    import os
    open('../data/made.json', 'w').close()
    open('../data/made.json').read()
    os.close(os.open('../data/part', os.O_WRONLY | os.O_CREAT))
    os.replace('../data/part', '../data/whole.json')
    open('../data/whole.json').read()
    """
    assert witnessed(place, made) == {}


def test_compiled_code_kept_elsewhere_stands_for_its_source_too(place):
    for _ in range(2):
        found = witnessed(place, "import musiclib.audio", PYTHONPYCACHEPREFIX=str(place / "compiled"))
        assert set(found) == AUDIO


def test_what_the_user_has_put_on_the_path_stays_there_behind_the_course(place, monkeypatch):
    other = place / "other"
    other.mkdir()
    (other / "sitecustomize.py").write_text("import builtins\nbuiltins.greeting = 'good day'\n")
    (other / "mine.py").write_text("")
    (other / "musiclib").mkdir()
    (other / "musiclib" / "__init__.py").write_text("raise ImportError('another musiclib')")
    monkeypatch.setenv("PYTHONPATH", str(other))
    shown = "import sys, mine, musiclib.audio\nassert greeting == 'good day'\nassert 'sitecustomize' in sys.modules\n"
    shown += f"assert {str(execute.WITNESS)!r} not in sys.path"
    assert set(witnessed(place, shown)) == AUDIO


# What changes the inputs.


def test_each_input_gives_its_reason(tmp_path, monkeypatch):
    root = project(tmp_path / "book", {"01_a": PARAMETERS}, PACKAGE)
    (root / "data").mkdir()
    log = root / "opened"
    audio = dependencies.content_hash(root / "musiclib" / "audio.py")
    lines = [("musiclib/audio.py", "read", audio), ("data/later.json", "read", None)]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    chapter = chapters.find_chapters(root)[0]

    def now(before=None, **parameters):
        return dependencies.known_now(root, chapter, {"seed": 0, **parameters}, before)

    before = dependencies.known_after(root, "01_a", now(), log, used_keras=True)

    def why(**parameters) -> str:
        found = now(before, **parameters)
        assert found != before
        return dependencies.reason(before, found)

    assert dependencies.reason(None, now()) == "not yet executed"
    assert now(before) == before
    assert why(seed=1) == "its parameters changed"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert why() == "KERAS_BACKEND changed"
    without = {**before, "backend": None}
    assert now(without) == without  # it did not load Keras
    monkeypatch.delenv("KERAS_BACKEND")
    (root / "musiclib" / "features.py").write_text("")  # which it did not load
    os.utime(root / "musiclib" / "audio.py", (1, 1))
    assert now(before) == before
    for name in ("data/later.json", "data/runs/01_a.json", "data/checkpoints/01_a.keras"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")
        assert why() == f"{name} is new"
        (root / name).unlink()
    (root / "data" / "runs" / "02_b.json").write_text("{}")  # another chapter's
    assert now(before) == before
    (root / "musiclib" / "audio.py").write_text("LEVEL = 2\n")
    assert why() == "musiclib/audio.py changed"
    (root / "musiclib" / "audio.py").unlink()
    assert why() == "musiclib/audio.py is gone"
    (root / "requirements.lock").write_text("numpy==2.1\n")
    assert why().startswith("requirements.lock changed; ")
    assert dependencies.reason({**before, "format": 1}, now(before)) == "the builder has changed"


# The real package.

CHAPTERS = {
    "01_page": "from musiclib import page, render\npage.longer_run(page.kept_run('../data/runs/01_page.json'))",
    "02_corpus": "from musiclib import datasets\ndatasets.load('chorales', size='smoke')",
    "03_model": "%%time\nfrom musiclib import models\nmodels.mel_cnn",
}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A small book on a copy of the real package, built."""
    root = tmp_path_factory.mktemp("real") / "book"
    project(root, {name: PARAMETERS + code(source) for name, source in CHAPTERS.items()})
    shutil.copytree(REPOSITORY / "musiclib", root / "musiclib", ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")
        done = run_build(root)
        assert (done.returncode, ran(done.stdout)) == (0, sorted(CHAPTERS)), done.stdout + done.stderr
    return root


@pytest.mark.parametrize(
    "file, expected",
    [
        ("datasets/corpora.py", {"02_corpus"}),
        ("datasets/sounded.py", {"02_corpus"}),  # which corpora.py imports
        ("datasets/gtzan.py", set()),
        ("render.py", {"01_page", "02_corpus"}),
        ("page/record.py", {"01_page"}),  # which page/__init__.py imports
        ("models/__init__.py", {"03_model"}),
        ("models/classify/mel_cnn.py", {"03_model"}),
        ("models/classify/genre_cnn.py", set()),
        ("models/classify/a_new_one.py", set()),
        ("__init__.py", set(CHAPTERS)),
    ],
)
def test_a_changed_file_of_the_package_runs_the_chapters_that_loaded_it(real, monkeypatch, file, expected):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    path = real / "musiclib" / file
    before = path.read_bytes() if path.is_file() else None
    path.write_bytes((before or b"") + b"\n")
    try:
        assert planned(real) == dict.fromkeys(expected, f"musiclib/{file} changed")
    finally:
        path.unlink() if before is None else path.write_bytes(before)
    assert planned(real) == {}


def test_another_backend_runs_the_chapters_that_loaded_keras(real):
    assert planned(real) == {"03_model": "KERAS_BACKEND changed"}


def test_a_run_kept_later_runs_its_chapter(real, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    path = real / "data" / "runs" / "01_page.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    assert planned(real) == {"01_page": "data/runs/01_page.json is new"}
    path.unlink()
    assert planned(real) == {}


def test_the_stamp_says_what_the_kernel_computed_on(real):
    stamps = {name: json.loads((real / "_build" / "executed" / f"{name}.json").read_text()) for name in CHAPTERS}
    assert [stamp["backend"] for stamp in stamps.values()] == [None, None, "jax"]
    assert all(isinstance(stamp["gpus"], int) for stamp in stamps.values())
