"""The function in NumPy style."""

from __future__ import annotations

from typing import Any


def rosenbrock(x: Any) -> Any:
    """Sum of 100 (x[i+1] - x[i]²)² + (1 - x[i])²."""
    a, b = x[:-1], x[1:]
    return (100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2).sum()
