"""The formula in NumPy style: 20 operations."""

from __future__ import annotations

from typing import Any


def formula(xp: Any, a: Any, b: Any) -> Any:
    """A sum of entries that stay of the order of one."""
    p = a * b + 0.5  # 2
    q = xp.exp(-p) + xp.sin(a)  # 6
    r = xp.log(p) * q - b  # 9
    s = xp.sqrt(p + a * a)  # 12
    t = xp.tanh(r) / s  # 14
    return (t * t + q * 0.25 - s * b).sum()  # 20, the sum among them
