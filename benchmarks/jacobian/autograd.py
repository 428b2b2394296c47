"""The Jacobian in autograd."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp

from benchmarks.jacobian import A, B, X
from benchmarks.jacobian.program import function


def steps(compile: Any) -> dict[str, Any]:
    """The Jacobian."""
    jacobian = autograd.jacobian(lambda x: function(anp, x, A, B))
    return {"jacobian": lambda: jacobian(X)}
