"""The Hessian by ``ad.hessian``."""

from __future__ import annotations

from typing import Any

import autodiff as ad
from benchmarks.hessian import X
from benchmarks.hessian.program import rosenbrock


def steps(compile: Any) -> dict[str, Any]:
    """The Hessian."""
    hessian = compile(ad.hessian(rosenbrock))
    return {"hessian": lambda: hessian(X)}
