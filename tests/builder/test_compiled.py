"""What numba compiled, handed from one chapter to the next."""

import subprocess
import sys
from pathlib import Path

import pytest

from book.builder.chapters import BookError
from book.builder.run import compiled

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


def test_chapters_that_compiled_the_same_at_once_leave_a_cache_that_works(tmp_path):
    (tmp_path / "sums.py").write_text(
        "import numba\n\n"
        '@numba.guvectorize(["void(float64[:], float64[:])"], "(n)->()", nopython=True, cache=True)\n'
        "def total(x, out):\n    out[0] = x.sum()\n"
    )
    # numba names compiled functions by their number in the process, and the wrapper of the second knows that name
    early = "import numpy as np, sums; assert sums.total(np.ones(3)) == 3"
    late = f"import numba; numba.njit(lambda x: x + 1)(1); {early}"
    folder = tmp_path / "numba"

    def run(name, code):
        env = {"NUMBA_CACHE_DIR": str(folder / name), "PYTHONPATH": str(tmp_path)}
        return subprocess.run([sys.executable, "-c", code], env=env).returncode

    for name, code in (("01_a", early), ("02_b", late)):
        compiled.lend(folder, name)
        assert run(name, code) == 0
    for name in ("01_a", "02_b"):  # both have begun with an empty cache, and both give theirs back
        compiled.take_back(folder, name)
    for name, code in (("03_c", early), ("04_d", late)):
        compiled.lend(folder, name)
        assert run(name, code) == 0
        compiled.take_back(folder, name)


def test_a_build_that_is_stopped_while_it_gives_back_leaves_no_wrapper_without_its_function(tmp_path, monkeypatch):
    names = ["f-1.py311.nbi", "f-1.py311.1.nbc", "guf-f-1.py311.nbi", "guf-f-1.py311.1.nbc"]
    for stop in range(1, 2 * len(names)):
        folder = tmp_path / str(stop)
        shared = folder / compiled.SHARED
        shared.mkdir(parents=True)
        for name in names:
            (shared / name).write_text("old")
        own = compiled.lend(folder, "01_a")
        for name in names:
            (own / name).write_text("new")
        steps = iter(range(stop))

        def step(do, *arguments, steps=steps):
            if next(steps, None) is None:
                raise KeyboardInterrupt
            do(*arguments)

        unlink, write = Path.unlink, compiled.write_atomically

        def removed(path, unlink=unlink, step=step, **options):
            if path.name in names:  # and not what a write clears up after itself
                step(unlink, path)
            else:
                unlink(path, **options)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Path, "unlink", removed)
            patch.setattr(compiled, "write_atomically", lambda *a, write=write: step(write, *a))
            compiled.take_back(folder, "01_a")
        left = {path.name: path.read_text() for path in shared.iterdir()}
        if "guf-f-1.py311.nbi" in left:
            assert set(left) == set(names) and len(set(left.values())) == 1
        if "f-1.py311.nbi" in left:
            assert left["f-1.py311.nbi"] == left["f-1.py311.1.nbc"]


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
