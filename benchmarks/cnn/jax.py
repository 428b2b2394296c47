"""The training step in JAX, with the channels last in the convolutions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.cnn import BATCH, PARAMS, X, Y
from benchmarks.functional import adam, training


def loss(params: Any, x: Any, y: Any) -> Any:
    """Mean cross-entropy of the network's logits."""
    x = x.transpose(0, 2, 3, 1)
    for kernel, bias in (params[0:2], params[2:4]):
        forms = ("NHWC", "OIHW", "NHWC")
        x = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=forms)
        x = jnp.maximum(x + bias, 0)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = x.transpose(0, 3, 1, 2).reshape(BATCH, -1)
    x = jnp.maximum(x @ params[4] + params[5], 0) @ params[6] + params[7]
    return -jnp.mean(jax.nn.log_softmax(x)[jnp.arange(len(y)), y])


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params, batch = [jnp.asarray(p) for p in PARAMS], [jnp.asarray(X), jnp.asarray(Y)]
    return {"step": training(jax.value_and_grad, compile, loss, params, batch, adam())}
