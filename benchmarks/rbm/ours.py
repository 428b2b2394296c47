"""The step with the primitives of autodiff."""

from __future__ import annotations

from typing import Any

import autodiff as ad
from benchmarks.rbm import LR, NOISE_H, NOISE_V, A, B, V, W


def free_energy(v: Any, w: Any, a: Any, b: Any) -> Any:
    """Mean free energy of a batch."""
    return ad.mean(-ad.matmul(v, a) - ad.sum(ad.softplus(ad.matmul(v, w) + b), axis=1))


def sample(v: Any, w: Any, a: Any, b: Any) -> Any:
    """One step of Gibbs sampling, on bare arrays."""
    h = (ad.sigmoid(ad.matmul(v, w) + b) > NOISE_H).astype(v.dtype)
    return (ad.sigmoid(ad.matmul(h, w.T) + a) > NOISE_V).astype(v.dtype)


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params = [ad.tensor(p, requires_grad=True) for p in (W, A, B)]

    def step() -> Any:
        w, a, b = params
        model = sample(V, w.data, a.data, b.data)
        loss = free_energy(V, w, a, b) - free_energy(model, w, a, b)
        grads = ad.gradients(loss, params)
        for p, g in zip(params, grads, strict=True):
            p.data = p.data - LR * g.data
        return loss, grads

    return {"step": compile(step)}
