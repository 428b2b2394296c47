"""What a measurement comes to: ``Figure``, and the statistics behind it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

OURS = "ours-eager"
PEER_CONTESTANTS = ("torch", "torch-compile", "jax", "autograd", "mygrad")
CONTESTANTS = (OURS, "ours-compiled", *PEER_CONTESTANTS, "numpy", "floor")
MICROSECONDS = {"s": 1e6, "ms": 1e3, "µs": 1.0}


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    ``ratio`` is ours over this contestant's, ``limit`` the most that the ratio (without one: the
    value) may be. ``first_call_s`` is the time of the first iteration, compilation included,
    ``peak_mb`` the peak memory of the contestant's process.
    """

    workload: str
    what: str
    contestant: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    limit: float | None = None
    first_call_s: float | None = None
    peak_mb: float | None = None

    @property
    def microseconds(self) -> tuple[float, float, float] | None:
        """Lower quartile, median and upper quartile; None where the value is no time.

        >>> Figure("deep", "build", "ours-eager", 2.0, "s").microseconds
        (2000000.0, 2000000.0, 2000000.0)
        """
        if self.unit not in MICROSECONDS:
            return None
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        scale = MICROSECONDS[self.unit]
        return low * scale, self.value * scale, high * scale

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.limit is None:
            return None
        return (self.value if self.ratio is None else self.ratio) <= self.limit


def quartiles(samples: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile.

    >>> quartiles([5.0, 1.0, 2.0, 4.0, 3.0])
    (2.0, 3.0, 4.0)
    """
    if len(samples) < 2:
        return samples[0], samples[0], samples[0]
    low, middle, high = statistics.quantiles(samples, n=4, method="inclusive")
    return low, middle, high


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median over rounds of ours / theirs: what is slow for both in one round cancels.

    >>> paired_ratio([1.0, 10.0, 3.0], [2.0, 20.0, 2.0])
    0.5
    """
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def power_law(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The exponent p of the least-squares fit time = c * size**p on logarithms; 1 is linear.

    >>> round(power_law([1, 2, 4], [3, 12, 48]), 12)
    2.0
    """
    x = [math.log(size) for size in sizes]
    y = [math.log(time) for time in times]
    return statistics.linear_regression(x, y).slope
