"""The Hessian in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.hessian import X
from benchmarks.hessian.program import rosenbrock

jax.config.update("jax_enable_x64", True)


def steps(compile: Any) -> dict[str, Any]:
    """The Hessian."""
    x, hessian = jnp.asarray(X), compile(jax.hessian(rosenbrock))
    return {"hessian": lambda: hessian(x)}
