r"""The slope of the Taylor remainder, which tells a right gradient from a wrong one at a glance.

.. math:: R(h) = |f(x + h u) - f(x) - h \langle g, u\rangle| = O(h^2)

with the gradient g; with another vector O(h) (D. A. Ham and others, "Taylor remainder convergence
test", as in dolfin-adjoint, P. E. Farrell et al., SIAM J. Sci. Comput. 35, 2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.checking.numeric import EPS, random_signs
from autodiff.checking.problem import joined, parts_of

Array = np.ndarray[Any, Any]
STEPS = (1e-2, 2.5e-3, 6.25e-4)  # in units of each entry


def direction_of(value: Array) -> Array:
    """Random signs, each number in proportion to itself: a small one may be near an edge.

    Equal numbers move the same way: where all lie on the threshold of a branch, as zeros on that of
    ``x > 0``, the function is that of the point on one side of it.
    """
    parts, rng = parts_of(value), np.random.default_rng(0)
    spread = math.sqrt(float(np.mean(parts**2))) if value.size else 1.0
    different, which = np.unique(parts, return_inverse=True)
    signs = random_signs(rng, different.shape)[which.reshape(parts.shape)]
    size = np.where(parts == 0.0, spread or 1.0, np.abs(parts))
    # By unequal parts, of which no shift and no factor is left that a function may not see.
    return joined(size * rng.uniform(0.5, 1.0, parts.shape) * signs, value)


def taylor_slope(line: Callable[[float], float], along: float) -> float:
    """2 where ``along`` is the derivative of ``line`` at 0, 1 where it is not.

    NaN where there is no remainder above rounding, as of a linear function. An error below some
    1e-4 of the derivative does not show at these steps.
    """
    if not math.isfinite(along):
        return math.nan
    start = line(0.0)
    found = []
    for h in STEPS:
        moved = line(h)
        rounding = 256.0 * EPS * (abs(start) + abs(moved) + h * abs(along))
        remainder = abs(moved - start - h * along)
        found.append(remainder if remainder > rounding else math.nan)
    slopes = [math.log(a / b) / math.log(4.0) for a, b in pairwise(found)]
    return next((s for s in reversed(slopes) if math.isfinite(s)), math.nan)
