"""Instructions that the eager core executes: a regression shows in them without any noise.

``valgrind --tool=callgrind`` counts a chain of n iterations and one of 3 n in processes of their
own; the difference holds neither the interpreter's start nor the imports. Counts hold for one build
of Python and NumPy. Source: Nethercote and Seward, "Valgrind: a framework for heavyweight dynamic
binary instrumentation", PLDI 2007.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import autodiff as ad
from benchmarks.figures import OURS, Figure
from benchmarks.processes import ROOT, environment
from benchmarks.workload import Options

OPERATIONS = 4  # of one iteration of the chain
ITERATIONS = 500
_MODULE = "benchmarks.instructions"


def forward(iterations: int) -> tuple[ad.Tensor, ad.Tensor]:
    """The chain, recorded: its input and output."""
    z = start = ad.tensor(np.linspace(-1.0, 1.0, 10), requires_grad=True)
    for _ in range(iterations):
        z = ad.tanh(1.01 * z + 0.1) - 0.05
    return start, z


def gradient(iterations: int) -> ad.Tensor:
    """The chain and its gradient."""
    start, z = forward(iterations)
    return ad.gradients(z, start, cotangents=np.ones(10))


PROGRAMS: dict[str, Callable[[int], object]] = {"forward": forward, "gradient": gradient}


def total(program: str, iterations: int) -> int:
    """Instructions of a whole process that runs a program once. Raises where valgrind fails."""
    with tempfile.TemporaryDirectory() as folder:
        output = f"--callgrind-out-file={Path(folder) / 'out'}"
        command = ["valgrind", "--tool=callgrind", output, sys.executable, "-m", _MODULE]
        done = subprocess.run(
            [*command, program, str(iterations)],
            env=environment(threads=1) | {"PYTHONHASHSEED": "0"},
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
        )
    return collected(done.stderr)


def collected(log: str) -> int:
    """The count in callgrind's log.

    >>> collected("==7== Events    : Ir\\n==7== Collected : 2130721\\n")
    2130721
    """
    found = re.search(r"Collected : (\d+)", log)
    if found is None:
        raise RuntimeError(f"callgrind counted nothing; it says: {log.strip()[-500:]}")
    return int(found.group(1))


@dataclass(frozen=True)
class Instructions:
    """Instructions an operation, forward alone and with the gradient."""

    title: str = "instructions of the eager core, by callgrind where it is installed"

    def measure(self, name: str, options: Options) -> list[Figure]:
        """One figure a program, under ``--quick`` for the last alone; none without valgrind."""
        if shutil.which("valgrind") is None:
            options.say(f"{name}: left out (needs valgrind)")
            return []
        figures = []
        # Unmeasured: the first process after a change of the sources compiles their bytecode.
        subprocess.run(
            [sys.executable, "-m", _MODULE, "forward", "1"], env=environment(), cwd=ROOT, check=True
        )
        for program in list(PROGRAMS)[-1:] if options.quick else PROGRAMS:
            options.say(f"{name}: chain {program} under callgrind")
            few, many = (total(program, factor * ITERATIONS) for factor in (1, 3))
            each = (many - few) / (2 * ITERATIONS * OPERATIONS)
            figures.append(Figure(name, f"chain {program}", OURS, each, "instructions/op"))
        return figures


WORKLOAD = Instructions()

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](int(sys.argv[2]))
