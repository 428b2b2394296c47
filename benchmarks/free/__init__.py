"""A graph is gone with its last name: no garbage-collector pass, whatever was asked of it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.figures import Figure
from benchmarks.processes import run_module
from benchmarks.workload import Options


@dataclass(frozen=True)
class Free:
    """Counts what is still alive, by weak references, with the garbage collector off."""

    title: str = "nodes and arrays alive after the last name is gone, without gc"

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Survivors after a forward pass, ``backward``, and gradients of first and second order."""
        options.say(f"{name}: weak references, garbage collector off")
        survivors = run_module("benchmarks.free.measure")
        return [
            Figure(name, what, "ours-eager", count, "alive", limit=0)
            for what, count in survivors.items()
        ]


WORKLOAD = Free()
