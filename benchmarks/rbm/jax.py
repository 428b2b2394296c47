"""The step in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.functional import sgd, training
from benchmarks.rbm import LR, NOISE_H, NOISE_V, A, B, V, W


def free_energy(params: Any, v: Any) -> Any:
    """Mean free energy of a batch."""
    w, a, b = params
    return jnp.mean(-(v @ a) - jnp.sum(jax.nn.softplus(v @ w + b), axis=1))


def difference(params: Any, v: Any, noise_h: Any, noise_v: Any) -> Any:
    """The loss: no gradient flows through the sample."""
    w, a, b = params
    h = (jax.nn.sigmoid(v @ w + b) > noise_h).astype(v.dtype)
    model = (jax.nn.sigmoid(h @ w.T + a) > noise_v).astype(v.dtype)
    return free_energy(params, v) - free_energy(params, jax.lax.stop_gradient(model))


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params = [jnp.asarray(p) for p in (W, A, B)]
    batch = [jnp.asarray(x) for x in (V, NOISE_H, NOISE_V)]
    return {"step": training(jax.value_and_grad, compile, difference, params, batch, sgd(LR))}
