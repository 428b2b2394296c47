"""The formula and its gradient in JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.wide import SIZES, operands
from benchmarks.wide.program import formula


def steps(compile: Any) -> dict[str, Any]:
    """A step for each size."""
    f = compile(jax.value_and_grad(partial(formula, jnp), argnums=(0, 1)))

    def step(size: int) -> Any:
        arguments = [jnp.asarray(x) for x in operands(size)]
        return lambda: f(*arguments)

    return {name: step(size) for name, size in SIZES.items()}
