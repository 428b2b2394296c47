"""The formula and its gradient in autodiff."""

from __future__ import annotations

from functools import partial
from typing import Any

import autodiff as ad
from benchmarks.wide import SIZES, operands
from benchmarks.wide.program import formula


def steps(compile: Any) -> dict[str, Any]:
    """A step for each size."""
    f = compile(ad.value_and_grad(partial(formula, ad), argnums=(0, 1)))

    def step(size: int) -> Any:
        arguments = [ad.tensor(x) for x in operands(size)]
        return lambda: f(*arguments)

    return {name: step(size) for name, size in SIZES.items()}
