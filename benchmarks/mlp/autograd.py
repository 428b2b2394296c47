"""The training step in autograd."""

from __future__ import annotations

from functools import partial
from typing import Any

import autograd
import autograd.numpy as anp

from benchmarks.functional import adam, training
from benchmarks.mlp import PARAMS, X, Y, program


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params, batch = [anp.array(p) for p in PARAMS], [anp.array(X), anp.array(Y)]
    loss = partial(program.loss, anp)
    return {
        "step": training(autograd.value_and_grad, compile, loss, params, batch, adam()),
    }
