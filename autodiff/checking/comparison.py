"""One derivative by rules against the same by kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autodiff.checking.tape import Array, Push

BLUNT = 1e-3  # a tolerance above this part of the derivative proves nothing


@dataclass
class Comparison:
    """One derivative: where, both values, and how far apart they may be."""

    place: tuple[int, ...] | str
    direction: Array
    analytic: float
    numeric: float
    tolerance: float
    scale: float  # the largest derivative (of entries), or the length of the gradient
    other: float | None = None  # at a kink, the derivative from the other side
    kinked: float = 0.0  # how far kinks on the way let the derivative differ
    unclear: str = ""
    push: Push | None = None

    @property
    def nearest(self) -> float:
        """The numeric derivative; at a kink, the value between both sides nearest to autodiff's."""
        if self.other is None:
            return self.numeric
        low, high = sorted((self.numeric, self.other))
        return min(max(self.analytic, low), high)

    @property
    def difference(self) -> float:
        """From the numeric derivative, or from the interval between the one-sided ones."""
        gap = abs(self.analytic - self.nearest)
        return math.inf if math.isnan(gap) else gap

    @property
    def farthest(self) -> float:
        """From the one-sided derivative that is farther away: what kinks must account for."""
        sides = (self.numeric,) if self.other is None else (self.numeric, self.other)
        return max(abs(self.analytic - s) for s in sides)

    @property
    def wrong(self) -> bool:
        """Whether the values are farther apart than noise and kinks explain."""
        return self.excess > 1.0 and not self.unclear

    @property
    def excess(self) -> float:
        """The difference in units of what is allowed."""
        if not math.isfinite(self.analytic):
            return math.inf
        allowed = self.tolerance + self.kinked
        if not math.isfinite(self.numeric) or not math.isfinite(allowed):
            return 0.0
        return self.farthest / allowed if allowed else (math.inf if self.farthest else 0.0)

    @property
    def blunt(self) -> bool:
        """Whether the tolerance is so wide that agreement means nothing."""
        return not self.tolerance <= BLUNT * max(self.scale, abs(self.numeric))
