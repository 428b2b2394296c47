"""The Jacobian in JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.jacobian import A, B, X
from benchmarks.jacobian.program import function

jax.config.update("jax_enable_x64", True)


def steps(compile: Any) -> dict[str, Any]:
    """The Jacobian."""
    jacobian = compile(jax.jacrev(partial(function, jnp, a=jnp.asarray(A), b=jnp.asarray(B))))
    x = jnp.asarray(X)
    return {"jacobian": lambda: jacobian(x)}
