"""Contestants in turn, A B A B ..., each in its own long-lived process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from benchmarks.figures import paired_ratio, quartiles
from benchmarks.processes import Worker

WARM_UP = 10


class Asked(Protocol):
    """A worker, as the race sees it."""

    contestant: str

    def ask(self, command: str, step: str) -> Any:
        """Answer ``answer STEP`` or ``time STEP``."""


@dataclass
class Contest:
    """Seconds of each round of one step, by contestant; the first contestant is ours."""

    step: str
    samples: dict[str, list[float]] = field(default_factory=dict)

    def quartiles(self, contestant: str) -> tuple[float, float, float]:
        """Lower quartile, median, upper quartile."""
        return quartiles(self.samples[contestant])

    def ratio(self, contestant: str) -> float | None:
        """Median of ours over theirs, round by round; None for ourselves."""
        ours = next(iter(self.samples))
        if contestant == ours:
            return None
        return paired_ratio(self.samples[ours], self.samples[contestant])


def contest(
    workload: str,
    entrants: dict[str, str],
    steps: Sequence[str],
    rounds: int,
    tolerance: float,
    say: Callable[[str], None],
) -> Iterator[Contest]:
    """Compare answers, then time: ``entrants`` gives each contestant's interpreter."""
    with contextlib.ExitStack() as stack:
        workers = []
        for contestant, python in entrants.items():
            worker = Worker(workload, contestant, python)
            stack.callback(worker.close)
            workers.append(worker)
        for step in steps:
            deviation = agree(workers, step, tolerance)
            if len(workers) > 1:
                say(f"{workload}: {step}: answers agree, relative deviation {deviation:.1e}")
            yield race(workers, step, rounds)


def agree(workers: Sequence[Asked], step: str, tolerance: float) -> float:
    """The largest relative deviation from the first worker's answer.

    Raises AssertionError where it is above ``tolerance``: then nothing is worth timing.
    """
    ours, *others = (np.array(worker.ask("answer", step)) for worker in workers)
    largest = 0.0
    for worker, theirs in zip(workers[1:], others, strict=True):
        if theirs.shape != ours.shape:
            raise AssertionError(
                f"{step}: {workers[0].contestant} gives {ours.size} numbers, "
                f"{worker.contestant} {theirs.size}"
            )
        scale = max(float(np.abs(ours).max()), np.finfo(float).tiny)
        deviation = float(np.abs(theirs - ours).max()) / scale
        if not deviation <= tolerance:
            raise AssertionError(
                f"{step}: {workers[0].contestant} and {worker.contestant} differ by "
                f"{deviation:.1e} (relative; at most {tolerance:.0e} expected)"
            )
        largest = max(largest, deviation)
    return largest


def race(workers: Sequence[Asked], step: str, rounds: int) -> Contest:
    """Time ``rounds`` rounds after a warm-up."""
    result = Contest(step, {worker.contestant: [] for worker in workers})
    for k in range(WARM_UP + rounds):
        for worker in workers:
            seconds = worker.ask("time", step)
            if k >= WARM_UP:
                result.samples[worker.contestant].append(seconds)
    return result
