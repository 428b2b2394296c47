"""The step in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.functional import adam
from benchmarks.optimizer import SIZES, values


def steps(compile: Any) -> dict[str, Any]:
    """A step for each size; what it replaces is donated, so that it may write in place."""
    rule = adam()
    update = jax.jit(lambda g, s, p: rule.update(g, s, p), donate_argnums=(1, 2))

    def step(size: int) -> Any:
        params = [jnp.asarray(x) for x in values(size, 0)]
        grads = [jnp.asarray(x) for x in values(size, 1)]
        held = [params, rule.init(params)]

        def run() -> Any:
            held[0], held[1] = update(grads, held[1], held[0])
            return held[0]

        return run

    return {name: step(size) for name, size in SIZES.items()}
