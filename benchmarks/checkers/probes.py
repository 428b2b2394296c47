"""The faults that every checker is shown: the sine of an array, summed, with a planted rule.

A contestant's file gives ``CHECKERS``: by name, functions ``caught(x, weights)`` that say whether
the checker, at its default settings, refuses the gradient ``weights * cos(x)`` of
``sum(sin(x))``, and the largest array that it can be asked of (None: any).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

Caught = Callable[[Any, Any], bool]
STEPS = 4  # powers a decade
SEEDS = 3  # points at which an error must be caught
SECONDS = 12.0  # of a peer, for all positions of one size


def point(size: int, seed: int) -> Any:
    """Where the gradient is checked."""
    return np.random.default_rng([seed, size]).normal(size=size)


def smallest_scale(caught: Caught, size: int = 20) -> float:
    """The smallest ε for which the gradient times 1 + ε is refused at every point; inf: none."""

    def seen(k: int) -> bool:
        factor = 1.0 + 10.0 ** (-k / STEPS)
        return all(caught(point(size, s), np.full(size, factor)) for s in range(SEEDS))

    low, high = -1, 14 * STEPS + 1  # low is seen (taken for granted at 10 and above), high is not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if seen(middle) else (low, middle)
    return float("inf") if low < 0 else 10.0 ** (-low / STEPS)


def dropped(caught: Caught, size: int, positions: int, seconds: float) -> dict[str, int]:
    """How often one entry of the gradient that is 0 is missed, of how many positions."""
    x, missed, tried = point(size, 0), 0, 0
    end = time.perf_counter() + seconds
    for k in np.random.default_rng(size).choice(size, positions, replace=False):
        weights = np.ones(size)
        weights[k] = 0.0
        missed, tried = missed + (not caught(x, weights)), tried + 1
        if time.perf_counter() > end:
            break
    return {"missed": missed, "tried": tried}


def alarms(caught: Caught, size: int, points: int) -> int:
    """At how many points the right gradient is refused."""
    return sum(caught(point(size, seed), np.ones(size)) for seed in range(points))
