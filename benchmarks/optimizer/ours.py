"""The step with nn."""

from __future__ import annotations

from typing import Any

import nn
from benchmarks.optimizer import SIZES, values


class Holder(nn.Module):
    """Parameters and nothing else."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.parts = [nn.Parameter(value) for value in values(size, 0)]


def steps(compile: Any) -> dict[str, Any]:
    """A step for each size."""

    def step(size: int) -> Any:
        model = Holder(size)
        optimizer = nn.optim.Optimizer(model, nn.optim.adam())
        grads = dict(zip(optimizer.parameters, values(size, 1), strict=True))

        def run() -> Any:
            optimizer.step(grads)
            return model.parts

        return compile(run)

    return {name: step(size) for name, size in SIZES.items()}
