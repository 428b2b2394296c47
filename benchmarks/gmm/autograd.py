"""The objective and its gradient in autograd."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp

from benchmarks.gmm import ALPHAS, FACTORS, MEANS, X
from benchmarks.gmm.program import objective


def logsumexp(x: Any, axis: int) -> Any:
    """As autograd's own, which needs SciPy."""
    top = anp.max(x, axis=axis, keepdims=True)
    return anp.squeeze(top, axis) + anp.log(anp.sum(anp.exp(x - top), axis=axis))


def steps(compile: Any) -> dict[str, Any]:
    """The objective and its gradient."""
    f = autograd.value_and_grad(lambda p: objective(anp, logsumexp, p[0], p[1], p[2], X))
    return {"gradient": lambda: f((ALPHAS, MEANS, FACTORS))}
