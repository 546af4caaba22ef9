"""book/compiled.py: what numba compiled, handed from one chapter to the next."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "book"))

import compiled
from chapters import BookError

# What a kernel does: it calls a function that numba keeps, and says how often it was found in the cache.
KERNEL = """
import sys; sys.path.insert(0, sys.argv[1])
import twice
for x in sys.argv[2:]:
    assert twice.twice(float(x) if "." in x else int(x)) == 2 * float(x)
print(sum(twice.twice.stats.cache_hits.values()), sum(twice.twice.stats.cache_misses.values()))
"""


@pytest.fixture
def kernel(tmp_path):
    (tmp_path / "twice.py").write_text("import numba\n\n@numba.njit(cache=True)\ndef twice(x):\n    return x + x\n")

    def run(cache: Path, *numbers: str) -> list[int]:
        command = [sys.executable, "-c", KERNEL, str(tmp_path), *numbers]
        done = subprocess.run(command, capture_output=True, text=True, env={"NUMBA_CACHE_DIR": str(cache)}, check=True)
        return [int(word) for word in done.stdout.split()]

    return run


def test_a_chapter_finds_what_an_earlier_one_compiled_and_adds_to_it(kernel, tmp_path):
    folder = tmp_path / "numba"
    assert kernel(compiled.lend(folder, "01_a"), "1") == [0, 1]
    compiled.take_back(folder, "01_a")
    assert kernel(compiled.lend(folder, "02_b"), "1", "1.5") == [1, 1]
    compiled.take_back(folder, "02_b")
    assert kernel(compiled.lend(folder, "01_a"), "1.5", "1") == [2, 0]
    compiled.take_back(folder, "01_a")
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "shared"]


def test_chapters_that_run_at_once_write_into_no_common_folder(tmp_path):
    one, other = (compiled.lend(tmp_path, name) for name in ("01_a", "02_b"))
    assert len({one, other, tmp_path / compiled.SHARED}) == 3


def test_a_functions_files_are_replaced_together(tmp_path):
    def put(folder, **files):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / f"f-1.py311.{name.replace('_', '.')}").write_text(text)

    def there(folder):
        return {path.name.removeprefix("f-1.py311."): path.read_text() for path in folder.iterdir()}

    shared = tmp_path / compiled.SHARED / "m"
    put(shared, nbi="old", _1_nbc="a", _2_nbc="b")
    put(shared.parent / "n", nbi="kept")
    own = compiled.lend(tmp_path, "01_a") / "m"
    (own / "f-1.py311..2.nbc").unlink()
    put(own, nbi="new", _1_nbc="c")
    compiled.take_back(tmp_path, "01_a")
    assert there(shared) == {"nbi": "new", ".1.nbc": "c"}
    assert there(shared.parent / "n") == {"nbi": "kept"}


@pytest.mark.parametrize("error", [OSError("full"), BookError("full")])
def test_a_full_disk_costs_the_cache_and_not_the_chapter(tmp_path, monkeypatch, error):
    def full(*arguments):
        raise error

    own = compiled.lend(tmp_path, "01_a")
    own.mkdir()
    (own / "f-1.py311.nbi").write_text("index")
    monkeypatch.setattr(compiled, "write_atomically", full)
    compiled.take_back(tmp_path, "01_a")
    assert not own.exists()
    (tmp_path / compiled.SHARED / "m").mkdir(parents=True)
    monkeypatch.setattr(compiled.shutil, "copytree", lambda *_: (_ for _ in ()).throw(OSError("full")))
    assert not compiled.lend(tmp_path, "01_a").exists()


def test_what_a_killed_build_left_is_not_used(tmp_path):
    (tmp_path / "01_a").mkdir()
    (tmp_path / "01_a" / "half.nbi").write_text("")
    assert not compiled.lend(tmp_path, "01_a").exists()
