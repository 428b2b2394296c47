"""A convolution in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.conv import SETTINGS, Setting, operands


def steps(compile: Any) -> dict[str, Any]:
    """A step for each setting."""

    def step(setting: Setting) -> Any:
        kernel, stride, groups = setting

        def loss(x: Any, w: Any) -> Any:
            pads = [(kernel // 2,) * 2] * 2
            y = lax.conv_general_dilated(x, w, (stride,) * 2, pads, feature_group_count=groups)
            return jnp.sum(y * y)

        f = compile(jax.value_and_grad(loss, argnums=(0, 1)))
        arguments = [jnp.asarray(a) for a in operands(setting)]
        return lambda: f(*arguments)

    return {name: step(setting) for name, setting in SETTINGS.items()}
