"""The formula and its gradient in PyTorch."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from benchmarks.wide import SIZES, operands
from benchmarks.wide.program import formula


def steps(compile: Any) -> dict[str, Any]:
    """A step for each size."""
    f = compile(partial(formula, torch))

    def step(size: int) -> Any:
        arguments = [torch.tensor(x, requires_grad=True) for x in operands(size)]

        def run() -> Any:
            value = f(*arguments)
            return value.detach(), torch.autograd.grad(value, arguments)

        return run

    return {name: step(size) for name, size in SIZES.items()}
