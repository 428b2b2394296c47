"""The training step with nn."""

from __future__ import annotations

from typing import Any

import autodiff as ad
import nn
from benchmarks.mlp import PARAMS, SIZES, X, Y


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    model = nn.Sequential(
        nn.Dense(SIZES[0], SIZES[1], "relu"),
        nn.Dense(SIZES[1], SIZES[2], "relu"),
        nn.Dense(SIZES[2], SIZES[3]),
    )
    model.load_state_dict(dict(zip(model.named_parameters(), PARAMS, strict=True)))
    x = ad.tensor(X)
    optimizer = nn.optim.Optimizer(model, nn.optim.adam())

    def step() -> Any:
        loss = nn.losses.cross_entropy(model(x), Y)
        grads = ad.gradients(loss, optimizer.parameters)
        optimizer.step(grads)
        return loss, grads

    return {"step": compile(step)}
