"""The training step in JAX, with its loop over time compiled once."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.functional import adam, training
from benchmarks.lstm import BATCH, HIDDEN, PARAMS, X, Y


def loss(params: Any, x: Any, y: Any) -> Any:
    """Mean cross-entropy of the next characters."""
    embedding, w, u, b, v, c = params

    def cell(state: Any, gates: Any) -> Any:
        h, memory = state
        i, f, g, o = jnp.split(gates + h @ u, 4, axis=1)
        memory = jax.nn.sigmoid(f) * memory + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(memory)
        return (h, memory), h

    zeros = jnp.zeros((BATCH, HIDDEN))
    _, states = jax.lax.scan(cell, (zeros, zeros), embedding[x] @ w + b)
    logits = jax.nn.log_softmax(states @ v + c)
    return -jnp.mean(jnp.take_along_axis(logits, y[..., None], axis=-1))


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params, batch = [jnp.asarray(p) for p in PARAMS], [jnp.asarray(X), jnp.asarray(Y)]
    return {"step": training(jax.value_and_grad, compile, loss, params, batch, adam())}
