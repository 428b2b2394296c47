"""The training step in MyGrad."""

from __future__ import annotations

from typing import Any

import mygrad as mg
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

from benchmarks.functional import AdamInPlace
from benchmarks.mlp import PARAMS, X, Y


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params = [mg.tensor(p) for p in PARAMS]
    rule = AdamInPlace([p.data for p in params])

    def step() -> Any:
        hidden = X
        for k in (0, 2):
            hidden = relu(hidden @ params[k] + params[k + 1])
        loss = softmax_crossentropy(hidden @ params[4] + params[5], Y)
        loss.backward()
        grads = [p.grad for p in params]
        for p in params:
            p.null_grad()
        rule.step(grads)
        return loss, grads

    return {"step": step}
