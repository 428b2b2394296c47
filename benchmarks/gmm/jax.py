"""The objective and its gradient in JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp

from benchmarks.gmm import ALPHAS, FACTORS, MEANS, X
from benchmarks.gmm.program import objective

jax.config.update("jax_enable_x64", True)


def steps(compile: Any) -> dict[str, Any]:
    """The objective and its gradient."""
    f = compile(jax.value_and_grad(partial(objective, jnp, logsumexp), argnums=(0, 1, 2)))
    arguments = [jnp.asarray(a) for a in (ALPHAS, MEANS, FACTORS, X)]
    return {"gradient": lambda: f(*arguments)}
