"""The step in PyTorch."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.optimizer import SIZES, values


def steps(compile: Any) -> dict[str, Any]:
    """A step for each size."""

    def step(size: int) -> Any:
        params = [torch.tensor(x, requires_grad=True) for x in values(size, 0)]
        for p, g in zip(params, values(size, 1), strict=True):
            p.grad = torch.tensor(g)
        optimizer = torch.optim.Adam(params)
        advance = compile(optimizer.step)

        def run() -> Any:
            advance()
            return params

        return run

    return {name: step(size) for name, size in SIZES.items()}
