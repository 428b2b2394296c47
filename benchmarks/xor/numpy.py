"""The training step by hand in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.xor import W1, W2, X, Y


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    w1, w2 = W1.copy(), W2.copy()

    def step() -> Any:
        hidden = 1 / (1 + np.exp(-(X @ w1)))
        output = 1 / (1 + np.exp(-(hidden @ w2)))
        error = output - Y
        loss = 0.5 * np.sum(error * error)
        delta = error * output * (1 - output)
        g2 = hidden.T @ delta
        g1 = X.T @ (delta @ w2.T * hidden * (1 - hidden))
        w1[...] -= g1
        w2[...] -= g2
        return loss, g1, g2

    return {"step": step}
