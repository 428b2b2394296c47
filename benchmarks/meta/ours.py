"""The gradient through training, with the rule of nn."""

from __future__ import annotations

from functools import partial
from typing import Any

import autodiff as ad
import nn
from benchmarks.meta import LR, PARAMS, STEPS, X, Y
from benchmarks.meta.program import loss


def steps(compile: Any) -> dict[str, Any]:
    """The final loss and its gradients by the first parameters and the learning rate."""
    loss_of = partial(loss, ad)

    def run() -> Any:
        first = {str(k): ad.tensor(p, requires_grad=True) for k, p in enumerate(PARAMS)}
        lr = ad.tensor(LR, requires_grad=True)
        rule = nn.optim.adam(lr)
        params, state = first, rule.init(first)
        for _ in range(STEPS):
            value = loss_of(list(params.values()), X, Y)
            grads = ad.gradients(value, params, create_graph=True)
            params, state = rule.update(grads, state, params)
        value = loss_of(list(params.values()), X, Y)
        return value, ad.gradients(value, [*first.values(), lr])

    return {"gradient": compile(run)}
