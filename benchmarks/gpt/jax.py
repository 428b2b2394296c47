"""The training step in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.functional import adam, training
from benchmarks.gpt import PARAMS, X, Y
from benchmarks.gpt.program import Library, logits

LIBRARY = Library(jnp, jax.nn.softmax, jax.nn.gelu)


def loss(params: Any, tokens: Any, targets: Any) -> Any:
    """Mean cross-entropy of the next characters."""
    logarithms = jax.nn.log_softmax(logits(LIBRARY, dict(zip(PARAMS, params)), tokens))
    return -jnp.mean(jnp.take_along_axis(logarithms, targets[..., None], axis=-1))


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params, batch = [jnp.asarray(p) for p in PARAMS.values()], [jnp.asarray(X), jnp.asarray(Y)]
    return {"step": training(jax.value_and_grad, compile, loss, params, batch, adam())}
