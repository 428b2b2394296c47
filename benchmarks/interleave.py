"""Contestants in turn, A B A B ..., each in its own long-lived process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from benchmarks.figures import paired_ratio, quartiles
from benchmarks.processes import CONTESTANTS, Worker

WARM_UP = 10
LEAST = 5  # rounds, however slow
BLOCK = 10e-3  # seconds: a turn repeats short iterations, or it would time the waking of a process


class Asked(Protocol):
    """A worker, as the race sees it."""

    contestant: str

    def ask(self, command: str, *words: Any) -> Any:
        """Answer ``answer STEP``, ``time STEP COUNT``, ``first STEP`` or ``peak``."""


@dataclass
class Contest:
    """Seconds of each round of one step, by contestant; the first contestant is ours."""

    step: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)

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
    seconds: float = float("inf"),
) -> Iterator[Contest]:
    """Compare answers, then time: ``entrants`` gives each contestant's interpreter.

    A step is timed for ``rounds`` rounds, or fewer where these take longer than ``seconds``.
    """
    with contextlib.ExitStack() as stack:
        workers = []
        for contestant, python in entrants.items():
            worker = Worker(workload, contestant, python)
            stack.callback(worker.close)
            workers.append(worker)
        for step in steps:
            before = list(workers)
            deviation = agree(workers, step, tolerance)
            for worker in before:
                if worker not in workers:
                    say(f"{workload}: {step}: {worker.contestant} failed, and is left out")
            if len(workers) > 1:
                say(f"{workload}: {step}: answers agree, relative deviation {deviation:.1e}")
            yield race(workers, step, rounds, seconds)


def agree(workers: list[Any], step: str, tolerance: float) -> float:
    """The largest deviation from the first worker's answer, relative to each array's largest entry.

    A peer that cannot answer leaves the list. Raises AssertionError where the deviation is above
    ``tolerance``: then nothing is worth timing.
    """
    answers = {}
    for worker in list(workers):
        try:
            answers[worker.contestant] = _arrays(worker.ask("answer", step))
        except RuntimeError:
            entry = CONTESTANTS.get(worker.contestant)
            if worker is workers[0] or entry is None or entry.own:
                raise
            workers.remove(worker)
    ours = answers[workers[0].contestant]
    largest = 0.0
    for worker in workers[1:]:
        what = f"{step}: {workers[0].contestant} and {worker.contestant}"
        theirs = answers[worker.contestant]
        if [x.size for x in ours] != [x.size for x in theirs]:
            raise AssertionError(
                f"{step}: {workers[0].contestant} gives {_sizes(ours)} numbers, "
                f"{worker.contestant} {_sizes(theirs)}"
            )
        for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            scale = max(float(np.abs(a).max()), np.finfo(float).tiny)
            deviation = float(np.abs(b - a).max()) / scale
            if not deviation <= tolerance:
                raise AssertionError(
                    f"{what} differ by {deviation:.1e} in array {k} of the answer "
                    f"(relative; at most {tolerance:.0e} expected)"
                )
            largest = max(largest, deviation)
    return largest


def _arrays(answer: Any) -> list[np.ndarray[Any, Any]]:
    nested = bool(answer) and isinstance(answer[0], list)
    return [np.array(x, np.float64) for x in (answer if nested else [answer])]


def _sizes(answer: list[np.ndarray[Any, Any]]) -> str:
    return " + ".join(str(x.size) for x in answer)


def race(
    workers: Sequence[Asked], step: str, rounds: int, seconds: float = float("inf")
) -> Contest:
    """Time ``rounds`` rounds after a warm-up, or as many as fit into ``seconds``."""
    result = Contest(step, {worker.contestant: [] for worker in workers})
    once = [worker.ask("time", step, 1) for worker in workers]  # compiles what is not compiled yet
    once = [min(worker.ask("time", step, 1), t) for worker, t in zip(workers, once, strict=True)]
    count = max(1, min(500, round(BLOCK / min(max(once), max(5 * min(once), 1e-6)))))
    start = time.perf_counter()
    taken = k = 0
    while taken < rounds and (taken < LEAST or time.perf_counter() - start < seconds):
        warm = k >= WARM_UP or time.perf_counter() - start > seconds / 5
        k += 1
        for worker in workers:
            spent = worker.ask("time", step, count)
            if warm:
                result.samples[worker.contestant].append(spent)
        taken += warm
    for worker in workers:
        result.first[worker.contestant] = worker.ask("first", step)
        result.peak[worker.contestant] = worker.ask("peak")
    return result
