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
from benchmarks.processes import CONTESTANTS, compilers, interpreter


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
class Work:
    """What a step cannot do without: matrix products (m, k, n, how many), and bytes to move."""

    products: tuple[tuple[int, int, int, int], ...] = ()
    moved: int = 0
    dtype: str = "float32"


@dataclass(frozen=True)
class Comparison:
    """The same program by several contestants, interleaved; a file in the folder is one or two.

    ``limits`` gives, by (step, contestant), the most that ours may take, as a ratio. Answers of all
    contestants are compared with ours before anything is timed. A step is timed for ``rounds``
    rounds, or as many as fit into ``seconds``. ``work`` gives, by step, what its floor is made of.
    """

    title: str
    steps: tuple[str, ...]
    rounds: int = 100
    tolerance: float = 1e-12
    limits: dict[tuple[str, str], float] = field(default_factory=dict)
    quick_steps: tuple[str, ...] | None = None
    seconds: float = 10.0
    work: dict[str, Work] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)  # contestant: why it does not take part

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Time every step of every contestant that this machine has."""
        present = self.entrants(name, options)
        if not present:
            return []
        rounds = max(self.rounds // 5, 5) if options.quick else self.rounds
        steps = self.quick_steps or self.steps if options.quick else self.steps
        seconds = self.seconds / 5 if options.quick else self.seconds
        figures = []
        options.say(f"{name}: {rounds} rounds of {', '.join(present)}")
        results = contest(name, present, steps, rounds, self.tolerance, options.say, seconds)
        for result in results:
            figures += self.rows(name, result)
        return figures

    def entrants(self, name: str, options: Options) -> dict[str, str]:
        """The interpreter of each contestant, ours first; those left out are said by name."""
        found, able = {}, compilers()
        for contestant in contestants(name):
            python = interpreter(contestant, options.peer_python)
            reason = "" if python else "--peers installs it"
            reason = self.without.get(contestant, reason)
            if contestant == "ours-compiled" and not able[contestant]:
                reason = "autodiff has no ad.compile yet"
            elif contestant == "torch-compile" and not reason:
                reason = "no C++ compiler" if not able[contestant] else ""
                if options.quick:
                    reason = "not under --quick: it compiles for minutes"
            if reason or python is None:
                options.say(f"{name}: {contestant} left out ({reason})")
            else:
                found[contestant] = python
        return found

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
                    first_call_s=result.first[contestant],
                    peak_mb=result.peak[contestant],
                )
            )
        return rows


@dataclass(frozen=True)
class Awaited:
    """A workload that cannot run yet, and why: it is named in every run until it can."""

    title: str
    reason: str

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Say what is missing."""
        options.say(f"{name}: left out ({self.reason})")
        return []


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
    """The contestants of a comparison, by the files of its folder, ours first."""
    path = importlib.import_module(f"benchmarks.{name}").__path__
    files = {module.name for module in pkgutil.iter_modules(path)}
    return [name for name, entry in CONTESTANTS.items() if entry.file in files]
