"""Attention in JAX."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.attention import LENGTHS, WIDTH, operands


def loss(q: Any, k: Any, v: Any) -> Any:
    """Sum of squares of causal attention."""
    n = q.shape[1]
    scores = jnp.matmul(q / math.sqrt(WIDTH), jnp.swapaxes(k, -1, -2))
    scores = jnp.where(jnp.tril(jnp.ones((n, n), bool)), scores, -jnp.inf)
    return jnp.sum(jnp.matmul(jax.nn.softmax(scores), v) ** 2)


def steps(compile: Any) -> dict[str, Any]:
    """A step for each length."""
    f = compile(jax.value_and_grad(loss, argnums=(0, 1, 2)))

    def step(length: int) -> Any:
        arguments = [jnp.asarray(x) for x in operands(length)]
        return lambda: f(*arguments)

    return {f"length={n}": step(n) for n in LENGTHS}
