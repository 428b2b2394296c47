"""Training by pure functions, for contestants without modules and optimizers of their own.

Parameters are a list of arrays. The same code runs on NumPy's arrays and, traced, on JAX's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Rule(NamedTuple):
    """``init(params) -> state`` and ``update(grads, state, params) -> (params, state)``."""

    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]


def sgd(lr: float) -> Rule:
    """Plain gradient descent."""
    return Rule(
        lambda params: (),
        lambda grads, state, params: ([p - lr * g for p, g in zip(params, grads)], state),
    )


def adam(lr: float = 1e-3, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Rule:
    """Adam, as Kingma and Ba (2015) write it."""

    def init(params: Any) -> Any:
        return 0, [p * 0 for p in params], [p * 0 for p in params]

    def update(grads: Any, state: Any, params: Any) -> Any:
        step = state[0] + 1
        m = [b1 * a + (1 - b1) * g for a, g in zip(state[1], grads)]
        v = [b2 * a + (1 - b2) * (g * g) for a, g in zip(state[2], grads)]
        c1, c2 = 1 - b1**step, 1 - b2**step
        new = [p - lr * (a / c1) / ((b / c2) ** 0.5 + eps) for p, a, b in zip(params, m, v)]
        return new, (step, m, v)

    return Rule(init, update)


def training(
    value_and_grad: Callable[[Any], Any],
    compile: Callable[[Any], Any],
    loss: Callable[..., Any],
    params: Any,
    batch: Sequence[Any],
    rule: Rule,
) -> Callable[[], Any]:
    """A function that does one training step; it returns the loss and the gradients."""
    differentiated = value_and_grad(loss)

    def step(params: Any, state: Any, *batch: Any) -> Any:
        value, grads = differentiated(params, *batch)
        params, state = rule.update(grads, state, params)
        return (value, grads), params, state

    compiled = compile(step)
    held = [params, rule.init(params)]

    def run() -> Any:
        result, held[0], held[1] = compiled(*held, *batch)
        return result

    return run


class AdamInPlace:
    """Adam by hand on NumPy arrays, with no temporary that can be avoided."""

    def __init__(self, params: Sequence[np.ndarray[Any, Any]], lr: float = 1e-3) -> None:
        self.params, self.lr, self.step_number = params, lr, 0
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self.spare = [np.empty_like(p) for p in params]

    def step(self, grads: Sequence[np.ndarray[Any, Any]]) -> None:
        """One step of every parameter, written into it."""
        self.step_number += 1
        c1, c2 = 1 - 0.9**self.step_number, 1 - 0.999**self.step_number
        rows = zip(self.params, grads, self.m, self.v, self.spare, strict=True)
        for p, g, m, v, t in rows:
            m *= 0.9
            np.multiply(g, 0.1, out=t)
            m += t
            v *= 0.999
            np.multiply(g, g, out=t)
            t *= 0.001
            v += t
            np.divide(v, c2, out=t)
            np.sqrt(t, out=t)
            t += 1e-8
            np.divide(m, t, out=t)
            t *= self.lr / c1
            p -= t
