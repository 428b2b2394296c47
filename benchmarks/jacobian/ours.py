"""The Jacobian by rows: one recorded forward pass, a gradient for each output."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from benchmarks.jacobian import A, B, X
from benchmarks.jacobian.program import function


def steps(compile: Any) -> dict[str, Any]:
    """The Jacobian."""
    rows, a, b = np.eye(len(X)), ad.tensor(A), ad.tensor(B)

    def jacobian() -> Any:
        x = ad.tensor(X, requires_grad=True)
        y = function(ad, x, a, b)
        return np.stack([ad.gradients(y, x, cotangents=row).data for row in rows])

    return {"jacobian": compile(jacobian)}
