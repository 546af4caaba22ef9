"""Execute one chapter by papermill, in a process of its own, and hold it to the book's law.

The builder starts this file once for each chapter. The job comes as one line of JSON on standard input, and that pipe
stays open for as long as the build lives: when it closes, the build is gone, and this process takes its kernel down
and stops. Progress goes back as lines of JSON on standard output; whatever else is printed goes to the log.

The kernel's working folder is `notebooks/`, as in JupyterLab, so that a path such as `../data` means the same for a
reader and for the build, whatever folder the build is started from.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from book.builder.chapters import BookError
from book.builder.run import compiled, dependencies
from book.builder.run.law import (
    Failure,
    Problem,
    dead_kernel,
    errors_in,
    locate,
    not_so,
    read_figures,
    read_findings,
    twice_found,
    unmet_exercises,
    unrun_cells,
)
from book.builder.run.stamps import publish, write_atomically

ENVIRONMENT = "application/vnd.musiclib.environment+json"
PROBE_TAG = "dlm-probe"
WITNESS = Path(__file__).with_name("witness")
# Appended as a last cell and taken out again: what the chapter really ran with, asked in its own kernel.
PROBE = f"""
import sys as _sys
from IPython.display import display as _display
_names = ("numpy", "scipy", "librosa", "soundfile", "soxr", "symusic", "music21", "matplotlib", "sklearn", "pandas",
          "keras", "tensorflow", "jax", "torch", "musiclib")
_keras = _sys.modules.get("keras")
_backend = _keras.config.backend() if _keras else None
_devices = _keras.distribution.list_devices() if _backend in ("tensorflow", "jax") else []
_versions = {{name: getattr(_sys.modules.get(name), "__version__", None) for name in _names}}
_display({{"{ENVIRONMENT}": {{
    "backend": _backend,
    "gpus": sum(name.startswith(("gpu", "cuda")) for name in _devices),
    "versions": {{name: str(version) for name, version in _versions.items() if version}},
}}}}, raw=True)
"""


class OwnPython(AsyncKernelManager):
    """Starts the kernel with the Python that runs this file.

    A kernel named python3 in the user's own folders, made for another environment, could otherwise take its place.
    """

    process: Any = None  # the kernel's process: kept, because the base class forgets it once it has ended

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(**get_kernel_dict())

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kwargs: Any) -> None:
        await super()._async_launch_kernel(kernel_cmd, **kwargs)
        assert isinstance(self.provisioner, LocalProvisioner)
        OwnPython.process = self.provisioner.process


def kill_kernel() -> None:
    """Take the kernel down with everything that it started: it leads a process group of its own."""
    if OwnPython.process is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(OwnPython.process.pid, signal.SIGKILL)


def stop_with_the_build() -> None:
    """Wait for the build's end of the pipe to close, then stop at once."""
    while os.read(0, 1024):  # not sys.stdin: a thread waiting in there would trip the interpreter's own end
        pass
    kill_kernel()
    os._exit(1)


def numba_folder(job: dict[str, Any]) -> Path:
    return Path(job["executed"]).parent / "numba"


def kernel_environment(job: dict[str, Any]) -> dict[str, str]:
    # This checkout's musiclib comes before any other, and what the user has added stays to be found.
    python_path = [str(WITNESS), str(job["root"]), os.environ.get("PYTHONPATH", "")]
    return {
        "NUMBA_CACHE_DIR": str(numba_folder(job) / job["name"]),  # filled by compiled.lend
        "PYTHONPATH": os.pathsep.join(filter(None, python_path)),
        "COURSE_ROOT": str(job["root"]),  # these two are for the witness
        "COURSE_OPENED": str(job["opened"]),
        "MUSICLIB_STATIC": "1",  # sliders become pre-rendered frames
        # A step of training frees and takes the same hundred megabytes again; glibc would hand them back to the system
        # each time, which costs a quarter of the chapter's CPU time. Other C libraries know none of these.
        "MALLOC_TRIM_THRESHOLD_": "2000000000",
        "MALLOC_MMAP_THRESHOLD_": "2000000000",
        "MALLOC_TOP_PAD_": "268435456",
        "JUPYTER_PLATFORM_DIRS": "1",  # these two only silence a notice about folders and one about frozen modules
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


class Run:
    """One execution: the notebook as it stands, and the cell that is running."""

    def __init__(self, job: dict[str, Any], tell: Callable[..., None]) -> None:
        self.job = job
        self.tell = tell
        self.markdown = Path(job["markdown"])
        self.notebook = nbformat.read(job["notebook"], as_version=4)
        self.current: Any = None
        self.done = 0

    def on_start(self, notebook: Any) -> None:
        self.notebook = notebook
        self.tell(event="started", cells=sum(is_work(cell) for cell in notebook.cells))

    def on_cell(self, cell: Any, cell_index: int) -> None:
        self.current = cell
        if is_work(cell):
            self.tell(event="cell", done=self.done)
            self.done += 1

    def execute(self) -> None:
        """Run the notebook; what goes wrong with a cell is left in its outputs, or raised as `Failure`."""
        self.notebook.cells.append(nbformat.v4.new_code_cell(PROBE, metadata={"tags": [PROBE_TAG]}))
        try:
            self.run_notebook()
        except PapermillExecutionError as error:
            # It names one error, and the outputs hold all of them, unless the chapter keeps tracebacks from showing.
            if not errors_in(self.notebook, self.markdown):
                said = error.evalue or "this cell raised an error, and no traceback was shown"
                raise self.failed(f"{error.ename}: {said}", []) from None
        except DeadKernelError:
            raise self.failed(dead_kernel(OwnPython.process), log_tail(self.job)) from None
        except CellTimeoutError:
            limit = f"the cell ran for more than {self.job['timeout']} s; --timeout sets that limit, and 0 lifts it."
            raise self.failed(f"TimeoutError: {limit}", []) from None
        finally:
            kill_kernel()

    def run_notebook(self, again: bool = False) -> None:
        """Start a kernel and run all cells in it."""
        try:
            papermill.execute_notebook(
                self.notebook,
                None,
                parameters=self.job["parameters"],
                kernel_name="python3",
                language="python",
                progress_bar=False,
                cwd=str(self.markdown.parent),
                start_timeout=180,
                execution_timeout=self.job["timeout"] or None,
                kernel_manager_class=OwnPython,
                iopub_timeout=60,  # a busy machine may take its time to hand over a large output
                force_raise_errors=True,  # no tag excuses an error, and none skips a cell
                skip_cells_with_tag="",
                on_notebook_start=self.on_start,
                on_cell_execute=self.on_cell,
            )
        except RuntimeError as error:
            # Before its first cell: most often another program took a port that the kernel was to have.
            if again or self.current is not None or "died before replying" not in str(error):
                raise
            kill_kernel()
            self.run_notebook(again=True)

    def failed(self, error: str, details: list[str]) -> Failure:
        return Failure([Problem(*locate(self.notebook, self.current, self.markdown), error, details)])

    def stamp(self) -> dict[str, Any]:
        """Execute and check the chapter; return the stamp of the notebook that it now is."""
        log = Path(self.job["opened"])
        log.unlink(missing_ok=True)
        began = time.monotonic()
        self.execute()
        seconds = time.monotonic() - began
        environment = take_probe(self.notebook)
        problems = errors_in(self.notebook, self.markdown) or unrun_cells(self.notebook, self.markdown)
        if problems:
            raise Failure(problems)
        figures, problems = read_figures(self.notebook, self.markdown)
        problems += unmet_exercises(self.notebook, self.markdown) + twice_found(self.notebook, self.markdown)
        reference = self.is_reference(environment)
        problems += not_so(self.notebook, self.markdown) if reference else []
        if problems:
            raise Failure(problems)
        return {
            "profile": self.job["profile"],
            "seconds": round(seconds, 1),
            "peak_mb": peak_megabytes(),
            "backend": environment.get("backend"),
            "gpus": environment.get("gpus"),
            "figures": figures,
            **read_findings(self.notebook),
            "reference": reference,
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "cores": os.cpu_count(),
            "versions": {"python": platform.python_version(), **environment.get("versions", {})},
            "inputs": dependencies.known_after(
                Path(self.job["root"]), self.job["name"], self.job["inputs"], log, bool(environment.get("backend"))
            ),
            "pair": self.job["pair"],
        }

    def is_reference(self, environment: dict[str, Any]) -> bool:
        """Whether this run is one of the book as published: there every finding must hold."""
        usual = self.job["profile"] == "quick" and not self.job["unusual"]
        return usual and environment.get("backend") in (None, "tensorflow") and not environment.get("gpus")

    def text(self) -> bytes:
        """The notebook as it is written down; papermill's own notes name this machine's folders and are left out."""
        self.notebook.metadata["papermill"] = {"parameters": self.job["parameters"], "version": papermill.__version__}
        return nbformat.writes(self.notebook).encode()

    def keep_half_run(self) -> str | None:
        """Put the notebook of a failed chapter where one can look at it; a full disk must not hide the failure."""
        path = Path(self.job["failed"]) / f"{self.job['name']}.ipynb"
        take_probe(self.notebook)
        with contextlib.suppress(BookError, OSError):
            write_atomically(path, self.text())
            return str(path)
        return None


def is_work(cell: Any) -> bool:
    """Whether the cell is one of the chapter's own that the kernel runs."""
    extra = {PROBE_TAG, "injected-parameters"}
    return cell.cell_type == "code" and bool(cell.source.strip()) and not extra & set(cell.metadata.get("tags", []))


def peak_megabytes() -> int:
    """The most memory that the kernel held. Only processes that have ended count; the unit is bytes on macOS alone."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6)


def take_probe(notebook: Any) -> dict[str, Any]:
    """Remove the probe and what papermill added to mark errors; return what the probe found."""
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        if PROBE_TAG in cell.metadata.get("tags", []):
            for output in cell.get("outputs", []):
                found = output.get("data", {}).get(ENVIRONMENT, found)
    ours = {PROBE_TAG, papermill.execute.ERROR_MARKER_TAG}
    notebook.cells = [cell for cell in notebook.cells if not ours & set(cell.metadata.get("tags", []))]
    return found


def log_tail(job: dict[str, Any], lines: int = 12) -> list[str]:
    with contextlib.suppress(OSError):
        said = Path(job["log"]).read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in said if "TCP without encryption" not in line][-lines:]  # said of every loopback kernel
    return []


def execute_chapter(job: dict[str, Any], tell: Callable[..., None]) -> int:
    """Execute, check and publish one chapter; tell what happened; return the exit status."""
    this: Run | None = None
    try:
        this = Run(job, tell)
        compiled.lend(numba_folder(job), job["name"])
        stamp = this.stamp()
        compiled.take_back(numba_folder(job), job["name"])
        publish(Path(job["executed"]), job["name"], this.text(), stamp)
        (Path(job["failed"]) / f"{job['name']}.ipynb").unlink(missing_ok=True)
        tell(event="done", seconds=stamp["seconds"], peak_mb=stamp["peak_mb"])
        return 0
    except Failure as failure:
        problems = failure.problems
    except BookError as error:
        problems = [Problem("", "", str(error))]
    except Exception as error:  # the gate is never silent: an error of the machinery is a failure as well
        problems = [Problem("", "", f"{type(error).__name__}: {error}", log_tail(job))]
    half_run = this.keep_half_run() if this else None
    tell(event="failed", problems=[problem.as_dict() for problem in problems], half_run=half_run)
    return 1


def main() -> int:
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not end up among the events

    def tell(**event: Any) -> None:
        print(json.dumps(event), file=events, flush=True)

    job = json.loads(sys.stdin.readline())
    threading.Thread(target=stop_with_the_build, daemon=True).start()
    os.environ.update(kernel_environment(job))
    os.environ.pop("MPLBACKEND", None)  # the notebook's own is wanted
    return execute_chapter(job, tell)


if __name__ == "__main__":
    sys.exit(main())
