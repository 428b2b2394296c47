"""What an installation takes on disk, with everything that it pulls in."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.figures import Figure
from benchmarks.processes import interpreter, run_module
from benchmarks.workload import Options


@dataclass(frozen=True)
class Size:
    """Sums the files of a distribution and of all that it requires, without extras."""

    title: str = "install size with dependencies, without extras"
    entrants: tuple[str, ...] = ("ours-eager", "torch", "jax", "autograd", "mygrad")

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Megabytes of each, and ours over theirs."""
        figures: list[Figure] = []
        for contestant in self.entrants:
            python = interpreter(contestant, options.peer_python)
            if python is None:
                options.say(f"{name}: {contestant} left out (--peers installs it)")
                continue
            package = "autodiff-nn" if contestant == "ours-eager" else contestant
            found = run_module("benchmarks.size.measure", package, python=python)
            megabytes = sum(found.values()) / 1e6
            options.say(f"{name}: {contestant}: {', '.join(sorted(found))}")
            ratio = figures[0].value / megabytes if figures else None
            row = Figure(name, "on disk", contestant, megabytes, "MB", ratio=ratio)
            figures.append(row)
        return figures


WORKLOAD = Size()
