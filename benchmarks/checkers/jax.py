"""``jax.test_util.check_grads`` in JAX's default dtype, float32."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads


@jax.custom_vjp  # type: ignore[untyped-decorator]  # untyped library
def sine(x: Any, weights: Any) -> Any:
    """The sum of the sine, with a planted rule."""
    return jnp.sum(jnp.sin(x))


sine.defvjp(
    lambda x, weights: (sine(x, weights), (x, weights)),
    lambda kept, g: (g * kept[1] * jnp.cos(kept[0]), jnp.zeros_like(kept[1])),
)


def caught(x: Any, weights: Any) -> bool:
    """Whether the planted rule is refused."""
    given, point = (jnp.asarray(v.astype(np.float32)) for v in (weights, x))
    np.random.seed(0)
    try:
        check_grads(lambda p: sine(p, given), (point,), order=1, modes=("rev",))
    except AssertionError:
        return True
    return False


CHECKERS = {"": (caught, None)}
