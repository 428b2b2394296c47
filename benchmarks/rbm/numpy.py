"""The step by hand in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.rbm import BATCH, LR, NOISE_H, NOISE_V, A, B, V, W


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    w, a, b = W.copy(), A.copy(), B.copy()

    def free_energy(v: Any, z: Any) -> Any:
        return np.mean(-(v @ a) - np.sum(np.logaddexp(z, 0), axis=1))

    def step() -> Any:
        z = V @ w + b
        p = 1 / (1 + np.exp(-z))
        h = (p > NOISE_H).astype(V.dtype)
        model = (1 / (1 + np.exp(-(h @ w.T + a))) > NOISE_V).astype(V.dtype)
        z_model = model @ w + b
        p_model = 1 / (1 + np.exp(-z_model))
        loss = free_energy(V, z) - free_energy(model, z_model)
        grads = (
            (model.T @ p_model - V.T @ p) / BATCH,
            (model - V).mean(axis=0),
            (p_model - p).mean(axis=0),
        )
        for value, g in zip((w, a, b), grads, strict=True):
            value -= LR * g
        return loss, grads

    return {"step": step}
