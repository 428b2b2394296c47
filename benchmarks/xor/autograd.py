"""The training step in autograd."""

from __future__ import annotations

from functools import partial
from typing import Any

import autograd
import autograd.numpy as anp

from benchmarks.functional import sgd, training
from benchmarks.xor import W1, W2, X, Y, program


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params, batch = [anp.array(W1), anp.array(W2)], [anp.array(X), anp.array(Y)]
    loss = partial(program.loss, anp)
    return {
        "step": training(autograd.value_and_grad, compile, loss, params, batch, sgd(1.0)),
    }
