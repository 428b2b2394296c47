"""The training step in JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.functional import adam, training
from benchmarks.mlp import PARAMS, X, Y, program


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params, batch = [jnp.asarray(p) for p in PARAMS], [jnp.asarray(X), jnp.asarray(Y)]
    loss = partial(program.loss, jnp)
    return {
        "step": training(jax.value_and_grad, compile, loss, params, batch, adam()),
    }
