"""The gradient through training in JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.meta import LR, PARAMS, X, Y
from benchmarks.meta.program import final_loss, loss

jax.config.update("jax_enable_x64", True)


def steps(compile: Any) -> dict[str, Any]:
    """The final loss and its gradients by the first parameters and the learning rate."""

    def loss_of(params: Any) -> Any:
        return loss(jnp, params, X, Y)

    f = compile(jax.value_and_grad(partial(final_loss, loss_of, jax.grad(loss_of)), argnums=(0, 1)))
    first = [jnp.asarray(p) for p in PARAMS]
    return {"gradient": lambda: f(first, LR)}
