"""The network and its loss in NumPy style, and the steps by a library's gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.functional import adam
from benchmarks.meta import STEPS


def loss(xp: Any, params: Any, x: Any, y: Any) -> Any:
    """Mean squared error."""
    w1, b1, w2, b2 = params
    return xp.mean((xp.matmul(xp.tanh(xp.matmul(x, w1) + b1), w2) + b2 - y) ** 2)


def final_loss(
    loss_of: Callable[[Any], Any], gradient: Callable[[Any], Any], params: Any, lr: Any
) -> Any:
    """The loss after all steps."""
    rule = adam(lr)
    state = rule.init(params)
    for _ in range(STEPS):
        params, state = rule.update(gradient(params), state, params)
    return loss_of(params)
