"""The formula and its gradient in MyGrad."""

from __future__ import annotations

from typing import Any

import mygrad as mg

from benchmarks.wide import SIZES, operands
from benchmarks.wide.program import formula


def steps(compile: Any) -> dict[str, Any]:
    """A step for each size."""

    def step(size: int) -> Any:
        arrays = operands(size)

        def run() -> Any:
            arguments = [mg.tensor(x, copy=False) for x in arrays]
            value = formula(mg, *arguments)
            value.backward()
            return value, [x.grad for x in arguments]

        return run

    return {name: step(size) for name, size in SIZES.items()}
