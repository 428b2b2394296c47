"""The Hessian in PyTorch."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.hessian import X
from benchmarks.hessian.program import rosenbrock


def steps(compile: Any) -> dict[str, Any]:
    """The Hessian, as ``torch.autograd.functional`` gives it, and compiled by ``torch.func``."""
    x = torch.tensor(X)
    if compile is torch.compile:
        compiled = compile(torch.func.hessian(rosenbrock))
        return {"hessian": lambda: compiled(x)}
    return {"hessian": lambda: torch.autograd.functional.hessian(rosenbrock, x)}
