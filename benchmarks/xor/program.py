"""The loss in NumPy style, for JAX and autograd."""

from __future__ import annotations

from typing import Any


def loss(xp: Any, params: Any, x: Any, y: Any) -> Any:
    """½Σ(y−t)² of the network."""
    hidden = 1 / (1 + xp.exp(-(x @ params[0])))
    output = 1 / (1 + xp.exp(-(hidden @ params[1])))
    return 0.5 * xp.sum((output - y) ** 2)
