"""What NumPy's names on a Tensor cost beside ours: an operation on ten floats, recorded."""

from __future__ import annotations

import functools
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad
from benchmarks.figures import OURS, Figure, paired_ratio, quartiles
from benchmarks.workload import Options

Call = Callable[[Any, Any], Any]

# The same operation by NumPy's name (or with the array on the left) and by ours.
PAIRS: dict[str, tuple[Call, Call]] = {
    "array * x": (lambda x, a: a * x, lambda x, a: x * a),
    "np.sin(x)": (lambda x, a: np.sin(x), lambda x, a: ad.sin(x)),
    "np.sum(x, axis=0)": (lambda x, a: np.sum(x, axis=0), lambda x, a: ad.sum(x, axis=0)),
    "np.stack([x, x])": (lambda x, a: np.stack([x, x]), lambda x, a: ad.stack([x, x])),
}


@dataclass(frozen=True)
class Names:
    """Each pair in turn, many calls a round; microseconds a call."""

    title: str = "NumPy's names on a Tensor of ten floats, beside autodiff's"
    rounds: int = 200
    calls: int = 300

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Microseconds of a call by each name, and ours over NumPy's."""
        rounds = max(self.rounds // 5, 5) if options.quick else self.rounds
        x, array = ad.tensor(np.linspace(0.1, 1.0, 10), requires_grad=True), np.ones(10)
        figures = []
        for what, pair in PAIRS.items():
            options.say(f"{name}: {rounds} rounds of {what}")
            samples: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds):
                for call, times in zip(pair, samples, strict=True):
                    timer = timeit.Timer(functools.partial(call, x, array))
                    times.append(timer.timeit(self.calls) / self.calls * 1e6)
            low, middle, high = quartiles(samples[0])
            ratio = paired_ratio(samples[1], samples[0])
            figures.append(Figure(name, what, "numpy's name", middle, "µs", low, high, ratio, None))
            low, middle, high = quartiles(samples[1])
            figures.append(Figure(name, what, OURS, middle, "µs", low, high, None, None))
        return figures


WORKLOAD = Names()
