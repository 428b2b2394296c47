"""The formula and its gradient in autograd."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp

from benchmarks.wide import SIZES, operands
from benchmarks.wide.program import formula


def steps(compile: Any) -> dict[str, Any]:
    """A step for each size."""
    f = autograd.value_and_grad(lambda params: formula(anp, *params))

    def step(size: int) -> Any:
        arguments = operands(size)
        return lambda: f(arguments)

    return {name: step(size) for name, size in SIZES.items()}
