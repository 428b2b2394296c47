"""Numeric derivatives that know how wrong they may be.

Central differences with Richardson extrapolation: three step sizes h, h/2, h/4 cancel the errors of
order h² and h⁴, and the last correction bounds what is left (L. F. Richardson 1911; C. J. F.
Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", 1982). The noise of the function itself
is measured by differences of high order over tiny steps, which cancel everything smooth (J. J.
Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33, 2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

EPS = float(np.finfo(np.float64).eps)
FIRST_STEP = 2e-3  # of the scale of x: truncation h⁶ and rounding eps/h are both near 1e-13
# A kink, a pole or the edge of the domain within one step shows as a large error, and the next
# step is smaller. Below the last one, rounding would hide an error of a millionth.
STEPS = tuple(FIRST_STEP * 10.0**-k for k in range(5))
LEAST = 2e-14  # of the operand: a smaller step is lost in its rounding
GOOD = 1e-9  # a relative error at which no further step is tried


class Estimate(NamedTuple):
    """A derivative and a bound on its error; the bound is infinite where there is no value."""

    value: float
    error: float


def derivative(line: Callable[[float], float], steps: Sequence[float], noise: float) -> Estimate:
    r"""The derivative at 0 of a function of one number.

    .. math:: D(h) = \frac{f(h) - f(-h)}{2h}, \quad R(h) = \frac{4 D(h/2) - D(h)}{3}, \quad
              f'(0) = \frac{16 R(h/2) - R(h)}{15} + O(h^6)

    Parameters
    ----------
    line : callable
        f.
    steps : sequence of float
        Step sizes to try, largest first; the estimate with the smallest error is returned.
    noise : float
        The noise of one value of f, as ``noise_level`` gives it.

    >>> from autodiff.checking.numeric import STEPS, derivative
    >>> d = derivative(math.exp, STEPS, 1e-16)
    >>> abs(d.value - 1.0) < 1e-10 and d.error < 1e-9
    True
    """
    best = Estimate(math.nan, math.inf)
    for h in steps:
        central = [(line(h / k) - line(-h / k)) * k / (2.0 * h) for k in (1.0, 2.0, 4.0)]
        coarse, fine = ((4.0 * b - a) / 3.0 for a, b in pairwise(central))
        value = (16.0 * fine - coarse) / 15.0
        # The weights of the six values sum to 4.1/h where their noise is independent.
        error = abs(value - coarse) + 4.1 * noise / h
        if error < best.error:
            best = Estimate(value, error)
        if best.error <= max(GOOD * abs(best.value), 10.0 * noise / steps[0]):
            break
    return best


def noise_level(line: Callable[[float], float], spacing: float) -> float:
    """The noise of one value of ``line`` near 0: its rounding, and that of everything inside it.

    The standard deviation by ECnoise: for k-th differences of values that differ by noise alone,
    sqrt(mean(difference²) · (k!)² / (2k)!). Never less than the rounding of the value itself.

    >>> from autodiff.checking.numeric import noise_level
    >>> noise_level(lambda t: 1.0 + t, 1e-10) < 1e-15
    True
    >>> noise_level(lambda t: float(np.float32(1.0 + np.sin(1e12 * t))), 1e-10) > 1e-9
    True
    """
    values = np.array([line(spacing * k) for k in PLACES])
    floor = EPS * max(float(np.abs(values).max()), math.ulp(0.0))
    level = float(noise_among(values))
    return max(floor, level) if math.isfinite(level) else floor


PLACES = range(-4, 5)  # of values for ``noise_among``, in units of one spacing


def noise_among(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The noise of nine values at equal distances, on the first axis, entry by entry."""
    levels = []
    differences = values
    for k in range(1, 7):
        differences = np.diff(differences, axis=0)
        if k >= 4:
            weight = math.factorial(k) ** 2 / math.factorial(2 * k)
            levels.append(np.sqrt(weight * np.mean(np.abs(differences) ** 2, axis=0)))
    return np.asarray(np.median(levels, axis=0))


def random_signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """1 or -1, from one random bit each."""
    count = math.prod(shape)
    bits = np.frombuffer(rng.bytes(-(-count // 8)), np.uint8)
    return np.unpackbits(bits, count=count).reshape(shape) * 2.0 - 1.0
