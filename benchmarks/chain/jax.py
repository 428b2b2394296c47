"""The chain in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.chain.program import START, chain

jax.config.update("jax_enable_x64", True)


def steps(compile: Any) -> dict[str, Any]:
    """The chain, and the gradient of its sum."""
    start = jnp.asarray(START)
    forward = compile(lambda z: chain(jnp, z))
    gradient = compile(jax.grad(lambda z: jnp.sum(chain(jnp, z))))
    return {"forward": lambda: forward(start), "gradient": lambda: gradient(start)}
