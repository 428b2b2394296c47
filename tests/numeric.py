"""Derivatives from values alone: extrapolated central differences, and complex steps."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

STEPS = 0.01 * 0.5 ** np.arange(5)


def richardson(value: Any, x: Any, u: Any) -> tuple[float, float]:
    """The derivative of ``value`` at ``x`` along ``u``, and an estimate of its error.

    Central differences with halved steps, extrapolated to step 0 (Richardson; the tableau of
    Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", 1982): the answer is the entry with
    the smallest change from its neighbours.
    """
    best, error = 0.0, np.inf
    previous: list[float] = []
    for k, h in enumerate(STEPS):
        row = [float((value(x + h * u) - value(x - h * u)) / (2 * h))]
        for j in range(1, k + 1):
            factor = 4.0**j
            row.append((factor * row[j - 1] - previous[j - 1]) / (factor - 1))
            change = max(abs(row[j] - row[j - 1]), abs(row[j] - previous[j - 1]))
            if change <= error:
                best, error = row[j], change
        previous = row
    return best, error


def complex_step(value: Any, x: Any, u: Any) -> float | None:
    """The derivative as an imaginary part (Squire, Trapp 1998); None where complex is refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = value(x + 1e-30j * u)
    except (TypeError, ValueError, Warning):
        return None
    return float(found.imag) / 1e-30 if np.iscomplexobj(found) else None
