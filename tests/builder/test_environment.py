"""pyproject.toml, requirements.lock, environment.yml and Colab agree on what is installed."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CORE = PROJECT["dependencies"]
LOCKED_EXTRAS = ("book", "models", "test")
INSTALLED = CORE + [line for extra in LOCKED_EXTRAS for line in PROJECT["optional-dependencies"][extra]]
LOCK = (ROOT / "requirements.lock").read_text()

# Colab's Python, and its published versions of what the course needs; the list's file has its date in its name.
COLAB_PYTHON = "3.13"
COLAB = dict(line.split("==") for line in sorted(ROOT.glob(".ci/colab-*.txt"))[-1].read_text().split() if "==" in line)
NOT_ON_COLAB = {"midirenderer", "mido", "pretty-midi", "pyloudnorm", "verovio"}

# The machines that the lock is for.
MACHINES = [
    {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.9", **machine}
    for minor in (11, 12, 13)
    for machine in (
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"},
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64", "os_name": "posix"},
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64", "os_name": "posix"},
        {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64", "os_name": "nt"},
    )
]


def name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)


def locked() -> list[tuple[Requirement, int]]:
    """Each entry of the lock and how many hashes it has."""
    entries = re.findall(r"^(\S.*?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", LOCK, flags=re.MULTILINE)
    return [(Requirement(line), hashes.count("sha256:")) for line, hashes in entries]


def test_every_dependency_says_what_needs_it():
    text = (ROOT / "pyproject.toml").read_text().split("[tool.", 1)[0]
    lines = [line for line in text.splitlines() if re.match(r'\s+"', line)]
    assert len(lines) == len(CORE) + sum(len(extra) for extra in PROJECT["optional-dependencies"].values())
    assert [line for line in lines if not re.search(r'",\s+# \w.{3,}$', line)] == []


def test_conda_installs_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == [f"python{PROJECT['requires-python']}", "pip", "make"]
    assert pip == {"pip": ["--editable .", *INSTALLED]}


def test_the_course_runs_on_the_pythons_it_names():
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert [v for v in ("3.10", "3.11", "3.12", "3.13", "3.14") if v in allowed] == ["3.11", "3.12", "3.13"]
    assert COLAB_PYTHON in allowed


# ---------------------------------------------------------------- the lock


def test_every_entry_of_the_lock_is_exact_and_hashed_and_names_no_address():
    entries = locked()
    heads = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(entries) == len(heads) > 100
    assert all(count >= 1 and re.fullmatch(r"==[^*,]+", str(entry.specifier)) for entry, count in entries)
    assert not re.search(r"://|--(extra-)?index-url|--find-links| @ |\.(org|com|io|net)\b", LOCK)


@pytest.mark.parametrize(
    "machine", MACHINES, ids=lambda m: f"{m['python_version']}-{m['sys_platform']}-{m['platform_machine']}"
)
def test_the_lock_has_one_version_of_every_dependency_and_inside_its_range(machine):
    here = {**default_environment(), **machine, "extra": ""}
    on_this_machine: dict[str, list[Version]] = {}
    for entry, _ in locked():
        if entry.marker is None or entry.marker.evaluate(here):
            version = Version(next(iter(entry.specifier)).version)
            on_this_machine.setdefault(canonicalize_name(entry.name), []).append(version)
    for line in INSTALLED:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate(here):
            versions = on_this_machine.get(name(line), [])
            assert len(versions) == 1, f"{line}: the lock has {versions}; run make lock"
            assert versions[0] in wanted.specifier, f"{line}: the lock has {versions[0]}; run make lock"


# ---------------------------------------------------------------- Colab


def test_installing_on_colab_replaces_nothing():
    """Every core dependency is there in a version that will do, or is an addition."""
    for line in CORE:
        wanted = Requirement(line)
        if name(line) in COLAB:
            assert COLAB[name(line)] in wanted.specifier, f"{line} would replace Colab's {COLAB[name(line)]}"
        else:
            assert name(line) in NOT_ON_COLAB, f"say in this test whether Colab has {line}"


@pytest.mark.parametrize("addition", sorted(NOT_ON_COLAB))
def test_what_is_added_on_colab_replaces_nothing_either(addition):
    for line in importlib.metadata.requires(addition) or []:
        wanted = Requirement(line)
        if canonicalize_name(wanted.name) in COLAB and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            assert COLAB[canonicalize_name(wanted.name)] in wanted.specifier, f"{addition} needs {line}"


def test_the_models_run_on_what_colab_has():
    wanted = {name(line): Requirement(line).specifier for line in PROJECT["optional-dependencies"]["models"]}
    assert COLAB["keras"] in wanted["keras"] and COLAB["tensorflow"] in wanted["tensorflow"]
    assert not {name(line) for line in CORE} & {"keras", "tensorflow", "tensorflow-cpu", "jax"}


# ---------------------------------------------------------------- this machine

IMPORTED_AS = {"ipython": "IPython", "pillow": "PIL", "scikit-learn": "sklearn"}


def test_what_is_installed_here_lies_inside_the_ranges():
    here = {**default_environment(), "extra": ""}
    for line in INSTALLED:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate(here):
            version = importlib.metadata.version(wanted.name)
            assert version in wanted.specifier, f"{line}: {version} is installed; run make setup"


def test_musiclib_imports_its_core_dependencies_and_keras_and_nothing_else():
    imported, with_keras = set(), set()
    for path in (ROOT / "musiclib").rglob("*.py"):
        here = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                here |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                here.add(node.module.split(".")[0])
        imported |= here
        if "keras" in here:
            with_keras.add(path.relative_to(ROOT / "musiclib").parts[0])
    core = {IMPORTED_AS.get(name(line), name(line).replace("-", "_")) for line in CORE}
    assert imported - set(sys.stdlib_module_names) - {"musiclib"} == core | {"keras"}
    assert with_keras == {"models", "training", "evaluation"}  # what chapters 01 to 07 use needs no Keras
