"""Files: a fingerprint of what a module does changes with its source, a package's with any of its modules."""

import shutil
from pathlib import Path

import pytest

from musiclib import files


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A copy of the real package that may be changed."""
    copy = tmp_path / "musiclib"
    shutil.copytree(Path(files.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(files, "__file__", str(copy / "files.py"))
    monkeypatch.setattr(files, "code_of", files.code_of.__wrapped__)  # which remembers for as long as a program runs
    return copy


@pytest.mark.parametrize(("name", "changed"), [("perform", "perform.py"), ("audio", "audio/levels.py")])
def test_another_source_is_another_fingerprint(package, name, changed):
    before, other = files.code_of(name), files.code_of("render")
    path = package / changed
    path.write_text(path.read_text() + "# changed\n")
    assert files.code_of(name) != before and files.code_of("render") == other


def test_a_new_module_of_a_package_is_another_fingerprint(package):
    before = files.code_of("audio")
    (package / "audio" / "tape.py").write_text("SPEED = 19.05\n")
    assert files.code_of("audio") != before


def test_a_module_that_is_not_there_is_an_error(package):
    with pytest.raises(FileNotFoundError, match="tape"):
        files.code_of("tape")
