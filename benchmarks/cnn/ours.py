"""The training step with the convolutions of autodiff and the optimizer of nn."""

from __future__ import annotations

from typing import Any

import autodiff as ad
import nn
from benchmarks.cnn import BATCH, PARAMS, X, Y


class Network(nn.Module):
    """Two convolutions and two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.params = [nn.Parameter(p) for p in PARAMS]

    def forward(self, x: Any) -> Any:
        """The logits."""
        p = self.params
        for kernel, bias in (p[0:2], p[2:4]):
            x = ad.conv2d(x, kernel, padding=1) + ad.reshape(bias, (-1, 1, 1))
            x = ad.max_pool(ad.relu(x), 2)
        x = ad.relu(ad.reshape(x, (BATCH, -1)) @ p[4] + p[5])
        return x @ p[6] + p[7]


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    model = Network()
    x = ad.tensor(X)
    optimizer = nn.optim.Optimizer(model, nn.optim.adam())

    def step() -> Any:
        loss = nn.losses.cross_entropy(model(x), Y)
        grads = ad.gradients(loss, optimizer.parameters)
        optimizer.step(grads)
        return loss, grads

    return {"step": compile(step)}
