"""The training step by hand in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functional import AdamInPlace
from benchmarks.mlp import BATCH, PARAMS, X, Y


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params = w1, b1, w2, b2, w3, b3 = [p.copy() for p in PARAMS]
    rule = AdamInPlace(params)
    rows = np.arange(BATCH)

    def step() -> Any:
        h1 = X @ w1
        h1 += b1
        np.maximum(h1, 0, out=h1)
        h2 = h1 @ w2
        h2 += b2
        np.maximum(h2, 0, out=h2)
        z = h2 @ w3
        z += b3
        z -= z.max(axis=1, keepdims=True)
        chosen = z[rows, Y]
        np.exp(z, out=z)
        total = z.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - chosen)
        z /= total
        z[rows, Y] -= 1
        z /= BATCH
        d2 = z @ w3.T
        d2 *= h2 > 0
        d1 = d2 @ w2.T
        d1 *= h1 > 0
        deltas = ((X, d1), (h1, d2), (h2, z))
        grads = [g for h, d in deltas for g in (h.T @ d, d.sum(axis=0))]
        rule.step(grads)
        return loss, grads

    return {"step": step}
