"""The Jacobian in PyTorch."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from benchmarks.jacobian import A, B, X
from benchmarks.jacobian.program import function


def steps(compile: Any) -> dict[str, Any]:
    """The Jacobian, as ``torch.autograd.functional`` gives it, and compiled by ``torch.func``."""
    f = partial(function, torch, a=torch.tensor(A), b=torch.tensor(B))
    x = torch.tensor(X)
    if compile is torch.compile:
        compiled = compile(torch.func.jacrev(f))
        return {"jacobian": lambda: compiled(x)}
    return {"jacobian": lambda: torch.autograd.functional.jacobian(f, x)}
