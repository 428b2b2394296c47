"""The gradient through training in autograd."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp

from benchmarks.meta import LR, PARAMS, X, Y
from benchmarks.meta.program import final_loss, loss


def steps(compile: Any) -> dict[str, Any]:
    """The final loss and its gradients by the first parameters and the learning rate."""

    def loss_of(params: Any) -> Any:
        return loss(anp, params, X, Y)

    gradient = autograd.grad(loss_of)
    f = autograd.value_and_grad(lambda both: final_loss(loss_of, gradient, *both))
    return {"gradient": lambda: f((PARAMS, LR))}
