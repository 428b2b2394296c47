"""The Hessian, by gradients of the recorded gradient, a row at a time: there is no vmap yet."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from benchmarks.hessian import X
from benchmarks.hessian.program import rosenbrock


def steps(compile: Any) -> dict[str, Any]:
    """The Hessian."""
    rows = np.eye(len(X))

    def hessian() -> Any:
        x = ad.tensor(X, requires_grad=True)
        gradient = ad.gradients(rosenbrock(x), x, create_graph=True)
        return np.stack([ad.gradients(gradient, x, cotangents=row).data for row in rows])

    return {"hessian": compile(hessian)}
