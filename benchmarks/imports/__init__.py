"""What ``import autodiff`` costs beside the ``import numpy`` that it contains."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from benchmarks.figures import OURS, Figure, paired_ratio, quartiles
from benchmarks.processes import ROOT, environment
from benchmarks.workload import Options

_PROGRAM = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


@dataclass(frozen=True)
class Imports:
    """Each import in a new process, in turn; the interpreter's own start is not counted."""

    title: str = "import autodiff beside import numpy, each in a new process"
    modules: tuple[str, ...] = ("nn", "autodiff", "numpy")
    rounds: int = 25
    limit: float = 1.3

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Milliseconds of each import, and ours over NumPy's."""
        rounds = max(self.rounds // 5, 5) if options.quick else self.rounds
        options.say(f"{name}: {rounds} rounds of {', '.join(self.modules)}")
        samples: dict[str, list[float]] = {module: [] for module in self.modules}
        for k in range(1 + rounds):
            for module in self.modules:
                seconds = self.once(module)
                if k:  # the first round reads files that the later ones find in memory
                    samples[module].append(seconds * 1e3)
        figures = []
        for module, times in samples.items():
            low, middle, high = quartiles(times)
            against = module == "numpy"
            ratio = paired_ratio(samples["autodiff"], times) if against else None
            limit = self.limit if against else None
            what = "import nn" if module == "nn" else "import"
            contestant = "numpy" if against else OURS
            figures.append(Figure(name, what, contestant, middle, "ms", low, high, ratio, limit))
        return figures

    def once(self, module: str) -> float:
        """Seconds of one import in a new process."""
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM.format(module)],
            env=environment(),
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return float(done.stdout)


WORKLOAD = Imports()
