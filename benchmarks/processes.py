"""The processes of the contestants: interpreters, environment variables, peers' environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PEER_ENVIRONMENT = ROOT / ".venv-bench"
PEERS = ("torch==2.13.0", "jax", "autograd", "mygrad")
# BENCHMARK_THREADS=1 is for a machine that others use too: there a product on two threads waits for
# the slower one, and its time varies tenfold.
THREADS = int(os.environ.get("BENCHMARK_THREADS", "2"))
# Tunings that would favour one contestant; and without bytecode, which installing a package
# compiles, an import of a source tree would measure the compiler.
_REMOVED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
_THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class Contestant(NamedTuple):
    """Which file of a workload's folder a contestant runs, and the package that it needs."""

    file: str
    package: str
    own: bool = False  # runs by this interpreter; all others by the peers' environment


CONTESTANTS = {
    "ours-eager": Contestant("ours", "autodiff", own=True),
    "ours-compiled": Contestant("ours", "autodiff", own=True),
    "torch": Contestant("torch", "torch"),
    "torch-compile": Contestant("torch", "torch"),
    "jax": Contestant("jax", "jax"),
    "autograd": Contestant("autograd", "autograd"),
    "mygrad": Contestant("mygrad", "mygrad"),
    "numpy": Contestant("numpy", "numpy", own=True),
}


def environment(threads: int = THREADS) -> dict[str, str]:
    """The environment of every contestant: equal thread counts, no BLAS tuning."""
    kept = {key: value for key, value in os.environ.items() if key not in _REMOVED}
    return kept | dict.fromkeys(_THREAD_COUNTS, str(threads)) | {"PYTHONPATH": str(ROOT)}


def interpreter(contestant: str, peer_python: str | None) -> str | None:
    """The Python that runs a contestant; None where it is not installed."""
    entry = CONTESTANTS.get(contestant, Contestant(contestant, contestant))
    if entry.own:
        return sys.executable
    python = peer_python or str(PEER_ENVIRONMENT / "bin" / "python")
    if not Path(python).exists():
        return None
    found = subprocess.run(
        [python, "-c", f"import importlib.util as u; assert u.find_spec({entry.package!r})"],
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return python if found.returncode == 0 else None


def compilers() -> dict[str, bool]:
    """Which compiled contestants this machine can run."""
    asked = "import autodiff as ad; assert hasattr(ad, 'compile')"
    ours = subprocess.run(
        [sys.executable, "-c", asked], env=environment(), stderr=subprocess.DEVNULL, check=False
    )
    return {
        "ours-compiled": ours.returncode == 0,
        "torch-compile": any(map(shutil.which, ("c++", "g++", "clang++"))),
    }


def install_peers() -> None:
    """Make the peers' environment, with the NumPy that we run on.

    A peer that this machine cannot have is left out, by name, and the others are installed.
    """
    python = PEER_ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_ENVIRONMENT)], check=True)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    for peer in PEERS:
        print(f"installing {peer} into {PEER_ENVIRONMENT.name}", file=sys.stderr)
        done = subprocess.run([*pip, f"numpy=={version('numpy')}", peer], check=False)
        if done.returncode:
            print(f"{peer} is left out: pip could not install it", file=sys.stderr)


def run_module(
    module: str, *arguments: str, python: str = sys.executable, threads: int = THREADS
) -> Any:
    """Run a module of this package in a new process; returns the JSON that it prints."""
    done = subprocess.run(
        [python, "-m", module, *arguments],
        env=environment(threads),
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


class Worker:
    """A contestant's process, which runs iterations each time it is asked to."""

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

    def ask(self, command: str, *words: Any) -> Any:
        """Send ``answer STEP``, ``time STEP COUNT``, ``first STEP`` or ``peak``; get the reply."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(command, *words, file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            said = " ".join(map(str, (command, *words)))
            raise RuntimeError(
                f"the worker of {self.contestant} ended at '{said}' with status "
                f"{self._process.wait()}; its own message stands above"
            )
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
