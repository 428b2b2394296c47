"""The training step with nn."""

from __future__ import annotations

from typing import Any

import autodiff as ad
import nn
from benchmarks.xor import W1, W2, X, Y


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    model = nn.Sequential(
        nn.Dense(3, 4, "sigmoid", bias=False), nn.Dense(4, 1, "sigmoid", bias=False)
    )
    model.load_state_dict({"layers.0.weight": W1, "layers.1.weight": W2})
    x, y = ad.tensor(X), ad.tensor(Y)
    optimizer = nn.optim.Optimizer(model, nn.optim.sgd(lr=1.0))

    def step() -> Any:
        loss = nn.losses.half_squared_error(model(x), y)
        grads = ad.gradients(loss, optimizer.parameters)
        optimizer.step(grads)
        return loss, grads

    return {"step": compile(step)}
