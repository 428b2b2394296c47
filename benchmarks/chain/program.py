"""The chain in NumPy style, for JAX and autograd."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.chain import LENGTH, WIDTH

START = np.linspace(-1.0, 1.0, WIDTH)


def chain(xp: Any, z: Any) -> Any:
    """All operations."""
    for _ in range(LENGTH):
        z = xp.tanh(1.01 * z + 0.1) - 0.05
    return z
