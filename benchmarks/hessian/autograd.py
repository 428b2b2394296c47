"""The Hessian in autograd."""

from __future__ import annotations

from typing import Any

import autograd

from benchmarks.hessian import X
from benchmarks.hessian.program import rosenbrock


def steps(compile: Any) -> dict[str, Any]:
    """The Hessian."""
    hessian = autograd.hessian(lambda x: rosenbrock(x))
    return {"hessian": lambda: hessian(X)}
