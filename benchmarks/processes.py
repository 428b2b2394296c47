"""The processes of the contestants: interpreters, environment variables, peers' environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEER_ENVIRONMENT = ROOT / ".venv-bench"
OWN = ("autodiff", "numpy")  # contestants that run by this interpreter; all others are peers
PEERS = ("torch==2.13.0",)
THREADS = 2
# Tunings that would favour one contestant; and without bytecode, which installing a package
# compiles, an import of a source tree would measure the compiler.
_REMOVED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
_THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def environment() -> dict[str, str]:
    """The environment of every contestant: equal thread counts, no BLAS tuning."""
    kept = {key: value for key, value in os.environ.items() if key not in _REMOVED}
    return kept | dict.fromkeys(_THREAD_COUNTS, str(THREADS)) | {"PYTHONPATH": str(ROOT)}


def interpreter(contestant: str, peer_python: str | None) -> str | None:
    """The Python that runs a contestant; None where it is not installed."""
    if contestant in OWN:
        return sys.executable
    python = peer_python or str(PEER_ENVIRONMENT / "bin" / "python")
    if not Path(python).exists():
        return None
    found = subprocess.run(
        [python, "-c", f"import importlib.util as u; assert u.find_spec({contestant!r})"],
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return python if found.returncode == 0 else None


def install_peers() -> None:
    """Make the peers' environment, with the NumPy that we run on."""
    python = PEER_ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_ENVIRONMENT)], check=True)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    print(f"installing {', '.join(PEERS)} into {PEER_ENVIRONMENT.name}", file=sys.stderr)
    subprocess.run([*pip, f"numpy=={version('numpy')}", *PEERS], check=True)


def run_module(module: str, *arguments: str) -> Any:
    """Run a module of this package in a new process; returns the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment(),
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


class Worker:
    """A contestant's process, which runs one iteration each time it is asked to."""

    def __init__(self, workload: str, contestant: str, python: str) -> None:
        self.contestant = contestant
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", workload, contestant],
            env=environment(),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, command: str, step: str) -> Any:
        """Send ``answer STEP`` or ``time STEP``; returns what the worker says."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(command, step, file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(
                f"the worker of {self.contestant} ended at '{command} {step}' with status "
                f"{self._process.wait()}; its own message stands above"
            )
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
