"""The step by hand in NumPy."""

from __future__ import annotations

from typing import Any

from benchmarks.functional import AdamInPlace
from benchmarks.optimizer import SIZES, values


def steps(compile: Any) -> dict[str, Any]:
    """A step for each size."""

    def step(size: int) -> Any:
        params, grads = values(size, 0), values(size, 1)
        rule = AdamInPlace(params)

        def run() -> Any:
            rule.step(grads)
            return params

        return run

    return {name: step(size) for name, size in SIZES.items()}
