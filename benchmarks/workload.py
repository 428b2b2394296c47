"""The two kinds of workload, and how they are found: every folder of this package is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import benchmarks
from benchmarks.figures import Figure
from benchmarks.interleave import Contest, contest
from benchmarks.processes import OWN, interpreter


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    quick: bool = False
    peer_python: str | None = None
    say: Callable[[str], None] = print


class Workload(Protocol):
    """Anything that measures: a folder's ``WORKLOAD``."""

    title: str

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Run it and give its rows."""


@dataclass(frozen=True)
class Comparison:
    """The same program by several contestants, interleaved; one file in the folder is one of them.

    ``limits`` gives, by (step, contestant), the most that ours may take, as a ratio. Answers of all
    contestants are compared with ours before anything is timed.
    """

    title: str
    steps: tuple[str, ...]
    rounds: int = 100
    tolerance: float = 1e-12
    limits: dict[tuple[str, str], float] = field(default_factory=dict)

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Time every step of every contestant that this machine has."""
        entrants = {c: interpreter(c, options.peer_python) for c in contestants(name)}
        for missing in [c for c, python in entrants.items() if python is None]:
            options.say(f"{name}: {missing} left out (--peers installs it)")
        present = {c: python for c, python in entrants.items() if python is not None}
        rounds = max(self.rounds // 5, 5) if options.quick else self.rounds
        figures = []
        options.say(f"{name}: {rounds} rounds of {', '.join(present)}")
        for result in contest(name, present, self.steps, rounds, self.tolerance, options.say):
            figures += self.rows(name, result)
        return figures

    def rows(self, name: str, result: Contest) -> list[Figure]:
        """The figures of one step, ours first."""
        rows = []
        for contestant in result.samples:
            low, middle, high = result.quartiles(contestant)
            rows.append(
                Figure(
                    name,
                    result.step,
                    contestant,
                    middle * 1e6,
                    "µs",
                    low * 1e6,
                    high * 1e6,
                    result.ratio(contestant),
                    self.limits.get((result.step, contestant)),
                )
            )
        return rows


def workloads() -> dict[str, Workload]:
    """All workloads by name."""
    return {
        module.name: load(module.name)
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if module.ispkg
    }


def load(name: str) -> Workload:
    """One workload by name."""
    workload: Any = importlib.import_module(f"benchmarks.{name}").WORKLOAD
    return workload


def contestants(name: str) -> list[str]:
    """The contestants of a comparison: the files of its folder, ours first."""
    found = pkgutil.iter_modules(importlib.import_module(f"benchmarks.{name}").__path__)
    return sorted((m.name for m in found), key=lambda c: (c not in OWN, c != "autodiff", c))
