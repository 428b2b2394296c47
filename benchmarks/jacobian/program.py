"""The function in NumPy style."""

from __future__ import annotations

from typing import Any


def function(xp: Any, x: Any, a: Any, b: Any) -> Any:
    """Two matrix products with a nonlinearity between them, and a product."""
    return (xp.tanh(x @ a) @ b) * xp.sin(x)
