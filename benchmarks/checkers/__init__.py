"""What gradient checkers catch, name and wrongly refuse: ours and peers', on the same faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.figures import OURS, Figure, power_law
from benchmarks.processes import interpreter, run_module
from benchmarks.workload import Options

LANES = 2  # processes at a time
SLICES = 8  # of a long sweep, so that both lanes end together
KINDS = {"missed": "missed", "misnamed": "another operation named", "misread": "other diagnosis"}
Job = Callable[[], Any]


@dataclass(frozen=True)
class Scope:
    """How much is run."""

    positions: int  # of a dropped entry
    points: int  # at which a right gradient is checked
    sizes: tuple[int, ...]  # of the arrays of both
    widths: tuple[int, ...]  # of the networks
    fault_stride: int  # every so-many-th sample call, with all faults
    model_stride: int  # every so-many-th primitive, inside a model
    primitive_cases: int  # random calls of each primitive
    other_cases: int  # seeds of layers and losses, complex ones; five times as many of users' rules
    matrix_cases: int  # conditions of matrices, 18 in turn; 92 checks of each


# Widths of 181, 58, 100 and 365 make 100,000, 10,000, 31,000 and 400,000 parameters.
WHOLE = Scope(100, 20, (1_000, 100_000), (181, 58, 100, 365), 1, 6, 100, 8, 36)
QUICK = Scope(3, 2, (1_000,), (181, 58), 60, 150, 1, 1, 6)


@dataclass(frozen=True)
class Checkers:
    """Figures of power, of naming, of false alarms and of time."""

    title: str = "gradient checkers: smallest error caught, faults named, false alarms, time"
    entrants: tuple[str, ...] = (OURS, "torch", "jax", "autograd")

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Ours and the peers on one planted function; then ours on all primitives, alone."""
        scope = QUICK if options.quick else WHOLE
        options.say(f"{name}: a network of 100,000 parameters")
        figures = list(_network(name, scope.widths))
        options.say(f"{name}: planted faults, ours and peers")
        figures += self._probes(name, scope, options)
        options.say(f"{name}: every fault in every primitive")
        figures += _faults(name, scope, options)
        options.say(f"{name}: false alarms")
        figures += _alarms(name, scope, options)
        return figures

    def _probes(self, name: str, scope: Scope, options: Options) -> list[Figure]:
        present = {c: interpreter(c, options.peer_python) for c in self.entrants}
        for contestant, python in present.items():
            if python is None:
                options.say(f"{name}: {contestant} left out (--peers installs it)")
        numbers = [str(n) for n in (scope.positions, scope.points, *scope.sizes)]
        asked = {c: python for c, python in present.items() if python is not None}
        results = together(
            [
                partial(_run, "measure", "ours" if c == OURS else c, *numbers, python=python)
                for c, python in asked.items()
            ]
        )
        figures: list[Figure] = []
        for contestant, found in zip(asked, results, strict=True):
            for checker, rows in found.items():
                figures += _probe_rows(name, contestant, checker, rows, scope)
        return figures


def _probe_rows(
    name: str, contestant: str, checker: str, rows: dict[str, Any], scope: Scope
) -> Iterator[Figure]:
    suffix = f", {checker}" if checker else ""
    ours = contestant == OURS
    limit = 1e-8 if ours else None
    what = f"smallest scale error caught{suffix}"
    yield Figure(name, what, contestant, rows["scale"], "relative", limit=limit)
    for size, found in rows["dropped"].items():
        what = f"1 of {int(size):,} entries dropped: missed{suffix}"
        unit = f"of {found['tried']}"
        yield Figure(name, what, contestant, found["missed"], unit, limit=0.0 if ours else None)
    for size, alarms in rows["alarms"].items():
        what = f"right gradient of {int(size):,} entries refused{suffix}"
        yield Figure(
            name, what, contestant, alarms, f"of {scope.points}", limit=0.0 if ours else None
        )


def _network(name: str, widths: tuple[int, ...]) -> Iterator[Figure]:
    found = _run("network", *map(str, widths))
    times = sorted(each["seconds"] for each in found["default"])
    what = f"network of {found['default'][0]['parameters']:,} parameters"
    yield Figure(name, what, OURS, times[1], "s", times[0], times[-1], limit=5.0)
    best: dict[int, float] = {}
    for each in found["least"]:
        size, seconds = each["parameters"], each["seconds"]
        best[size] = min(best.get(size, seconds), seconds)
    exponent = power_law(list(best), list(best.values()))
    yield Figure(name, "time ~ parameters^p", OURS, exponent, "p", limit=1.1)


def _faults(name: str, scope: Scope, options: Options) -> Iterator[Figure]:
    # A caught fault is at least that; a node that is not named, or a diagnosis that does not say
    # the fault, counts in percent of all that were planted.
    limits = {"missed": 0.0, "misnamed": 1.0, "misread": 5.0}
    for kind, label, stride in (
        ("alone", "alone", scope.fault_stride),
        ("model", "in 200 operations", scope.model_stride),
    ):
        slices = SLICES if not options.quick else 1
        tallies = together(
            [
                partial(_run, "faults", str(k * stride), str(slices * stride), kind)
                for k in range(slices)
            ]
        )
        planted = sum(tally["planted"] for tally in tallies)
        for line in (line for tally in tallies for line in tally["which"]):
            options.say(f"{name}: {label}: {line}")
        for key, limit in limits.items():
            share = 100.0 * sum(tally[key] for tally in tallies) / max(planted, 1)
            what = f"fault in a primitive {label}: {KINDS[key]}"
            yield Figure(name, what, OURS, share, f"% of {planted:,}", limit=limit)


SAID = {
    "rules": "rules of users",
    "matrices": "rules near singular matrices",
    "complex": "rules in complex expressions",
}


def _alarms(name: str, scope: Scope, options: Options) -> Iterator[Figure]:
    slices = SLICES if not options.quick else LANES
    for kind, cases in (
        ("primitives", scope.primitive_cases),
        ("nn", scope.other_cases),
        ("rules", 5 * scope.other_cases),
        ("matrices", scope.matrix_cases),
        ("complex", scope.other_cases),
    ):
        jobs = [
            partial(_run, "alarms", kind, str(cases), str(k), str(slices)) for k in range(slices)
        ]
        results = together(jobs)
        verdicts: Counter[str] = Counter()
        for found in results:
            verdicts.update(found["verdicts"])
            for line in found["which"]:
                options.say(f"{name}: called wrong: {line}")
        total = sum(verdicts.values())
        options.say(f"{name}: {kind}: {dict(verdicts)}")
        for verdict, limit in (("wrong", 0.0), ("inconclusive", None)):
            what = f"right {SAID.get(kind, kind)} called {verdict}"
            yield Figure(name, what, OURS, verdicts[verdict], f"of {total:,}", limit=limit)


def together(jobs: Sequence[Job]) -> list[Any]:
    """The results of all jobs, ``LANES`` at a time."""
    with ThreadPoolExecutor(LANES) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def _run(module: str, *arguments: str, **options: Any) -> Any:
    # One thread each: two processes run side by side.
    return run_module(f"benchmarks.checkers.{module}", *arguments, threads=1, **options)


WORKLOAD = Checkers()
